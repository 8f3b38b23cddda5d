"""The zoo of messy files: encodings, delimiters, quotes, headings, formats. Pure reading, and what becomes leads."""

from __future__ import annotations

import codecs
import contextlib
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadtui.domain.csv_dates import day_first, to_iso
from leadtui.domain.csv_mapping import header_hash, map_headers
from leadtui.domain.csv_text import DELIMITERS, guard, read_table, sniff_delimiter, unguard
from leadtui.errors import Invalid, LeadtuiError, Refused
from leadtui.services.importing.reading import read_source
from leadtui.services.importing.vcards import read_vcards


def cells(data: bytes) -> list[list[str]]:
    """The rows of a file as lists of cells."""
    return [list(record.cells) for record in read_table(data).records]


# -- encodings --------------------------------------------------------------------------------------------------------
TEXT = "Name,Phone\nJosé Müller,0722000111\nÅsa,0722000222\n"


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""), ("utf-8", codecs.BOM_UTF8), ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE), ("utf-16-le", b""), ("utf-16-be", b""), ("utf-32-le", codecs.BOM_UTF32_LE),
    ],
)  # fmt: skip
def test_encodings_are_known_by_their_mark_or_looks(encoding: str, mark: bytes) -> None:
    table = read_table(mark + TEXT.encode(encoding))
    assert table.headers == ["Name", "Phone"]
    assert [r.cells[0] for r in table.records] == ["José Müller", "Åsa"]
    assert not table.warnings


def test_windows_1252_is_said_aloud() -> None:
    table = read_table(TEXT.encode("cp1252"))
    assert [r.cells[0] for r in table.records] == ["José Müller", "Åsa"]
    assert "Windows-1252" in table.warnings[0]
    assert "line 2" in table.warnings[0]


def test_a_file_of_two_encodings_is_read_line_by_line() -> None:
    table = read_table(b"Name,Phone\n" + "Zoë,1\n".encode() + "Zoë,2\n".encode("cp1252"))
    assert [r.cells[0] for r in table.records] == ["Zoë", "Zoë"]


def test_nul_characters_are_left_out_aloud() -> None:
    table = read_table(b"name,phone\nA\0sha,0722\x00000111\n")
    assert [list(r.cells) for r in table.records] == [["Asha", "0722000111"]]
    assert "2 NUL characters" in table.warnings[0]


# -- delimiters, quotes, lines ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("delimiter", DELIMITERS)
def test_delimiters_are_sniffed(delimiter: str) -> None:
    text = delimiter.join(["Name", "Phone", "Remarks"]) + "\n" + delimiter.join(["A", "1", '"x, y; z | w"']) + "\n"
    assert sniff_delimiter(text) == delimiter
    assert cells(text.encode()) == [["A", "1", "x, y; z | w"]]


def test_excel_says_its_delimiter() -> None:
    table = read_table(b"sep=;\r\nname;phone\r\nA;1\r\n")
    assert [list(r.cells) for r in table.records] == [["A", "1"]]
    assert table.records[0].line == 3


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_ends(ending: str) -> None:
    assert cells(ending.join(["name,phone", "A,1", "", "B,2"]).encode()) == [["A", "1"], ["B", "2"]]


def test_quoted_newlines_and_line_numbers() -> None:
    table = read_table(b'name,remarks\n"A ""the"" B","one\ntwo"\nC,x\n')
    assert [(r.line, list(r.cells)) for r in table.records] == [(2, ['A "the" B', "one\ntwo"]), (4, ["C", "x"])]


def test_a_quote_that_never_closes_costs_one_row() -> None:
    table = read_table(b'name,phone\nA,1\n"B,2\nC,3\nD,4\n')
    good = [list(r.cells) for r in table.records if r.error is None]
    bad = [(r.line, r.error) for r in table.records if r.error is not None]
    assert good == [["A", "1"], ["C", "3"], ["D", "4"]]
    assert bad == [(3, "a quote opened on line 3 is never closed")]


def test_titles_above_and_repeated_headings_are_left_out() -> None:
    table = read_table(b"Leads of June\n,,\nName,Phone,Source\nA,1,x\nName,Phone,Source\nB,2,y\n")
    assert [list(r.cells) for r in table.records] == [["A", "1", "x"], ["B", "2", "y"]]
    assert len(table.warnings) == 2


@given(st.binary(max_size=400))
def test_any_bytes_are_read_without_a_crash(data: bytes) -> None:
    read_table(data)
    read_vcards(data)
    with contextlib.suppress(Refused, Invalid):
        read_source(data)


