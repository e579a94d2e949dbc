"""Every error that cgan raises on purpose; all are subclasses of `CganError`.

A message says on one line what came, what was expected, and what to do. The command lines print it and exit
with 1; a traceback that reaches a user is a bug.
"""

from __future__ import annotations

from collections.abc import Iterable


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


def did_you_mean(name: str, names: Iterable[str], otherwise: str) -> str:
    """The end of a message about an unknown name: the one that was probably meant, or what else to do."""
    import difflib  # it would make a start slow

    near = difflib.get_close_matches(name, list(names), 1)
    return f"did you mean {near[0]}?" if near else otherwise
