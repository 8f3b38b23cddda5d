"""Writes the key table of README.md, from the table of commands. A test keeps it fresh."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from leadtui.commands import markdown

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = "<!-- keys: made by ./run docs -->\n", "<!-- end of keys -->"


def with_keys(text: str) -> str:
    """The README with the table of today between the marks."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n{markdown()}\n{END}{tail}"


if __name__ == "__main__":
    README.write_text(with_keys(README.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"wrote {README.name}")
