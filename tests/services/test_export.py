"""Export: every field, both ways of making CSV alike, only what the actor may see, and back in again unchanged."""

from __future__ import annotations

import csv
import io
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadtui.errors import FilterError, Invalid, NotPermitted
from leadtui.services import admin, leads, lifecycle
from leadtui.services.exporting import (
    Stopped,
    csv_lines_from_rows,
    export,
    export_file,
    format_for,
    keys_of,
)
from leadtui.services.importing import run_import
from leadtui.services.office import Office
from leadtui.store import schema as t
from leadtui.store.leads import condition

FULL = {
    "name": 'Asha "the" O\'Brien', "phone": "0722 000 111", "alt_phone": "0733000222", "email": "a@b.co",
    "unit_number": "A5", "location": "Westlands, Nairobi", "address": "Line one\nLine two", "city": "Nairobi",
    "lat": "-1.2921", "lon": "36.8219", "date_of_birth": "1990-05-17", "source": "Caretaker", "status": "Interested",
    "priority": "high", "assigned_to": "boss", "follow_up": "2027-01-05 14:30", "package": "20 Mbps Home",
    "current_isp": "Zuku", "reason": "=too slow", "brought_in_by": "John, Doe", "brought_in_by_contact": "0711222333",
    "has_router": "yes", "router_type": "-none-", "installation_fee": "2500", "monthly_fee": "1999.5", "budget": "1",
    "timeline": "3_months", "pre_approved": "no", "remarks": "+ask; then 'call'", "consent": "given", "page_views": "3",
    "custom.shoe": "44", "custom.büro": "@home",
}  # fmt: skip


def csv_of(office: Office, where: str | None = None, **options: Any) -> str:
    """The export as text."""
    out = io.BytesIO()
    export(office, where, out=out, **options)
    return out.getvalue().decode()


def rows_of(text: str) -> list[dict[str, str]]:
    """The rows of a CSV."""
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def full(office: Office) -> Office:
    """An office with one lead that has everything, one that has nothing, one that is lost."""
    made = leads.create(office, FULL, tags=["vip", "new"]).lead
    leads.create(office, {"phone": "+1 212 555 0123"})
    lost = leads.create(office, {"phone": "0722000333", "name": "Lost", "follow_up": "2026-12-01"}).lead
    lifecycle.lose(office, lost.id, "Too expensive")
    assert made.id == 1
    return office


def test_every_field_of_the_catalogue_is_there(full: Office) -> None:
    text = csv_of(full)
    first, second, lost = rows_of(text)
    header = text.splitlines()[0].split(",")
    assert header[:3] == ["number", "name", "phone"]
    assert {"next_follow_up", "custom.shoe", "total_amount", "is_lost", "created_at"} <= set(header)
    assert first["name"] == 'Asha "the" O\'Brien'
    assert (first["phone"], first["reason"], first["remarks"]) == ("+254722000111", "'=too slow", "'+ask; then 'call'")
    assert (first["router_type"], first["custom.buro"]) == ("'-none-", "'@home")
    assert (first["monthly_fee"], first["total_amount"]) == ("1999.50", "4499.50")
    assert (first["next_follow_up"], first["tags"]) == ("2027-01-05T11:30:00Z", "new, vip")
    assert (first["lat"], first["age"], first["pre_approved"]) == ("-1.2921", "36", "no")
    assert (first["address"], first["brought_in_by"]) == ("Line one\nLine two", "John, Doe")
    assert (second["name"], second["phone"], second["has_router"]) == ("", "+12125550123", "no")
    assert (lost["is_lost"], lost["lost_reason"], lost["status"]) == ("yes", "Too expensive", "Not Interested")


def test_both_ways_of_making_csv_give_the_same_bytes(full: Office) -> None:
    with full.read() as tx:
        found = condition(tx, None)
        keys = keys_of(tx, found)
        slow = [line for lines in csv_lines_from_rows(tx, keys, found) for line in lines]
    header, _, rest = csv_of(full).partition("\n")
    assert header.count(",") == len(keys) - 1
    assert rest == "\n".join(slow) + "\n"


NAME = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cf", "Zl", "Zp"]), min_size=1, max_size=30)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.tuples(NAME, st.text(max_size=30)), min_size=1, max_size=5))
def test_what_is_exported_comes_back_the_same(office: Office, names: list[tuple[str, str]]) -> None:
    """Export, import: nothing new; empty the table, import: the same leads."""
    with office.write() as tx:
        for table in (t.stage_change, t.activity, t.import_run, t.lead):
            tx.conn.execute(table.delete())
    for i, (name, remarks) in enumerate(names):
        leads.create(office, {"name": name, "phone": f"07220001{i:02d}", "remarks": remarks})
    before = [(r["name"], r["phone"], r["remarks"]) for r in rows_of(csv_of(office))]
    text = csv_of(office)
    assert run_import(office, text.encode()).created == 0
    with office.write() as tx:
        for table in (t.stage_change, t.activity, t.lead):
            tx.conn.execute(table.delete())
    assert run_import(office, text.encode()).created == len(names)
    assert [(r["name"], r["phone"], r["remarks"]) for r in rows_of(csv_of(office))] == before


