"""The file that goes with a campaign: looked into, checked against its channel, and kept beside the database."""

from __future__ import annotations

import mimetypes
import os
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from leadtui.channels import registry
from leadtui.domain.filters.catalogue import listing
from leadtui.errors import Invalid
from leadtui.text import clean_line

from .lifecycle import copy_in
from .office import Office

_SIGNS: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"%PDF-", "application/pdf"),
    (4, b"ftyp", "video/mp4"),
    (0, b"OggS", "audio/ogg"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"\x7fELF", "application/x-executable"),
    (0, b"MZ", "application/x-msdownload"),
)
"""What files begin with: (place, bytes, type)."""
_ZIPPED: Final = ("application/vnd.", "application/epub", "application/java-archive", "application/x-zip")
"""Types of files that are archives inside."""
_SAME_FAMILY: Final = frozenset({
    ("video/mp4", "audio/mp4"), ("video/mp4", "audio/x-m4a"), ("video/mp4", "video/quicktime"),
    ("audio/ogg", "video/ogg"), ("audio/ogg", "application/ogg"),
})  # fmt: skip


FOLDER: Final = Path("campaigns")
"""Where they lie beside the database: apart from the documents of leads, which go when their lead is purged; under
their own name, which whoever gets the message may see.
"""


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file kept for a campaign: its path in the folder of the database, what it was called, and its type."""

    path: str
    name: str
    type: str


def mime_of(path: Path, *, by_name: bool = False) -> str:
    """What a file is, by what it begins with; by its name where that says nothing. Raises Invalid when they disagree.

    A picture that is none would be refused by the provider for every single lead; with `by_name`, for channels that
    take anything, the name is believed where the beginning says nothing.
    """
    try:
        with path.open("rb") as reading:
            head = reading.read(512)
    except OSError as error:
        raise Invalid(f"'{path}' cannot be read: {error.strerror}", field="attachment") from error
    named = mimetypes.guess_type(path.name)[0]
    seen = next((kind for at, sign, kind in _SIGNS if head[at : at + len(sign)] == sign), None)
    if seen is None:
        signed = {kind for _, _, kind in _SIGNS} - {"audio/mpeg", "video/mp4"}
        if named in signed and not by_name:
            raise Invalid(f"'{path.name}' is no {named}", field="attachment", hint="open it, and save it anew")
        return named or ("text/plain" if _is_text(head) else "application/octet-stream")
    if named is None or named == seen or (seen, named) in _SAME_FAMILY:
        return seen if named is None else named
    if seen == "application/zip" and named.startswith(_ZIPPED):
        return named
    raise Invalid(
        f"'{path.name}' is called {named} but is {seen}", field="attachment", hint="give it the ending that it is"
    )


def _is_text(head: bytes) -> bool:
    try:
        head[:500].decode()
    except UnicodeDecodeError as error:
        return error.start > 490 and b"\x00" not in head
    return b"\x00" not in head


def check(path: Path, channel: str) -> str:
    """The type of a file that `channel` can attach. Raises Invalid (field `attachment`)."""
    caps = registry.caps(channel)
    if not caps.media:
        raise Invalid(f"the channel {channel} attaches no files", field="attachment", hint="leave it out")
    try:
        if not path.is_file():
            raise Invalid(f"there is no file '{path}'", field="attachment", hint="the path of a file on this machine")
        size = path.stat().st_size
    except OSError as error:
        raise Invalid(f"'{path}' cannot be read: {error.strerror}", field="attachment") from error
    if size == 0:
        raise Invalid(f"'{path.name}' is empty", field="attachment")
    mime = mime_of(path, by_name="*/*" in caps.media)
    if not takes(channel, mime):
        raise Invalid(f"the channel {channel} does not take {mime}", field="attachment", hint=listing(caps.media))
    if size > caps.max_media_bytes:
        most = caps.max_media_bytes / 2**20
        raise Invalid(
            f"the file is too large for {channel}: {size / 2**20:.1f} MiB",
            field="attachment",
            hint=f"at most {most:g} MiB",
        )
    return mime


def takes(channel: str, mime: str) -> bool:
    """Whether a channel attaches files of this type."""
    return any(fnmatch(mime, pattern) for pattern in registry.caps(channel).media)


def keep(office: Office, text: str, channel: str, *, dry_run: bool = False) -> KeptFile:
    """Check a file and, unless it is only looked at, copy it into the folder of the database.

    Raises Invalid (field `attachment`).
    """
    path = Path(text).expanduser()
    mime = check(path, channel)
    name = clean_line(path.name, field="attachment", limit=255)
    if dry_run:
        return KeptFile("", name, mime)
    folder = office.store.files / FOLDER
    digest, _, stored = copy_in(folder, path, field="attachment")
    place = Path(digest[:16]) / (name.replace("/", "_").lstrip(".") or "file")
    try:
        (folder / place.parent).mkdir(mode=0o770, exist_ok=True)
        os.replace(folder / stored, folder / place)
    except OSError as error:
        raise Invalid(f"'{path}' cannot be copied: {error.strerror}", field="attachment") from error
    return KeptFile(str(FOLDER / place), name, mime)
