"""The errors of the zoo: every one is a single sentence that says what is wrong and what to do.

All of them derive from :class:`ZooError`, so a page or a script can catch one class and show
``str(error)`` to a person.
"""


class ZooError(Exception):
    """Base of every error that the zoo raises on purpose; ``str(error)`` is fit to be shown."""


class UnknownModelError(ZooError):
    """No model has that name; the message suggests the nearest names."""


class IntegrityError(ZooError):
    """A file is missing, is not the file that the catalog pins, or does not fit its network."""


class ImageError(ZooError):
    """The input is no image, or an image that cannot be used."""


class HubError(ZooError):
    """The Hugging Face Hub is not configured, did not answer, or lacks what was asked for."""


class DeviceError(ZooError):
    """The device that was asked for does not exist on this machine."""


class ExperimentError(ZooError):
    """No recorded experiment has that name, or its file cannot be read."""
