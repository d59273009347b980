"""Words for the limits of a machine: what ran out, and what to do about it.

Libraries raise these as whatever they have at hand, so they are known by their numbers and words: nothing
heavy is imported here.
"""

from __future__ import annotations

import errno
import os
import re

_OUT_OF_MEMORY = re.compile(
    r"out of memory|can.t allocate memory|not enough memory|unable to allocate|cannot allocate memory", re.I
)
_CUT_SHORT = re.compile(
    r"no space left|disk quota|inline_container|PytorchStreamWriter|file write failed", re.I
)
_RUST = re.compile(r"\(os error (\d+)\)")
"""How libraries written in Rust (tokenizers, safetensors) tell a number of the system."""
_ROOM = "make room, or write elsewhere; a run that was cut off goes on with --resume"
_RIGHTS = "you may not read or write there; change its permissions, or give another path"
_ADVICE = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EFBIG: "the file may not be as large as that here (ulimit -f, or the file system's own limit)",
    errno.EMFILE: "raise the limit (ulimit -n 65536), or lower data.workers",
    errno.ENFILE: "the whole machine has too many open files; close other programs, or lower data.workers",
    errno.EROFS: "the file system is read-only; give a folder that can be written to",
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.ENOMEM: "the machine's memory is used up",
    errno.EIO: "the disk or its connection fails; look at the system's log",
    errno.ENAMETOOLONG: "give a shorter path",
    errno.ESTALE: "the network file system lost the file; try again",
}
_MEMORY = (
    "less of it is needed with a smaller train.batch_size, encoder or projector.dims, with fewer "
    "data.workers, and in an evaluation with a smaller evaluate.max_train; a run that was cut off goes on "
    "with --resume"
)


def limit_met(error: BaseException) -> str | None:
    """What limit of the machine an exception stands for, and the remedy; ``None`` where it is none."""
    for each in _chain(error):
        if isinstance(each, OSError) and each.errno in _ADVICE:
            where = f" ({each.filename})" if each.filename else ""
            return f"{each.strerror}{where}: {_ADVICE[each.errno]}"
        if (told := _RUST.search(str(each))) and (number := int(told[1])) in _ADVICE:
            return f"{os.strerror(number)}: {_ADVICE[number]}"
    for each in _chain(error):
        words = str(each)
        if isinstance(each, MemoryError) or (_is_library_error(each) and _OUT_OF_MEMORY.search(words)):
            reason = words.splitlines()[0] if words else "Out of memory"
            return f"{reason}: {_MEMORY}"
        if _is_library_error(each) and _CUT_SHORT.search(words):
            return f"a file could not be written whole, most likely No space left on device: {_ROOM}"
    return None


def _chain(error: BaseException) -> list[BaseException]:
    """The exception and those it was raised from, the deepest last."""
    found: list[BaseException] = []
    seen: BaseException | None = error
    while seen is not None and seen not in found:
        found.append(seen)
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return found


def _is_library_error(error: BaseException) -> bool:
    return isinstance(error, RuntimeError | OSError) or type(error).__name__ in {
        "SafetensorError",
        "ArrowException",
    }
