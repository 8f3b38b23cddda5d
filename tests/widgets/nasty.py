"""Texts that break careless screens: markup, escape sequences, bidirectional overrides, wide characters, length."""

from __future__ import annotations

NASTY = (
    "[b]bold[/b] [/nothing] [@click=app.quit]x[/]",
    "\x1b[2J\x1b]0;owned\x07 title",
    "\x9b31m c1 \x85 next",
    "abc\u202egnp.exe\u2066x",
    "line\nbreak\ttab\r\n",
    "漢字かな交じり文 👩‍👩‍👧‍👦 🇰🇪 é",
    "back\\",
    "z [b + [/",
    "ä" * 300,
    "",
)
RAW = frozenset(map(chr, [*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)]))
