"""What every command has around it: errors become one block on stderr and an exit code.

A :class:`~vicreg_core.errors.VicregError` is the user's to mend: its message, its exit code. An operating
system's refusal exits 1 with the system's words. Anything else is a bug and says whose. No traceback is
shown unless asked for.
"""

from __future__ import annotations

import errno
import sys
import traceback
import warnings
from types import FrameType
from typing import Any, NoReturn

import click

from vicreg_core.cli.lazy import LazyGroup
from vicreg_core.cli.limits import limit_met
from vicreg_core.cli.output import stderr_block
from vicreg_core.errors import VicregError

_INTERRUPTED = 130


class FramedGroup(LazyGroup):
    """A lazy group whose commands' exceptions end in a message and an exit code.

    It takes the flag ``--debug`` from its own parameters: with it the traceback is shown as well.
    """

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        formatwarning = warnings.formatwarning
        warnings.formatwarning = _warning_line
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            _fail(ctx, error, 1)
        except (Exception, KeyboardInterrupt) as error:
            _fail(ctx, error, _exit_code(error))
        finally:
            warnings.formatwarning = formatwarning
        return result


def _warning_line(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """A warning as its user reads it: the place in our code is of no use to them."""
    return f"warning: {message}\n"


def _exit_code(error: BaseException) -> int:
    if isinstance(error, VicregError):
        return error.exit_code
    return _INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1


def _fail(ctx: click.Context, error: BaseException, code: int) -> NoReturn:
    if ctx.params.get("debug"):
        traceback.print_exception(error)
    title, text = _block(error)
    stderr_block(title, text)
    ctx.exit(code)


def _block(error: BaseException) -> tuple[str, str]:
    if isinstance(error, VicregError):
        return "Error:", str(error)
    if isinstance(error, KeyboardInterrupt):
        return "Stopped.", ""
    if words := limit_met(error):
        return "Error:", words
    if isinstance(error, OSError) and error.strerror:
        where = f" ({error.filename})" if error.filename else ""
        return "Error:", f"{error.strerror}{where}"
    package, where = _origin(error)
    return (
        "Unexpected error:",
        f"{type(error).__name__}: {error}\n"
        f"  This is a bug in {package} ({where}), not a mistake of yours.\n"
        "  Set VICREG_DEBUG=1, or type vicreg --debug before the command, to see the traceback.",
    )


def _origin(error: BaseException) -> tuple[str, str]:
    """The package of the suite or of a plugin nearest to where an exception was raised, and the line."""
    from importlib.metadata import entry_points

    plugins = entry_points(group="vicreg.plugins")
    packages = {"vicreg_core", *(entry.module.partition(".")[0] for entry in plugins)}
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        module = _module(frame)
        if module.partition(".")[0] in packages:
            return module.partition(".")[0], f"{module}, line {line}"
    return "vicreg_core", "place unknown"


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))
