"""What can stand in the way of a blind comparison."""

from __future__ import annotations

from heritage.errors import HeritageError


class EvaluationUnreadable(HeritageError):
    """A folder that holds no evaluation, or one that people cannot compare."""
