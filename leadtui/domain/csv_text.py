"""Bytes of a stranger's table file to rows of cells: encoding, delimiter, quotes, and what was odd about them."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from .fields import find_field

DELIMITERS = (",", ";", "\t", "|")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16 LE, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SAMPLE_LINES = 60
_SAMPLE_CHARS = 200_000
_HEADER_WITHIN = 10
_CELL_LIMIT = 16_000_000

# What a spreadsheet would run, after any number of apostrophes: = @ tab CR, or + and - in front of anything that is
# not a plain number or phone ("+254722000111", "-5" and "+(254) 722/000-111" stay as they are, "-1+cmd|…" does not).
_FORMULA = re.compile(r"'*(?:[=@\t\r]|[+-](?!\Z)(?![0-9(][0-9 ().,/+-]*\Z))")


@dataclass(frozen=True, slots=True)
class Decoded:
    """The text of a file, how it was read, and what a person should be told about it."""

    text: str
    encoding: str
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class Record:
    """One row as it stands in the file: the line it begins on, its cells, and why it cannot be read, if so.

    Not frozen: that makes one three times as slow to make, and there may be a million.
    """

    line: int
    cells: Sequence[str]
    error: str | None = None


@dataclass(slots=True)
class Table:
    """A table file in cells: the header row, the rows under it without the blank ones, and warnings."""

    headers: list[str]
    records: list[Record]
    encoding: str = "utf-8"
    delimiter: str = ","
    warnings: list[str] = field(default_factory=list)


def guard(text: str) -> str:
    """`text` as a cell that no spreadsheet takes for a formula: an apostrophe in front where one could."""
    return "'" + text if _FORMULA.match(text) else text


def unguard(text: str) -> str:
    """Undo `guard`; any other text comes back as it is."""
    return text[1:] if text[:1] == "'" and _FORMULA.match(text, 1) else text


def decode(data: bytes) -> Decoded:
    """The text of `data`: by its mark, else UTF-16 if it looks so, else UTF-8, else line by line Windows-1252, said
    aloud (facts/field §3)."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _without_nul(data[len(mark) :].decode(encoding, "replace"), encoding, ())
    if (wide := _wide_encoding(data)) is not None:
        return _without_nul(data.decode(wide, "replace"), wide, ())
    try:
        return _without_nul(data.decode(), "utf-8", ())
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
    text = "".join(_decode_line(part) for part in data.splitlines(keepends=True))
    warning = f"the file is not UTF-8 (first at line {line}); it was read as Windows-1252: look at names with accents"
    return _without_nul(text, "cp1252", (warning,))


