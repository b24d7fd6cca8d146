"""People compare fills without knowing whose they are, and their votes become a ranking.

``serve_blind`` opens the page on this machine, ``ranking`` computes from the votes in the
catalogue, ``sections`` says it as tables. The page needs FastAPI, uvicorn and Jinja2, which are
imported when it is served, not before.
"""

from heritage.evaluate.blind.errors import EvaluationUnreadable
from heritage.evaluate.blind.ranking import Ranking, Standing, Verdict, ranking
from heritage.evaluate.blind.serve import serve_blind
from heritage.evaluate.blind.tables import Section, sections

__all__ = [
    "EvaluationUnreadable",
    "Ranking",
    "Section",
    "Standing",
    "Verdict",
    "ranking",
    "sections",
    "serve_blind",
]