_CELL = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00", exclude_categories=["Cs"]), max_size=20)


@given(st.lists(st.lists(_CELL, min_size=2, max_size=2), max_size=8), st.sampled_from(DELIMITERS))
def test_what_csv_writes_is_read_back(rows: list[list[str]], delimiter: str) -> None:
    import csv

    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([["name", "phone"], *rows])
    wanted = [row for row in rows if any(cell.strip() for cell in row) and row != ["name", "phone"]]
    assert cells(out.getvalue().encode()) == wanted


# -- formulas ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("text", ["=1+1", "@SUM(A1)", "\tx", "\rx", "-x", "+x", "-1+cmd|' /C calc'!A0", "'=1", "''@x"])
def test_what_a_spreadsheet_would_run_is_guarded(text: str) -> None:
    assert guard(text) == "'" + text
    assert unguard(guard(text)) == text


PLAIN = ["", "+254722000111", "+254 (722) 000-111", "-5", "-1,200.50", "O'Brien", "'quoted'", "-"]


@pytest.mark.parametrize("text", PLAIN)
def test_phones_and_plain_text_are_left_alone(text: str) -> None:
    assert guard(text) == text
    assert unguard(text) == text


@given(st.text(max_size=12))
def test_guarding_is_undone_exactly(text: str) -> None:
    assert unguard(guard(text)) == text
    assert guard(text)[:1] not in ("=", "@", "\t", "\r")


# -- headings ---------------------------------------------------------------------------------------------------------
def test_headings_in_many_words() -> None:
    headers = ["Lead_Name", "MOBILE NUMBER", "E-Mail", "lead source", "Agreed Monthly Subscription", "custom.Shoe size"]
    found = map_headers(headers).targets
    assert list(found) == ["name", "phone", "email", "source", "monthly_fee", "custom.shoe_size"]


def test_headings_of_the_form_on_paper() -> None:
    """The labels of spec §C with their remarks, and the field names of its sample record."""
    headers = [
        "Agreed Installation Fee (KES)", "Agreed Monthly Subscription (KES)", "Current ISP (if any)",
        "Reason for Interest/Dissatisfaction", "Total Amount (KES)", "leadName", "phoneNumber", "Blood group (ABO)",
    ]  # fmt: skip
    mapped = map_headers(headers)
    assert list(mapped.targets) == ["installation_fee", "monthly_fee", "current_isp", "reason", "name", "phone"]
    assert mapped.unknown == ("Blood group (ABO)",)


def test_names_in_parts_and_a_second_phone() -> None:
    mapped = map_headers(["Surname", "First name", "Phone", "Mobile", "notes", "comments"])
    assert mapped.targets == {"name": (1, 0), "phone": (2,), "alt_phone": (3,), "remarks": (4, 5)}
    assert (mapped.join("name"), mapped.join("remarks")) == ("words", "lines")


def test_unknown_columns_are_reported_and_ours_are_not() -> None:
    mapped = map_headers(["name", "Blood group", "id", "version", "reject_reason", "total_amount"])
    assert mapped.unknown == ("Blood group",)
    assert list(mapped.targets) == ["name"]


def test_a_column_is_what_one_says() -> None:
    mapped = map_headers(["Simu", "Junk"], chosen={"simu": "phone", "2": "-"})
    assert mapped.targets == {"phone": (0,)}
    with pytest.raises(Invalid) as missing:
        map_headers(["Simu"], chosen={"Nothing": "phone"})
    assert missing.value.field == "map"
    for word in ("nonsense", "number", "total_amount"):
        with pytest.raises(Invalid):
            map_headers(["Simu"], chosen={"Simu": word})


def test_hidden_fields_cannot_be_mapped() -> None:
    assert map_headers(["budget"], hidden={"budget"}).targets == {}
    with pytest.raises(Invalid):
        map_headers(["x"], chosen={"x": "budget"}, hidden={"budget"})


def test_the_same_headings_in_any_order_are_one() -> None:
    assert header_hash(["Name", "phone_no"]) == header_hash(["PHONE NO", "name"])
    assert header_hash(["Name"]) != header_hash(["Names"])


# -- dates ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("05/12/2026", "2026-12-05"), ("5.12.26", "2026-12-05"), ("2026/12/05", "2026-12-05"),
        ("5 Dec 2026", "2026-12-05"), ("Dec 5, 2026", "2026-12-05"), ("5-Dec-26", "2026-12-05"),
        ("05/12/2026 14:30", "2026-12-05 14:30"), ("05/12/2026 00:00", "2026-12-05"), ("46361", "2026-12-05"),
        ("2026-12-05", "2026-12-05"), ("tomorrow", "tomorrow"), ("rubbish", "rubbish"),
    ],
)  # fmt: skip
def test_dates_of_tables(text: str, iso: str) -> None:
    assert to_iso(text, day_is_first=True) == iso


