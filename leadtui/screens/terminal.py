"""What is said to the terminal itself, past Textual: its title, and a notice of the desktop. All of it cleaned.

Names of leads are untrusted, and here they stand inside an escape sequence: whatever could end it is taken out.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from leadtui.text import shorten, strip_segment

if TYPE_CHECKING:
    from textual.app import App

_SAVE_TITLE, _RESTORE_TITLE = "\x1b[22;2t", "\x1b[23;2t"
_WITHOUT_TITLE = frozenset({"", "dumb", "linux", "vt100", "vt102", "vt220", "ansi", "cons25"})
"""Terminals that have no title and may print what they do not know."""


def save_title(app: App[Any]) -> None:
    """Let the terminal remember the title it has, where it can."""
    if _has_title():
        _write(app, _SAVE_TITLE)


def restore_title(app: App[Any]) -> None:
    """Give back the title that was there before."""
    if _has_title():
        _write(app, _RESTORE_TITLE)


def set_title(app: App[Any], text: str) -> None:
    """The title of the terminal's window or tab (OSC 2)."""
    if _has_title():
        _write(app, f"\x1b]2;{_clean(text)}\x07")


def desktop_notice(app: App[Any], text: str) -> None:
    """A notice of the desktop (OSC 9), where the terminal knows it; through tmux only where its owner allows that."""
    if not _has_title():
        return
    # It begins with a word of ours: `9;4;…` would be a progress bar to some terminals.
    sequence = f"\x1b]9;leadtui: {_clean(text)}\x07"
    if os.environ.get("TMUX"):
        sequence = "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    _write(app, sequence)


def _clean(text: str) -> str:
    return shorten(strip_segment(" ".join(text.split())), 120)


def _has_title() -> bool:
    return os.environ.get("TERM", "") not in _WITHOUT_TITLE


def _write(app: App[Any], sequence: str) -> None:
    """Nothing public of Textual writes such a thing; its driver puts it between two frames."""
    driver = app._driver
    if driver is not None:
        driver.write(sequence)
        driver.flush()