def _wide_encoding(data: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of a mostly Latin text is zero."""
    sample = data[:4096]
    if len(sample) < 4 or sample.count(0) < len(sample) * 0.3:
        return None
    odd, even = sample[1::2].count(0), sample[::2].count(0)
    if odd > 4 * even:
        return "utf-16-le"
    return "utf-16-be" if even > 4 * odd else None


def _decode_line(part: bytes) -> str:
    try:
        return part.decode()
    except UnicodeDecodeError:
        return part.decode("cp1252", "replace")


def _without_nul(text: str, encoding: str, warnings: tuple[str, ...]) -> Decoded:
    text = text.removeprefix("\ufeff")
    if nuls := text.count("\0"):
        text = text.replace("\0", "")
        warnings = (*warnings, f"{nuls} NUL character{'s were' if nuls > 1 else ' was'} left out")
    return Decoded(text, encoding, warnings)


def sniff_delimiter(text: str) -> str:
    """Which of `, ; tab |` parts the cells: the one under which the first rows name known fields and agree in width."""
    found = re.match(r"sep=([,;|\t])\r?\n", text, re.IGNORECASE)
    if found:
        return found[1]
    sample = _sample(text)
    return max(DELIMITERS, key=lambda delimiter: (_score(sample, delimiter), -DELIMITERS.index(delimiter)))


def _sample(text: str) -> str:
    lines = io.StringIO(text[:_SAMPLE_CHARS], newline="")
    return "".join(line for _, line in zip(range(_SAMPLE_LINES), lines, strict=False))


def _score(sample: str, delimiter: str) -> tuple[int, float]:
    """(cells of the best header row that are known fields, how alike the rows are in width)."""
    rows = [row for row in _reader(sample, delimiter) if any(cell.strip() for cell in row)]
    if not rows:
        return 0, 0.0
    known = max(_known(row) for row in rows[:_HEADER_WITHIN])
    width, count = Counter(map(len, rows)).most_common(1)[0]
    return known, (count / len(rows)) * min(width - 1, 12)


def _known(cells: Sequence[str]) -> int:
    return sum(1 for cell in cells if find_field(cell) is not None)


def _reader(text: str, delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(_CELL_LIMIT)
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=delimiter != "\t")


def read_table(data: bytes, *, delimiter: str | None = None) -> Table:
    """Read a delimited file. Never raises for what stands in it: rows that cannot be read carry their error."""
    decoded = decode(data)
    text, first_line = decoded.text, 1
    parted_by = delimiter or sniff_delimiter(text)
    if re.match(r"sep=.\r?\n", text, re.IGNORECASE):
        text, first_line = text[text.index("\n") + 1 :], 2
    table = Table([], [], decoded.encoding, parted_by, list(decoded.warnings))
    records = _records(text, parted_by, first_line)
    table.headers, table.records = split_header(records, table.warnings)
    return table


def split_header(records: Sequence[Record], warnings: list[str]) -> tuple[list[str], list[Record]]:
    """The header row and the rows under it. Titles above the header are left out, and repeated headers below it."""
    rows = [r for r in records if r.error is not None or any(cell.strip() for cell in r.cells)]
    start = next((i for i, r in enumerate(rows[:_HEADER_WITHIN]) if r.error is None and _known(r.cells) > 0), 0)
    if start and _known(rows[start].cells) < 2 and len(rows[start].cells) > 1:
        start = 0
    if not rows:
        return [], []
    if start:
        above = "row above the headings was" if start == 1 else "rows above the headings were"
        warnings.append(f"{start} {above} left out")
    headers = [cell.strip() for cell in rows[start].cells]
    while headers and not headers[-1]:
        headers.pop()
    body = rows[start + 1 :]
    original = list(rows[start].cells)
    kept = [r for r in body if r.cells != original]
    if len(kept) < len(body):
        repeats = len(body) - len(kept)
        warnings.append(f"the headings stand {repeats} more time{'s' if repeats > 1 else ''} in the file")
    return headers, kept


def _records(text: str, delimiter: str, first_line: int) -> list[Record]:
    records: list[Record] = []
    while True:
        broken = _read_into(records, text, delimiter, first_line)
        if broken is None:
            return records
        # A quote that never closes swallows the rest of the file: that line alone is bad, the rest is read anew.
        records.pop()
        line, text = _rest(text, broken - first_line)
        cells = line.rstrip("\r\n").split(delimiter)
        records.append(Record(broken, cells, f"a quote opened on line {broken} is never closed"))
        first_line = broken + 1


_END = "\x03end of file\x03"


def _read_into(records: list[Record], text: str, delimiter: str, first_line: int) -> int | None:
    """Read rows to the end; the first line of the last row if a quote in it never closed."""
    csv.field_size_limit(_CELL_LIMIT)
    lines = chain(io.StringIO(text, newline=""), (_END,))
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=delimiter != "\t")
    append, line = records.append, first_line
    try:
        for cells in reader:
            append(Record(line, cells))
            line = reader.line_num + first_line
    except csv.Error:  # a cell beyond any reason: the same cause, a lost quote
        append(Record(line, []))
        return line
    if records[-1].cells == [_END]:
        records.pop()
        return None
    return records[-1].line


def _rest(text: str, skip: int) -> tuple[str, str]:
    """The line after `skip` lines, and what follows it."""
    lines = io.StringIO(text, newline="")
    for _ in range(skip):
        lines.readline()
    return lines.readline(), lines.read()
