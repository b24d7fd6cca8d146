"""Virtual restoration of museum image archives.

The one call most people need is ``heritage.restore(source)``; everything else is in the rooms
``tiff``, ``damage``, ``restore``, ``train`` and ``evaluate``. Importing this package imports
neither torch nor Prefect.
"""

__version__ = "0.1.0"
