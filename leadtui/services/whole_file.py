"""Writing a file so that it is there whole or, after an error, as it was before."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from leadtui.errors import Invalid, OtherSide


@contextlib.contextmanager
def whole_file(path: Path, *, field: str) -> Iterator[BinaryIO]:
    """Open `path` for writing; what was there is replaced when all is written, and kept when anything is raised.

    A link stays a link. A device or a pipe is written to as it is: putting a file in its place would destroy it.
    Raises Invalid (naming `field`) for a place that cannot be written, OtherSide when writing fails (a full disk).
    """
    part: str | None = None
    try:
        if path.exists() and not path.is_file():
            out: BinaryIO = open(path, "wb")  # noqa: SIM115 - closed below
        else:
            path = path.resolve()
            handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
            out = os.fdopen(handle, "wb")
    except OSError as error:
        raise Invalid(f"{path} cannot be written: {error.strerror}", field=field, hint="another place") from error
    try:
        with out:
            yield out
        if part is not None:
            os.chmod(part, 0o666 & ~_umask())
            os.replace(part, path)
    except BaseException as error:
        if part is not None:
            with contextlib.suppress(OSError):
                os.unlink(part)
        if isinstance(error, OSError):
            words = f"{path} could not be written: {error.strerror}"
            raise OtherSide(words, code="file", field=field) from error
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
