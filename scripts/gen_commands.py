"""Writes `docs/commands.md`: the help of every command, from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from leadtui.cli.helping import help_text, sections
from leadtui.cli.tree import root

TARGET = Path(__file__).parents[1] / "docs" / "commands.md"
_HEAD = """# The commands

Made from the program by `python scripts/gen_commands.py`; a test keeps it fresh. `--help` shows the same.

Every command also takes, before its noun or after its verb:

```
{everywhere}
```
"""


def _commands(node: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not getattr(node, "hidden", False):
        yield path, node
    if hasattr(node, "list_commands"):
        for name in node.list_commands(None):
            yield from _commands(node.get_command(None, name), (*path, name))


def document() -> str:
    """The whole reference as Markdown."""
    program = root()
    shared = dict(sections(program))["Everywhere"]
    parts = [_HEAD.format(everywhere="\n".join(f"{name.ljust(14)}  {text}" for name, text in shared))]
    for path, node in _commands(program, ("leadtui",)):
        body = help_text(node, " ".join(path)).partition("\n\nEverywhere:")[0]
        parts.append(f"{'#' * (min(len(path), 3) + 1)} {' '.join(path)}\n\n```\n{body}\n```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    TARGET.write_text(document(), encoding="utf-8")
    print(f"wrote {TARGET}")
