"""Every error that cgan raises on purpose, in one tree.

    CganError
    ├── ConfigError            a setting, recipe, checkpoint config or option that cannot be used
    ├── ModelFileError         a model file or its manifest is missing, foreign, damaged or does not match
    ├── BackendUnavailable     an inference back end is not installed, not usable here, or failed to load
    ├── InputShapeError        an array of the wrong shape, dtype or size was handed in
    ├── MediaError             an image or video cannot be read or written
    ├── DataError              a training or measuring data set is missing, empty or damaged
    ├── TrainingError          training cannot go on (for example the loss is no longer a number)
    └── ParityError            an exported model does not agree with the model that it came from

A message says what came, what was expected, and the mend, on one line. The command lines print it and
exit with 1; a traceback that reaches a user is a bug.
"""


class CganError(Exception):
    """Base of all errors that cgan raises on purpose."""


class ConfigError(CganError):
    """A setting cannot be used: unknown name, value out of range, or two that exclude each other."""


class ModelFileError(CganError):
    """A model file or its manifest is missing, foreign, damaged, or the two do not belong together."""


class BackendUnavailable(CganError):
    """An inference back end is not installed, does not work on this machine, or could not load the model."""


class InputShapeError(CganError, ValueError):
    """An array of the wrong shape, dtype or size was handed to a back end or a color function."""


class MediaError(CganError):
    """An image or video cannot be opened, read to its end, or written."""


class DataError(CganError):
    """A data set for training or measuring is missing, empty or damaged."""


class TrainingError(CganError):
    """Training cannot go on."""


class ParityError(CganError):
    """An exported model's output differs from its source by more than the tolerance."""