def test_one_date_decides_for_its_column() -> None:
    assert day_first(["03/04/2026", "25/04/2026"], country="US") == (True, False)
    assert day_first(["03/04/2026", "04/25/2026"], country="KE") == (False, False)
    assert day_first(["03/04/2026"], country="KE") == (True, True)
    assert day_first(["03/04/2026"], country="US") == (False, True)
    assert to_iso("04/25/1988", day_is_first=False) == "1988-04-25"
    assert to_iso("04/25/88", day_is_first=False, born=True) == "1988-04-25"


# -- other formats ----------------------------------------------------------------------------------------------------
CARDS = (
    "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=C3=B6rg\r\n"
    "TEL;HOME:0202000111\r\nTEL;CELL:0722 000 111\r\nTEL;FAX:1\r\nNOTE;ENCODING=QUOTED-PRINTABLE:one=0D=0Atwo =\r\n"
    "three\r\nEND:VCARD\r\n"
    "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Asha\\, Ltd\r\nitem1.TEL;VALUE=uri;TYPE=\"cell,voice\":tel:+254-733-000-222\r\n"
    "EMAIL:a@b.co\r\nADR:;;12 Ngong\r\n  Road;Nairobi;;00100;Kenya\r\nORG:Acme;Sales\r\nBDAY:19880425\r\nEND:VCARD\r\n"
)  # fmt: skip


def test_vcards_of_two_decades() -> None:
    table = read_vcards(CARDS.encode())
    first, second = (dict(zip(table.headers, r.cells, strict=True)) for r in table.records)
    assert (first["name"], first["phone"], first["alt_phone"]) == ("Jörg Müller", "0722 000 111", "0202000111")
    assert first["remarks"].split() == ["one", "two", "three"]
    assert (second["name"], second["phone"], second["email"]) == ("Asha, Ltd", "+254-733-000-222", "a@b.co")
    assert (second["address"], second["location"], second["pincode"]) == ("12 Ngong Road", "Nairobi", "00100")
    assert (second["date_of_birth"], second["custom.organization"]) == ("1988-04-25", "Acme, Sales")


def test_a_card_cut_short_is_a_bad_row() -> None:
    assert read_vcards(b"BEGIN:VCARD\nFN:A\nTEL:1\n").records[0].error is not None


def test_json_lines_arrays_and_our_own_lists() -> None:
    lines = '{"name": "A", "phone": 254722000111, "tags": ["x", "y"], "custom": {"k": 1}, "has_router": true}\n[1]\n'
    table = read_source(lines.encode()).table
    assert table.headers == ["name", "phone", "tags", "custom.k", "has_router"]
    assert list(table.records[0].cells) == ["A", "254722000111", "x, y", "1", "yes"]
    assert table.records[1].error == "line 2 is not a JSON object"
    for document in ([{"name": "A"}], {"total": 1, "leads": [{"name": "A"}]}):
        for indent in (None, 2):
            assert list(read_source(json.dumps(document, indent=indent).encode()).table.records[0].cells) == ["A"]


def test_spreadsheets(tmp_path: Path) -> None:
    from datetime import datetime

    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["Name", "Phone", "Follow-up", "Monthly", "Has router"])
    book.active.append(["A", 254722000111, datetime(2027, 1, 5), 2500.5, True])  # noqa: DTZ001
    book.active.append([None, None, None, None, None])
    book.active.append(["B", 722000222.0, datetime(2027, 1, 5, 14, 30), 2500.0, False])  # noqa: DTZ001
    book.save(tmp_path / "x.xlsx")
    source = read_source(tmp_path / "x.xlsx")
    assert source.kind == "xlsx"
    assert [list(r.cells) for r in source.table.records] == [
        ["A", "254722000111", "2027-01-05", "2500.5", "yes"],
        ["B", "722000222", "2027-01-05 14:30:00", "2500", "no"],
    ]


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "empty_file"), (b"\n \n", "empty_file"), (b"PK\x03\x04 nonsense", "not_xlsx"),
     (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old_excel")],
)  # fmt: skip
def test_what_is_no_file_of_rows_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(Refused) as refused:
        read_source(data)
    assert refused.value.code == code


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.csv", tmp_path):
        with pytest.raises(LeadtuiError) as missing:
            read_source(path)
        assert missing.value.field == "file"
        assert missing.value.exit_code == 5
