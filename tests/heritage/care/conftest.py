"""Looking after holdings works on both databases."""

from tests.db.conftest import empty_url, postgresql

__all__ = ["empty_url", "postgresql"]