def test_a_full_lead_comes_back_the_same(full: Office) -> None:
    text = csv_of(full)
    with full.write() as tx:
        for table in (t.stage_change, t.activity, t.lead_tag, t.lead_custom, t.lead):
            tx.conn.execute(table.delete())
    assert run_import(full, text.encode()).created == 3
    own = {"number", "updated_at", "created_at", "stage_changed_at", "last_activity_at"}
    old, new = (
        [{k: v for k, v in row.items() if k not in own} for row in rows_of(found)] for found in (text, csv_of(full))
    )
    assert new == old
    assert [r["created_at"] for r in rows_of(csv_of(full))] == [r["created_at"] for r in rows_of(text)]


@pytest.mark.parametrize("format_", ["csv", "jsonl", "xlsx", "vcf"])
def test_every_format_imports_with_nothing_new(full: Office, tmp_path: Path, format_: str) -> None:
    path = tmp_path / f"out.{format_}"
    assert export_file(full, None, path) == 3
    result = run_import(full, path)
    assert (result.created, result.skipped, result.failed) == (0, 3, 0)


def test_json_lines_are_typed(full: Office) -> None:
    out = io.BytesIO()
    export(full, "number:LD", format="jsonl", out=out)
    first = json.loads(out.getvalue().splitlines()[0])
    assert (first["id"], first["has_router"], first["monthly_fee"]) == (1, True, "1999.50")
    assert first["tags"] == ["new", "vip"]
    assert first["custom"] == {"shoe": "44", "buro": "@home"}
    assert first["next_follow_up"] == "2027-01-05T11:30:00Z"
    assert json.loads(out.getvalue().splitlines()[1])["name"] is None


def test_only_what_the_filter_and_the_marks_mean(full: Office) -> None:
    assert len(rows_of(csv_of(full, "status:interested"))) == 1
    assert [r["phone"] for r in rows_of(csv_of(full, None, ids=[2, 3]))] == ["+12125550123", "+254722000333"]
    assert rows_of(csv_of(full, "name:nobody")) == []
    with pytest.raises(FilterError):
        csv_of(full, "status:nonsense")
    lifecycle.delete(full, 1)
    assert len(rows_of(csv_of(full))) == 2


def test_scope_and_permission_are_in_the_query(full: Office, acting: Callable[[str], Office]) -> None:
    admin.add(full, "branch", {"name": "Thika"})
    admin.add_user(full, {"login": "agent", "name": "A", "role": "agent"})
    admin.add_user(full, {"login": "thika", "name": "T", "role": "branch_user", "branch": "Thika"})
    leads.edit(full, 2, {"branch": "Thika"})
    with pytest.raises(NotPermitted):
        csv_of(acting("agent"))
    assert [r["phone"] for r in rows_of(csv_of(acting("thika")))] == ["+12125550123"]
    assert "custom.shoe" not in csv_of(acting("thika"))
    admin.set_role(full, "agent", "export", "all")  # still only what he may read
    assert rows_of(csv_of(acting("agent"))) == []


def test_hidden_fields_of_the_role_are_left_out(full: Office, acting: Callable[[str], Office]) -> None:
    admin.add_user(full, {"login": "tech", "name": "T", "role": "technician"})
    admin.set_role(full, "technician", "export", "all")
    admin.set_role(full, "technician", "read", "all")
    header = csv_of(acting("tech")).splitlines()[0]
    assert "monthly_fee" not in header
    assert "total_amount" not in header
    with pytest.raises(FilterError):
        csv_of(acting("tech"), "monthly_fee:>1")


def test_a_file_is_there_whole_or_not_at_all(full: Office, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("old")
    with pytest.raises(Stopped):
        export_file(full, None, path, should_stop=lambda: True)
    with pytest.raises(FilterError):
        export_file(full, "status:nonsense", path)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []
    told: list[tuple[int, int]] = []
    export_file(full, None, path, on_progress=lambda *x: told.append(x))
    assert told[-1] == (3, 3)
    with pytest.raises(Invalid):
        export_file(full, None, tmp_path / "no" / "folder.csv")
    with pytest.raises(Invalid):
        export_file(full, None, path, format="pdf")


def test_a_link_stays_a_link_and_a_pipe_a_pipe(full: Office, tmp_path: Path) -> None:
    """A device or pipe in whose place a file is put is gone: `--out /dev/stdout`."""
    target, link, pipe = tmp_path / "target.csv", tmp_path / "link.csv", tmp_path / "pipe"
    target.write_text("old")
    link.symlink_to(target)
    export_file(full, None, link)
    assert link.is_symlink()
    assert target.read_text().startswith("number,")
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    export_file(full, None, pipe, format="csv")
    reader.join(10)
    assert pipe.is_fifo()
    assert read == [target.read_text()]
    with pytest.raises(Invalid):
        export_file(full, None, tmp_path)


def test_formats_by_ending() -> None:
    assert [format_for(name) for name in ("a.csv", "a.JSONL", "b.xlsx", "c.vcf", "d", "e.txt")] == [
        "csv", "jsonl", "xlsx", "vcf", "csv", "csv",
    ]  # fmt: skip


def test_vcards_have_stable_ids_and_folded_lines(full: Office) -> None:
    leads.edit(full, 1, {"remarks": "ä" * 200})
    out = io.BytesIO()
    export(full, format="vcf", out=out)
    text = out.getvalue().decode()
    assert "UID:leadtui-LD-" in text
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert "TEL;TYPE=cell;VALUE=uri:tel:+254722000111" in text
