"""Two formats that other programs own: spreadsheets (XLSX) and address books (vCard 4.0)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

from leadtui.errors import Refused

XLSX_ROWS = 1_048_575
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_FOLD_AT = 74


def missing_xlsx() -> Refused:
    """What to say where openpyxl is not installed."""
    return Refused("XLSX needs the package openpyxl", code="missing_extra", field="format",
                   hint="install it with: pip install 'leadtui[xlsx]'   (CSV works without it)")  # fmt: skip


class XlsxWriter:
    """A sheet written row by row. Every cell is text, so that no phone becomes a number and nothing is a formula."""

    def __init__(self, headers: Sequence[str]) -> None:
        """Raises Refused where openpyxl is missing."""
        try:
            from openpyxl import Workbook
            from openpyxl.cell import WriteOnlyCell
        except ModuleNotFoundError as error:
            raise missing_xlsx() from error
        self._cell = WriteOnlyCell
        self._book = Workbook(write_only=True)
        self._sheet = self._book.create_sheet("Leads")
        self._sheet.freeze_panes = "A2"
        self._rows = 0
        self._sheet.append(list(headers))

    def add(self, cells: Sequence[str]) -> None:
        """One more row. Raises Refused beyond what a sheet can hold."""
        self._rows += 1
        if self._rows > XLSX_ROWS:
            raise Refused(f"a sheet holds at most {XLSX_ROWS:,} leads", field="format", hint="export as csv instead")
        self._sheet.append([self._text(cell) for cell in cells])

    def _text(self, text: str) -> Any:
        if not text:
            return None
        cell = self._cell(self._sheet, _ILLEGAL.sub("", text)[:32_767])
        cell.data_type = "s"
        return cell

    def save(self, out: BinaryIO) -> None:
        """Write the file."""
        self._book.save(out)


def vcard(record: Mapping[str, Any]) -> str:
    """One lead as a vCard 4.0, its UID the same in every export (facts/field §3)."""
    number, phone = str(record.get("number") or record["id"]), record.get("phone")
    name = record.get("name")
    lines = [
        "BEGIN:VCARD", "VERSION:4.0", f"UID:leadtui-{_escaped(number)}",
        f"FN:{_escaped(name or phone or number)}",
    ]  # fmt: skip
    if name:
        given, _, family = str(name).rpartition(" ")
        lines.append(f"N:{_escaped(family)};{_escaped(given)};;;" if given else f"N:;{_escaped(family)};;;")
    lines += [f"TEL;TYPE=cell;VALUE=uri:tel:{p}" for p in (phone, record.get("alt_phone")) if p]
    if record.get("email"):
        lines.append(f"EMAIL:{_escaped(record['email'])}")
    street = ", ".join(str(v) for v in (record.get("unit_number"), record.get("address")) if v)
    place = (street, record.get("location") or record.get("city"), record.get("state"), record.get("pincode"))
    if any(place):
        lines.append("ADR:;;" + ";".join(_escaped(part or "") for part in place) + ";")
    if record.get("date_of_birth"):
        lines.append(f"BDAY:{str(record['date_of_birth']).replace('-', '')}")
    if record.get("occupation"):
        lines.append(f"TITLE:{_escaped(record['occupation'])}")
    if record.get("tags"):
        lines.append("CATEGORIES:" + ",".join(_escaped(tag) for tag in record["tags"]))
    if record.get("remarks"):
        lines.append(f"NOTE:{_escaped(record['remarks'])}")
    if record.get("updated_at"):
        lines.append(f"REV:{str(record['updated_at']).replace('-', '').replace(':', '')}")
    lines.append("END:VCARD")
    return "".join(_folded(line) for line in lines)


def _escaped(text: Any) -> str:
    out = str(text).replace("\\", "\\\\").replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\n")
    return out.replace(";", "\\;").replace(",", "\\,")


def _folded(line: str) -> str:
    """A line of at most 75 bytes, the rest on lines that begin with a blank (RFC 6350 §3.2)."""
    if len(line) <= _FOLD_AT and line.isascii():
        return line + "\r\n"
    pieces: list[str] = []
    current, size = "", 0
    for char in line:
        width = len(char.encode())
        if size + width > _FOLD_AT:
            pieces.append(current)
            current, size = " ", 1
        current += char
        size += width
    return "\r\n".join([*pieces, current]) + "\r\n"
