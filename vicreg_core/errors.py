"""Errors a user can act on.

Everything derived from :class:`VicregError` is printed by the command line as one block, without a
traceback, and ends the process with :attr:`VicregError.exit_code`. Anything else is a bug in the suite or
in a plugin and keeps its traceback.
"""

from __future__ import annotations


class VicregError(Exception):
    """A mistake or a condition the user can act on; the message says what was given and what to do."""

    exit_code = 2


class RecipeError(VicregError):
    """A recipe that cannot be run; the message lists every problem with its place."""


class PluginError(VicregError):
    """A component that is not available: unknown name, missing extra or a broken plugin."""


class DataError(VicregError):
    """Data that cannot be read or does not fit the task; the message names the file or row."""


class RunError(VicregError):
    """A run directory, checkpoint or model that cannot be used as asked."""


class TrainingFailed(VicregError):
    """A run that started and could not go on: a non-finite loss, a collapse with ``on_collapse: stop``."""

    exit_code = 1


class TrainingPruned(TrainingFailed):
    """A run that was ended early by what watches it, because others had come further by then."""


class TrainingInterrupted(VicregError):
    """A run stopped by a signal after writing its checkpoint; ``exit_code`` is 128 + the signal's number."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number
