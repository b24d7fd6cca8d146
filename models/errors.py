"""What can go wrong with an inpainter, in words that its user can act on.

``models`` imports nothing else of this project, so these do not derive from ``HeritageError``;
the domain translates them where it calls an inpainter.
"""


class ModelError(Exception):
    """Base of all deliberate errors of this package."""


class ModelNotFound(ModelError, LookupError):
    """No inpainter or architecture of that name, or its weights are not where they belong."""


class WeightsRefused(ModelError, ValueError):
    """A weights file that is not what its card says, or that does not fit its network."""


class InputRefused(ModelError, ValueError):
    """An image or a mask that an inpainter cannot take."""


class DeviceMissing(ModelError, RuntimeError):
    """The device that was asked for is not in this machine."""


class ExportFailed(ModelError, RuntimeError):
    """A network that cannot be carried to another stack, or does something else there."""
