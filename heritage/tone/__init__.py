"""Tone: fading, yellowing and uneven stains as a separate layer of parameters; off by default.

Nothing here changes a master or a restoration. A ``Tone`` is a curve for each channel and a smooth
field of gains, kept as numbers; it is applied on demand, and can be taken back.
"""

from heritage.tone.estimate import estimate_tone
from heritage.tone.tone import Tone, apply_tone, describe_tone, invert_tone, read_tone

__all__ = ["Tone", "apply_tone", "describe_tone", "estimate_tone", "invert_tone", "read_tone"]
