"""Channel `file`: each message is one line of JSON at the end of a file (contract "campaign").

Any number of processes may append: each line is one write at the file's end, under the file's lock.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

from leadtui import clock
from leadtui.channels.port import (
    Account,
    Caps,
    Channel,
    Outgoing,
    Pause,
    Plugin,
    Probe,
    Result,
    Retry,
    Sent,
    Setting,
    Spec,
    StatusUpdate,
)
from leadtui.errors import Refused

SPEC = Spec(
    name="file",
    title="File (JSON lines)",
    settings=(Setting("path", "the file that messages are appended to", kind="file"),),
    needs_account=False,
)

_CAPS = Caps(address="phone", activity="other", media=("*/*",), max_media_bytes=1 << 40)

_LOCK_PATIENCE_S = 0.5
"""A process may be stopped while it holds the lock: nobody waits for it longer than this."""
_LOCK_PAUSE_S = 0.005

_OTHER_LINE_ENDS = {code: f"\\u{code:04x}" for code in (0x85, 0x2028, 0x2029)}
"""What some readers of lines take for the end of one."""

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


class FileChannel:
    """Appends to the file of the campaign, else of the account."""

    name = "file"

    def __init__(self, account: Account) -> None:
        self._account = account

    def caps(self) -> Caps:
        """Everything goes: the file is read by a program of somebody's own."""
        return _CAPS

    def probe(self) -> Probe:
        """Whether the file could be appended to; it is not made by that."""
        try:
            path = Path(self._account.need("path")).expanduser()
        except Refused as refused:
            return Probe(False, "not_set_up", refused.message, refused.hint or "")
        place = path if path.exists() else _nearest(path)
        if path.is_dir():
            return Probe(False, "is_folder", f"{path} is a folder", "name a file in it")
        if not os.access(place, os.W_OK):
            return Probe(False, "not_permitted", f"{place} cannot be written to", "check its rights")
        return Probe(True, "ready", f"messages are appended to {path}")

    def send(self, message: Outgoing, deadline_s: float) -> Result:
        """Append one line; `Sent` once it stands in the file whole."""
        given = str(message.options.get("out") or "")
        scope: Literal["campaign", "account"] = "campaign" if given else "account"
        try:
            path = Path(given or self._account.need("path")).expanduser()
            if not given:
                path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
        except Refused as refused:
            return Pause(refused.code, refused.message, "account")
        except OSError as error:
            return _pause(error, given or str(path), scope)
        try:
            if not _lock(handle, min(deadline_s, _LOCK_PATIENCE_S)):
                return Retry(1, "busy", f"another program holds {path}")
            return _append(handle, _line(message), path, scope)
        except OSError as error:
            return _pause(error, str(path), scope)
        finally:
            with suppress(OSError):
                os.close(handle)  # gives the lock back, too

    def poll(self, ids: Sequence[str]) -> tuple[StatusUpdate, ...]:
        """Nothing: a line that stands in the file is all there is to know."""
        return ()

    def close(self) -> None:
        """Nothing is held open."""


def _append(handle: int, line: bytes, path: Path, scope: Literal["campaign", "account"]) -> Result:
    """Write the line at once; what was only begun (the disk is full) is taken away again."""
    before = os.fstat(handle)
    written = os.write(handle, line)
    if written == len(line):
        return Sent(f"file:{before.st_size}" if stat.S_ISREG(before.st_mode) else "")
    if stat.S_ISREG(before.st_mode):
        os.ftruncate(handle, before.st_size)
    return _pause(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), str(path), scope)


def _line(message: Outgoing) -> bytes:
    """The line, with the moment at which it is written."""
    document = {
        "recipient_id": message.message_id,
        "campaign": message.campaign,
        "phone": message.address,
        "text": message.text,
        "attachment": str(message.attachment.path) if message.attachment is not None else None,
        "at": clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }
    text = json.dumps(document, ensure_ascii=False).translate(_OTHER_LINE_ENDS)
    return text.encode("utf-8", "replace") + b"\n"


def _lock(handle: int, patience_s: float) -> bool:
    """The file's lock; False when another process holds it for longer than that."""
    until = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(_LOCK_PAUSE_S)
        else:
            return True


def _nearest(path: Path) -> Path:
    """The nearest folder above a file that exists."""
    return next((parent for parent in path.absolute().parents if parent.exists()), Path("/"))


def _pause(error: OSError, path: str, scope: Literal["campaign", "account"]) -> Pause:
    """What stands in the way of the file, in words; nothing was written."""
    if error.errno in _FULL:
        return Pause("disk_full", f"no room left for {path}", scope)
    if error.errno in _DENIED:
        return Pause("not_permitted", f"{path} may not be written to: {error.strerror}", scope)
    if error.errno == errno.ENOENT:
        return Pause("no_folder", f"there is no folder {Path(path).parent}", scope)
    return Pause("file_error", f"{path} cannot be written to: {error.strerror or type(error).__name__}", scope)


def _open(account: Account) -> Channel:
    return FileChannel(account)


PLUGIN = Plugin(SPEC, _open, lambda account: _CAPS)
