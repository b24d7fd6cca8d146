"""The review room's pages, its interface for programs, and its picture service."""
