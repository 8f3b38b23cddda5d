"""vCards as a table: FN N TEL EMAIL ADR NOTE ORG TITLE BDAY CATEGORIES of versions 2.1 to 4.0."""

from __future__ import annotations

import quopri
import re
from collections.abc import Iterator

from leadtui.domain.csv_text import Record, Table, decode

HEADERS = [
    "name", "phone", "alt_phone", "email", "address", "location", "state", "pincode", "occupation", "date_of_birth",
    "tags", "remarks", "custom.organization",
]  # fmt: skip
_LINE = re.compile(r"(?:[\w-]+\.)?([A-Za-z][\w-]*)((?:;[^:;\"]*(?:\"[^\"]*\")?[^:;]*)*):(.*)", re.DOTALL)
_UNESCAPE = re.compile(r"\\([nN\\,;:])")
_DAY = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})")


def read_vcards(data: bytes) -> Table:
    """Every card of the file as one row of `HEADERS`. Raises nothing; a card cut short is a row with an error."""
    decoded = decode(data)
    table = Table(list(HEADERS), [], decoded.encoding, "", list(decoded.warnings))
    for line, properties, closed in _cards(decoded.text):
        error = None if closed else f"the card that begins on line {line} never ends"
        table.records.append(Record(line, _row(properties), error))
    return table


_Property = tuple[str, str, str]  # name, parameters in capitals, decoded value


def _cards(text: str) -> Iterator[tuple[int, list[_Property], bool]]:
    begun = 0
    properties: list[_Property] = []
    for number, line in _unfolded(text):
        found = _LINE.fullmatch(line)
        if found is None:
            continue
        name, parameters, value = found[1].upper(), found[2].upper(), found[3]
        if name == "BEGIN" and value.strip().upper() == "VCARD":
            if begun:
                yield begun, properties, False
            begun, properties = number, []
        elif name == "END" and begun:
            yield begun, properties, True
            begun = 0
        elif begun:
            properties.append((name, parameters, _decoded(value, parameters)))
    if begun:
        yield begun, properties, False


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """Logical lines with the number each begins on: continued by a leading blank, or by `=` in quoted-printable."""
    current, start = "", 0
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), 1):
        if start and line[:1] in (" ", "\t"):
            current += line[1:]
        elif start and current.endswith("=") and "QUOTED-PRINTABLE" in current.partition(":")[0].upper():
            current = current[:-1] + line
        else:
            if start:
                yield start, current
            current, start = line, number
    if start:
        yield start, current


def _decoded(value: str, parameters: str) -> str:
    if "QUOTED-PRINTABLE" not in parameters:
        return value
    charset = re.search(r"CHARSET=([\w-]+)", parameters)
    raw = quopri.decodestring(value.encode("utf-8", "replace"))
    try:
        return raw.decode(charset[1] if charset else "utf-8")
    except (UnicodeDecodeError, LookupError):
        return raw.decode("cp1252", "replace")


def _plain(value: str) -> str:
    return _UNESCAPE.sub(lambda m: "\n" if m[1] in "nN" else m[1], value).strip()


def _parts(value: str, separator: str = ";") -> list[str]:
    """The components of a structured value; an escaped separator does not part."""
    return [_plain(part) for part in re.split(rf"(?<!\\){separator}", value)]


def _row(properties: list[_Property]) -> list[str]:
    found = dict.fromkeys(HEADERS, "")
    phones: list[tuple[bool, str]] = []
    notes: list[str] = []
    structured = ""
    for name, parameters, value in properties:
        match name:
            case "FN":
                found["name"] = found["name"] or _plain(value)
            case "N":
                family, given, middle, *_ = [*_parts(value), "", "", ""]
                structured = " ".join(part for part in (given, middle, family) if part)
            case "TEL":
                number = re.sub(r"(?i)^\s*tel:", "", _plain(value))
                if number and "FAX" not in parameters:
                    phones.append(("CELL" in parameters or "MOBILE" in parameters, number.partition(";")[0]))
            case "EMAIL":
                _once(found, notes, "email", _plain(value), "another email")
            case "ADR":
                box, unit, street, city, region, code, *_ = [*_parts(value), *[""] * 6]
                found["address"] = ", ".join(part for part in (box, unit, street) if part)
                found["location"], found["state"], found["pincode"] = city, region, code
            case "NOTE":
                notes.insert(0, _plain(value))
            case "ORG":
                found["custom.organization"] = ", ".join(part for part in _parts(value) if part)
            case "TITLE" | "ROLE":
                found["occupation"] = found["occupation"] or _plain(value)
            case "BDAY":
                day = _DAY.match(value.strip())
                found["date_of_birth"] = f"{day[1]}-{day[2]}-{day[3]}" if day else ""
            case "CATEGORIES":
                found["tags"] = ", ".join(part for part in _parts(value, ",") if part)
    found["name"] = found["name"] or structured or found["custom.organization"]
    _take_phones(found, notes, phones)
    found["remarks"] = "\n".join(note for note in notes if note)
    return [found[header] for header in HEADERS]


def _take_phones(found: dict[str, str], notes: list[str], phones: list[tuple[bool, str]]) -> None:
    """Mobile numbers first; a third and further number is kept in the remarks. The same number twice is one."""
    numbers = list(dict.fromkeys(number for _, number in sorted(phones, key=lambda p: not p[0])))
    if found["name"] in numbers:  # our own export of a nameless lead
        found["name"] = ""
    for key, number in zip(("phone", "alt_phone"), numbers, strict=False):
        found[key] = number
    notes += [f"another phone: {number}" for number in numbers[2:]]


def _once(found: dict[str, str], notes: list[str], key: str, value: str, words: str) -> None:
    if not found[key]:
        found[key] = value
    elif value and value != found[key]:
        notes.append(f"{words}: {value}")
