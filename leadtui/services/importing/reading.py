"""A file, a stream or bytes as a table of texts, whatever it is: CSV, XLSX, JSON lines, vCards."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, BinaryIO

from leadtui.domain.csv_text import Record, Table, read_table, split_header
from leadtui.errors import Invalid, Refused
from leadtui.services.export_formats import missing_xlsx
from leadtui.services.importing.vcards import read_vcards

Input = Path | str | bytes | BinaryIO


@dataclass(slots=True)
class SourceFile:
    """What was read: the table, what it was read from, and the mark by which the same file is known again."""

    name: str
    kind: str
    sha256: str
    table: Table


def read_source(source: Input, *, name: str | None = None) -> SourceFile:
    """Read all of `source`. Raises Invalid (no such file), Refused (not a file of rows, openpyxl missing)."""
    if isinstance(source, bytes):
        data, shown = source, name or "data"
    elif isinstance(source, Path | str):
        path = Path(source).expanduser()
        data, shown = _read_file(path), name or path.name
    else:
        data, shown = source.read(), name or "standard input"
    kind = kind_of(data, shown)
    reader = {"xlsx": _xlsx, "jsonl": _jsonl, "vcf": read_vcards}.get(kind, read_table)
    table = reader(data)
    if not table.headers:
        raise Refused(f"{shown} holds no rows", code="empty_file", field="file", hint="its first row names the columns")
    return SourceFile(shown[:255], kind, hashlib.sha256(data).hexdigest(), table)


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except IsADirectoryError as error:
        raise Invalid(f"{path} is a folder", field="file", hint="name a file in it") from error
    except FileNotFoundError as error:
        raise Invalid(f"there is no file {path}", field="file", hint="check the path") from error
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}", field="file", hint="check its rights") from error


def kind_of(data: bytes, name: str) -> str:
    """What the file is: by what stands in it; the name decides only where that says nothing."""
    if data[:4] == b"PK\x03\x04":
        return "xlsx"
    if data[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise Refused("this is an old Excel file (.xls)", code="old_excel", field="file",
                      hint="save it as .xlsx or .csv and import that")  # fmt: skip
    start = data[:400].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if start[:11].upper() == b"BEGIN:VCARD":
        return "vcf"
    if start[:1] in (b"{", b"["):
        return "jsonl"
    suffix = Path(name).suffix.casefold()
    return {".vcf": "vcf", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "jsonl"}.get(suffix, "csv")


# -- XLSX -------------------------------------------------------------------------------------------------------------
def _xlsx(data: bytes) -> Table:
    try:
        from openpyxl import load_workbook
    except ModuleNotFoundError as error:
        raise missing_xlsx() from error
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        warnings: list[str] = []
        sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"] or list(book.worksheets)
        for sheet in sheets:
            rows = [
                Record(line, [_cell(value) for value in row])
                for line, row in enumerate(sheet.iter_rows(values_only=True), 1)
            ]
            if any(any(record.cells) for record in rows):
                break
        else:
            return Table([], [])
        if len(sheets) > 1:
            warnings.append(f"only the sheet '{sheet.title}' was read; the file has {len(sheets)}")
        book.close()
    except Exception as error:  # openpyxl raises whatever zip, XML and its own parts do
        raise Refused("this is not a readable XLSX file", code="not_xlsx", field="file",
                      hint="open and save it again, or save it as CSV") from error  # fmt: skip
    headers, records = split_header(rows, warnings)
    return Table(headers, records, "xlsx", "", warnings)


def _cell(value: Any) -> str:
    """A cell as a person reads it there."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case datetime():
            return value.date().isoformat() if value.time() == time() else value.strftime("%Y-%m-%d %H:%M:%S")
        case date():
            return value.isoformat()
        case _:
            return str(value)


# -- JSON -------------------------------------------------------------------------------------------------------------
def _jsonl(data: bytes) -> Table:
    """An object a line; a single array, or our own `{"leads": […]}`, is taken too."""
    from leadtui.domain.csv_text import decode

    decoded = decode(data)
    objects = _whole(decoded.text)
    if objects is None:
        objects = [_line(n, line) for n, line in enumerate(decoded.text.splitlines(), 1) if line.strip()]
    headers: dict[str, int] = {}
    flat: list[tuple[int, dict[str, str], str | None]] = []
    for line, value in objects:
        cells = _flat(value) if isinstance(value, dict) else {}
        for key in cells:
            headers.setdefault(key, len(headers))
        flat.append((line, cells, None if isinstance(value, dict) else f"line {line} is not a JSON object"))
    records = [Record(line, [cells.get(key, "") for key in headers], error) for line, cells, error in flat]
    return Table(list(headers), records, decoded.encoding, "", list(decoded.warnings))


def _whole(text: str) -> list[tuple[int, Any]] | None:
    stripped = text.lstrip()
    if not stripped.startswith("[") and "\n" in stripped.strip() and not stripped.startswith("{\n"):
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return None
    if isinstance(value, dict):
        leads = value.get("leads")
        value = leads if isinstance(leads, list) else [value]
    return list(enumerate(value, 1)) if isinstance(value, list) else None


def _line(number: int, line: str) -> tuple[int, Any]:
    try:
        return number, json.loads(line)
    except (ValueError, RecursionError):
        return number, None


def _flat(value: dict[str, Any]) -> dict[str, str]:
    cells: dict[str, str] = {}
    for key, item in value.items():
        if key == "custom" and isinstance(item, dict):
            cells |= {f"custom.{name}": _json_text(v) for name, v in item.items()}
        elif not isinstance(item, dict):
            cells[str(key)] = _json_text(item)
    return cells


def _json_text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case list():
            return ", ".join(_json_text(v) for v in value if not isinstance(v, dict | list))
        case _:
            return str(value)
