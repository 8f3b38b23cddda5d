"""Everything that is printed: one JSON document or plain aligned text, and errors; data is never markup."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from leadtui.cli.context import options
from leadtui.errors import FilterError, LeadtuiError, OtherSide, PartlyDone
from leadtui.text import shorten, strip_controls, strip_segment

_UNSAFE = re.compile("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_MIN_CELL = 6


def prepare_streams() -> None:
    """Let no character of a name stop the output on a terminal of another encoding."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def dumps(document: Any) -> str:
    """`document` as JSON that is safe to print: control and direction characters are escaped."""
    ascii_only = "utf" not in (getattr(sys.stdout, "encoding", None) or "utf-8").lower()
    text = json.dumps(document, ensure_ascii=ascii_only, default=_plain, indent=2 if _wants_indent() else None)
    return text if ascii_only else _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _wants_indent() -> bool:
    return bool(sys.stdout and sys.stdout.isatty())


def _plain(value: Any) -> Any:
    from leadtui.domain.shapes import plain

    return plain(value)


def emit(document: Any, text: str | Callable[[], str]) -> None:
    """Print the result: the document with `--json`, else the text."""
    if options().json:
        _write(dumps(document))
        return
    say(text() if callable(text) else text)


def say(text: str) -> None:
    """Print text for people; control characters of old data do not reach the terminal."""
    if text:
        _write(strip_controls(text))


def _write(text: str) -> None:
    with writing_result():
        print(text, flush=True)  # noqa: T201 - the one place that prints results


@contextlib.contextmanager
def writing_result() -> Iterator[None]:
    """Around what writes to standard output: a full disk is said in words, once. Raises OtherSide."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        silence_stdout()
        raise OtherSide(f"the result cannot be written: {error.strerror}", code="output") from None


def silence_stdout() -> None:
    """Send what is still buffered nowhere: Python flushes once more at its end and would complain."""
    try:
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, sys.stdout.fileno())
    except (OSError, ValueError, AttributeError):
        sys.stdout = io.StringIO()


def emit_partly(document: Any, text: str | Callable[[], str], failed: int, total: int) -> None:
    """Print a result and, when rows failed, end with exit 5 (contract: a bulk command that did part of its work)."""
    emit(document, text)
    if failed:
        raise PartlyDone(
            f"{failed:,} of {total:,} refused" if total else f"{failed:,} refused",
            hint="the result names each of them and why", data={"failed": failed, "total": total},
        )  # fmt: skip


# -- errors ----------------------------------------------------------------------------------------------------------
def print_error(error: LeadtuiError) -> None:
    """One JSON object on standard error with `--json`, else a sentence and its hint."""
    if options().json:
        print(dumps(error.as_json()), file=sys.stderr)  # noqa: T201
        return
    lines = [f"error: {error.message}"]
    if isinstance(error, FilterError) and error.text:
        lines += _pointed(error.text, error.column)
    lines += [_conflict(c) for c in error.data.get("conflicts", []) if isinstance(c, Mapping)]
    if error.hint:
        lines.append(f"  {error.hint}")
    print(strip_controls("\n".join(lines)), file=sys.stderr)  # noqa: T201


def _conflict(one: Mapping[str, Any]) -> str:
    """A field that somebody else changed; a text is shown as it is now."""
    now = f" is now '{one['theirs']}'" if isinstance(one.get("theirs"), str) else " was changed"
    return f"  {one.get('label') or one.get('field')}{now} (by {one.get('by')})"


def _pointed(text: str, column: int) -> list[str]:
    """The filter text around a column, and a caret under it."""
    from rich.cells import cell_len

    shown = "".join(char if strip_segment(char) else "\u00b7" for char in text)
    at = max(0, min(column - 1, len(shown)))
    start = max(0, at - 50) if len(shown) > 100 else 0
    head, line = ("… " if start else ""), shown[start : start + 100]
    tail = " …" if start + 100 < len(shown) else ""
    return [f"  {head}{line}{tail}", "  " + " " * cell_len(head + shown[start:at]) + "^"]


# -- tables ----------------------------------------------------------------------------------------------------------
def words(value: Any) -> str:
    """A value as people read it in a cell."""
    if value is None:
        return ""
    if value is True:
        return "yes"
    if value is False:
        return "no"
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(words(v) for v in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{k}={words(v)}" for k, v in value.items())
    return str(value)


def terminal_width() -> int | None:
    """How many cells a line has, None where nobody looks: a pipe gets everything."""
    return shutil.get_terminal_size().columns if sys.stdout and sys.stdout.isatty() else None


def table(
    headers: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Iterable[int] = (), whole: Iterable[int] = ()
) -> str:
    """Aligned columns; on a terminal the widest are cut to fit (never those of `whole`), in a pipe nothing is cut."""
    from rich.cells import cell_len

    cells = [[strip_segment(words(v).replace("\n", " ").replace("\t", " ")) for v in row] for row in rows]
    every = [list(headers), *cells]
    widths = [max(cell_len(row[i]) for row in every) for i in range(len(headers))]
    room = terminal_width()
    if room is not None:
        widths = _fitted(widths, room, frozenset(whole))
    to_right = frozenset(right)
    return "\n".join(_line(row, widths, to_right) for row in every)


def _line(row: Sequence[str], widths: Sequence[int], to_right: frozenset[int]) -> str:
    from rich.cells import cell_len

    parts = []
    for i, (value, width) in enumerate(zip(row, widths, strict=True)):
        cell = shorten(value, width) if cell_len(value) > width else value
        pad = " " * (width - cell_len(cell))
        parts.append(pad + cell if i in to_right else cell + pad)
    return "  ".join(parts).rstrip()


def _fitted(widths: list[int], room: int, whole: frozenset[int]) -> list[int]:
    """Shorten the widest columns until the table fits, none below what still says something."""
    widths = list(widths)
    cuttable = [i for i in range(len(widths)) if i not in whole]
    while cuttable and sum(widths) + 2 * (len(widths) - 1) > room:
        widest = max(cuttable, key=widths.__getitem__)
        if widths[widest] <= _MIN_CELL:
            break
        widths[widest] -= 1
    return widths


def pairs(items: Iterable[tuple[str, Any]]) -> str:
    """Names and values under each other; several lines of a value stay below each other; empty ones are left out."""
    kept = [(name, words(value)) for name, value in items if words(value) != ""]
    width = max((len(name) for name, _ in kept), default=0)
    return "\n".join(
        f"{strip_segment(name).ljust(width)}  " + strip_controls(value).replace("\n", "\n" + " " * (width + 2))
        for name, value in kept
    )
