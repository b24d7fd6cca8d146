"""A master and its restoration as staff see them: pixels for a screen, tile by tile.

Nothing here knows of the web, of the catalogue or of orchestration.
"""

from heritage.review.pictures.disagreement import disagreement
from heritage.review.pictures.gate import SceneClosed
from heritage.review.pictures.scene import Scene
from heritage.review.pictures.view import Levels, View

__all__ = ["Levels", "Scene", "SceneClosed", "View", "disagreement"]
