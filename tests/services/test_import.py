"""Import into a real office, on both databases: what is written, duplicates, bad rows, rejects, undo, scope, kill."""

from __future__ import annotations

import csv
import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from leadtui.errors import Invalid, NotPermitted, Refused
from leadtui.services import admin, history, leads
from leadtui.services.exporting import export
from leadtui.services.importing import ImportStopped, plan_import, run_import, running
from leadtui.services.office import Office
from leadtui.store import migrate
from leadtui.store import schema as t

ROW = {
    "name": "Asha O'Brien", "phone": "0722 000 111", "alt_phone": "0733-000-222", "email": "Asha@Example.com",
    "source": "caretaker", "status": "Interested", "priority": "High", "package": "20 mbps home",
    "brought_in_by": "John Doe", "brought_in_by_contact": "0711 222 333", "has_router": "yes", "router_type": "TP-Link",
    "installation_fee": "2,500", "monthly_fee": "KES 1999.50", "follow_up": "2027-01-05", "remarks": "one\ntwo",
    "location": "Westlands, Nairobi", "tags": "vip, new", "custom.shoe": "44", "assigned_to": "boss",
}  # fmt: skip


def as_csv(*rows: dict[str, str]) -> bytes:
    """Rows as a CSV file."""
    out = io.StringIO()
    names = list(dict.fromkeys(key for row in rows for key in row))
    writer = csv.DictWriter(out, names)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def stored(office: Office, number: str) -> dict[str, Any]:
    """All columns of a lead, without what no two leads share."""
    own = {"id", "number", "search_text", "created_at", "updated_at", "stage_changed_at", "assigned_at", "phone_e164",
           "phone_raw", "phone_key", "score_at"}  # fmt: skip
    with office.read() as tx:
        row = tx.conn.execute(select(t.lead).where(t.lead.c.number == number)).mappings().one()
        text = str(row["search_text"]).replace(number.lower(), "NUMBER")
        text = text.replace(str(row["phone_e164"])[1:], "E164").replace(f"0{str(row['phone_e164'])[4:]}", "NATIONAL")
        return {key: value for key, value in row.items() if key not in own} | {"search_text": text}


def counts(office: Office) -> dict[str, int]:
    """How many rows each table has that an import may write to."""
    tables = (t.lead, t.activity, t.stage_change, t.lead_tag, t.lead_custom, t.audit, t.batch, t.import_run)
    with office.read() as tx:
        return {x.name: int(tx.conn.execute(select(func.count()).select_from(x)).scalar_one()) for x in tables}


def test_an_imported_lead_is_what_create_would_have_made(office: Office) -> None:
    result = run_import(office, as_csv(ROW), name="june.csv")
    assert (result.rows, result.created, result.failed) == (1, 1, 0)
    imported = leads.search(office).rows[0]
    made = leads.create(office, {**ROW, "phone": "0722000999"}).lead
    mine, theirs = stored(office, imported.number), stored(office, made.number)
    assert mine == theirs
    first, second = leads.get(office, imported.number), leads.get(office, made.number)
    assert (first.custom, first.row.tags) == (second.custom, second.row.tags)
    assert [s.status for s in first.status_history] == ["Interested"]
    assert [(a.scheduled_at, a.subject, a.assigned_to) for a in first.follow_ups] == [
        (a.scheduled_at, a.subject, a.assigned_to) for a in second.follow_ups
    ]
    assert [a.subject for a in first.activities if a.type == "import"] == ["imported from june.csv, row 2"]
    assert migrate.check(office.store) == []


def test_the_audit_of_an_imported_lead_is_that_of_create(office: Office) -> None:
    run_import(office, as_csv(ROW))
    made = leads.create(office, {**ROW, "phone": "0722000999"}).lead
    with office.read() as tx:
        entries = tx.conn.execute(
            select(t.audit.c.entity_id, t.audit.c.after_json).where(
                t.audit.c.action == "create", t.audit.c.entity == "lead"
            )
        ).all()
    keys = {entity_id: set(after) for entity_id, after in entries}
    assert len(keys) == 2
    assert keys.pop(made.id) == keys.popitem()[1]


def test_numbers_are_drawn_in_the_order_of_the_file(office: Office) -> None:
    leads.create(office, {"name": "First", "phone": "0722000001"})
    run_import(office, as_csv(*({"name": f"N{i}", "phone": f"07220001{i:02d}"} for i in range(30))))
    leads.create(office, {"name": "Last", "phone": "0722000002"})
    found = leads.search(office, sort="id", limit=100).rows
    assert [lead.number[-4:] for lead in found] == [f"{n:04d}" for n in range(1, 33)]
    assert [lead.name for lead in found] == ["First", *(f"N{i}" for i in range(30)), "Last"]


def test_the_same_file_twice_adds_nothing(office: Office) -> None:
    data = as_csv(ROW, {"name": "B", "phone": "0722000222"}, {"name": "", "phone": "+254 722 000 333"})
    assert run_import(office, data).created == 3
    before = counts(office)
    again = run_import(office, data)
    assert (again.created, again.updated, again.skipped, again.failed, again.batch) == (0, 0, 3, 0, None)
    assert counts(office) == before


def test_duplicates_inside_the_file_and_by_every_key(office: Office) -> None:
    admin.add_preset(office, "travel")
    run_import(office, as_csv({"name": "Old", "phone": "0722000111", "alt_phone": "0722000112", "email": "old@x.co",
                               "national_id": "12-34", "passport": "AB 1", "pipeline": "travel"}))  # fmt: skip
    rows = [
        {"phone": "0722 000 112"}, {"phone": "0733000001", "alt_phone": "+254722000111"},
        {"phone": "0733000002", "email": "OLD@x.co"}, {"phone": "0733000003", "national_id": "1234"},
        {"phone": "0733000004", "passport": "ab1"}, {"phone": "0733000005"}, {"phone": "0733 000 005"},
    ]  # fmt: skip
    result = run_import(office, as_csv(*rows))
    assert (result.created, result.skipped) == (1, 6)
    assert [(s.line, s.field) for s in result.skips] == [
        (2, "phone"), (3, "phone"), (4, "email"), (5, "national_id"), (6, "passport"), (8, "phone"),
    ]  # fmt: skip
    assert "line 7 of the file" in result.skips[-1].message


def test_fill_fills_blanks_and_update_overwrites(office: Office) -> None:
    run_import(office, as_csv({"name": "Asha", "phone": "0722000111", "location": "Ruaka", "tags": "vip"}))
    change = as_csv({"name": "Other", "phone": "0722000111", "location": "Juja", "email": "a@b.co", "tags": "new",
                     "custom.shoe": "44"})  # fmt: skip
    filled = run_import(office, change, on_duplicate="fill")
    lead = leads.get(office, 1)
    assert (filled.updated, lead.row.name, lead.row.location, lead.row.email) == (1, "Asha", "Ruaka", "a@b.co")
    assert (set(lead.row.tags), lead.custom) == ({"vip", "new"}, {"shoe": "44"})
    assert run_import(office, change, on_duplicate="fill").skipped == 1
    updated = run_import(office, change, on_duplicate="update")
    lead = leads.get(office, 1)
    assert (updated.updated, lead.row.name, lead.row.location) == (1, "Other", "Juja")
    before = counts(office)
    assert run_import(office, change, on_duplicate="update", dry_run=True).skipped == 1
    assert counts(office) == before


def test_create_makes_a_second_lead_unless_the_phone_is_blocked(office: Office) -> None:
    run_import(office, as_csv({"phone": "0722000111", "email": "a@b.co"}))
    again = as_csv({"phone": "0722000111"}, {"phone": "0722000222", "email": "a@b.co"}, {"phone": "0722000222"})
    refused = run_import(office, again, on_duplicate="create")
    assert (refused.refused, refused.failed, [e.line for e in refused.errors]) == (True, 2, [2, 4])
    partly = run_import(office, again, on_duplicate="create", good_rows_only=True)
    assert (partly.created, partly.failed) == (1, 2)
    admin.set_setting(office, "phone_unique", "warn")
    assert run_import(office, again, on_duplicate="create").created == 3


def test_a_bad_row_refuses_the_file_and_names_every_reason(office: Office) -> None:
    before = counts(office)
    rows = [{"name": "A", "phone": "0722000111", "source": "Website", "status": "New", "monthly_fee": "1"},
            {"name": "B", "phone": "12", "source": "Nowhere", "status": "Newish", "monthly_fee": "much"}]  # fmt: skip
    result = run_import(office, as_csv(*rows))
    assert result.refused
    assert (result.created, result.failed, result.batch) == (0, 1, None)
    assert {(e.line, e.field) for e in result.errors} == {
        (3, "phone"), (3, "source"), (3, "status"), (3, "monthly_fee"),
    }  # fmt: skip
    assert counts(office) == before


def test_rejects_are_mended_and_imported_again(office: Office, tmp_path: Path) -> None:
    data = b"Lead Name,Simu,Source\nA,0722000111,Website\n=B,12,Website\nC,0722000333,Nowhere\nD,1,2,3,\n"
    rejects = tmp_path / "rejects.csv"
    result = run_import(office, data, mapping={"Simu": "phone"}, good_rows_only=True, rejects=rejects)
    assert (result.created, result.failed, result.rejects) == (1, 3, rejects)
    text = rejects.read_text()
    assert text.startswith("Lead Name,Simu,Source,reject_reason\n'=B,12,Website,")
    unmended = run_import(office, rejects, good_rows_only=True)
    assert (unmended.created, unmended.failed) == (0, 3)
    rows = list(csv.reader(io.StringIO(text)))
    rows[1][1], rows[2][2], rows[3] = "0722000222", "Website", ["D", "0722000444", "Website"]
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    mended = run_import(office, out.getvalue().encode(), mapping={"Simu": "phone"})
    assert (mended.created, mended.failed) == (3, 0)
    assert leads.search(office, "phone:0722000222").rows[0].name == "=B"


def test_the_mapping_is_remembered_for_the_same_headings(office: Office) -> None:
    run_import(office, b"Jina,Simu\nA,0722000111\n", mapping={"Jina": "name", "Simu": "phone"})
    assert run_import(office, b"simu,jina\n0722000222,B\n").created == 1
    assert [c.target for c in plan_import(office, b"Simu,Jina\n1,2\n").columns] == ["phone", "name"]
    assert run_import(office, b"Jina,Simu,phone\nC,0722000333,0722000444\n").created == 1
    assert leads.search(office, "phone:0722000444").total == 1


def test_a_dry_run_counts_and_writes_nothing(office: Office, tmp_path: Path) -> None:
    before = counts(office)
    data = as_csv(ROW, {"name": "B", "phone": "nonsense"})
    result = run_import(office, data, dry_run=True, good_rows_only=True, rejects=tmp_path / "r.csv")
    assert (result.created, result.failed, result.batch) == (1, 1, None)
    assert counts(office) == before
    assert not (tmp_path / "r.csv").exists()


def test_undo_takes_an_import_back(office: Office) -> None:
    kept = leads.create(office, {"name": "Kept", "phone": "0722000999"}).lead
    before, row = counts(office), leads.get(office, kept.id)
    rows = (ROW, {"name": "B", "phone": "0722000222", "tags": "x"}, {"phone": "0722000999", "location": "Juja"})
    result = run_import(office, as_csv(*rows), on_duplicate="fill")
    assert (result.created, result.updated) == (2, 1)
    undone = history.undo(office, result.batch)
    assert (undone.restored, undone.refused) == (3, ())
    assert leads.search(office).total == 1
    assert leads.get(office, kept.id).row.location == row.row.location
    after = counts(office)
    for name in ("lead", "stage_change", "lead_tag", "lead_custom"):
        assert after[name] == before[name], name
    assert run_import(office, as_csv(ROW)).created == 1


def test_leads_of_long_ago_keep_their_dates(office: Office) -> None:
    rows = (
        "phone,status,created_at,converted_at,lost_reason", "0722000111,Converted,2025-03-01,2025-04-02,",
        "0722000222,Not Interested,2025-03-01,,Too expensive", "0722000333,New,2999-01-01,,",
    )  # fmt: skip
    data = "\n".join(rows).encode()
    result = run_import(office, data, good_rows_only=True)
    assert (result.created, result.failed) == (2, 1)
    assert result.errors[0].field == "created_at"
    converted, lost = leads.search(office, sort="id").rows
    assert converted.is_converted
    assert converted.created_at.date().isoformat() == "2025-02-28"  # midnight in Nairobi
    assert leads.get(office, lost.id).fields["lost_reason"] == "Too expensive"
    assert migrate.check(office.store) == []


def test_who_may_import(office: Office, acting: Callable[[str], Office]) -> None:
    for login, role in (("agent", "agent"), ("chief", "director")):
        admin.add_user(office, {"login": login, "name": login, "role": role})
    with pytest.raises(NotPermitted):
        run_import(acting("agent"), as_csv(ROW))
    with pytest.raises(NotPermitted):
        plan_import(acting("agent"), as_csv(ROW))
    assert run_import(acting("chief"), as_csv(ROW)).created == 1


def test_leads_of_others_are_left_alone_and_not_told(office: Office, acting: Callable[[str], Office]) -> None:
    admin.add_user(office, {"login": "agent", "name": "A", "role": "agent"})
    admin.set_role(office, "agent", "import", "own")
    hidden = leads.create(office, {"name": "Secret", "phone": "0722000111"}).lead
    for policy in ("skip", "fill", "update"):
        result = run_import(acting("agent"), as_csv({"phone": "0722000111", "name": "Mine", "location": "Juja"}),
                            on_duplicate=policy)  # fmt: skip
        assert (result.created, result.updated, result.skipped) == (0, 0, 1)
        told = repr(result.as_json())
        assert hidden.number not in told
        assert "Secret" not in told
    assert leads.get(office, hidden.id).row.location is None
    made = run_import(acting("agent"), as_csv({"phone": "0722000222", "name": "Mine"}))
    assert made.created == 1
    assert leads.search(acting("agent")).rows[0].assigned_to == "agent"
    refused = run_import(acting("agent"), as_csv({"phone": "0722000333", "assigned_to": "boss"}))
    assert [e.field for e in refused.errors] == ["assigned_to"]


def test_stopping_writes_nothing(office: Office) -> None:
    before = counts(office)
    for moment in range(5):
        asked = iter([False] * moment + [True] * 99)
        with pytest.raises(ImportStopped):
            run_import(office, as_csv(ROW), should_stop=lambda asked=asked: next(asked))  # type: ignore[misc]
        assert counts(office) == before


def test_progress_reaches_its_end(office: Office) -> None:
    told: list[tuple[int, int, str]] = []
    run_import(office, as_csv(*({"phone": f"07220{i:05d}"} for i in range(50))), on_progress=lambda *x: told.append(x))
    assert told[-1] == (50, 50, "writing leads")


@pytest.mark.parametrize(
    ("data", "options", "field"),
    [
        (b"a,b\n1,2\n", {}, "map"), (b"phone\n0722000111\n", {"on_duplicate": "eat"}, "on_duplicate"),
        (b"phone\n0722000111\n", {"mapping": {"x": "name"}}, "map"),
        (b"phone\n0722000111\n", {"mapping": {"phone": "shoe"}}, "map"),
    ],
)  # fmt: skip
def test_what_names_nothing_is_refused(office: Office, data: bytes, options: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        run_import(office, data, **options)
    assert refused.value.field == field


def test_hostile_cells_are_kept_as_text(office: Office) -> None:
    name = "=cmd|' /C calc'!A0 [b]x[/b] \u202e'; DROP TABLE lead;--"
    run_import(office, as_csv({"name": name, "phone": "0722000111", "remarks": "a\x00b\x1b[2J\tc"}))
    lead = leads.get(office, 1)
    assert lead.row.name == name.replace("\u202e", "")
    assert lead.fields["remarks"] == "ab[2J\tc"
    out = io.BytesIO()
    export(office, out=out)
    assert b",'=cmd|" in out.getvalue() or b",\"'=cmd|" in out.getvalue()
    assert run_import(office, out.getvalue()).skipped == 1


def test_somebody_writes_while_rows_are_compared(
    office: Office, acting: Callable[[str], Office], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lead that appears between the comparing and the writing is a duplicate all the same."""
    write = running._write

    def write_late(*arguments: Any) -> Any:
        if leads.count(office) == 0:
            leads.create(acting("boss"), {"phone": "0722000111", "name": "Quick"})
        return write(*arguments)

    monkeypatch.setattr(running, "_write", write_late)
    result = run_import(office, as_csv({"phone": "0722000111", "name": "Slow"}, {"phone": "0722000222"}))
    assert (result.created, result.skipped) == (1, 1)
    assert {lead.name for lead in leads.search(office).rows} == {"Quick", None}


def test_the_office_changes_while_rows_are_compared(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of names that moved meanwhile makes every text be read anew."""
    write, calls = running._write, []

    def write_late(*arguments: Any) -> Any:
        if not calls:
            admin.add(office, "source", {"name": "Radio"})
        calls.append(1)
        return write(*arguments)

    monkeypatch.setattr(running, "_write", write_late)
    assert run_import(office, as_csv(ROW)).created == 1
    assert len(calls) == 2


def test_names_alone_are_compared_where_nothing_else_is_known(office: Office) -> None:
    admin.add_preset(office, "real-estate")
    data = as_csv({"name": "Ann Lee", "pipeline": "real-estate"}, {"name": "ann lee", "pipeline": "real-estate"})
    assert run_import(office, data).created == 1
    assert run_import(office, data).skipped == 2


def test_a_bad_choice_of_column_is_said_before_reading(office: Office) -> None:
    with pytest.raises(Invalid):
        run_import(office, Path("/nowhere/at/all.csv"))


# -- killed in the middle ---------------------------------------------------------------------------------------------
KILLED = """
import sys
from pathlib import Path
from leadtui.services.importing import run_import
from leadtui.services.office import open_office
print("begun", flush=True)
run_import(open_office(sys.argv[1]), Path(sys.argv[2]), on_progress=lambda d, t, w: print(w, d, flush=True))
"""


@pytest.mark.parametrize(
    "after", ["reading the rows", "looking for duplicates", "writing leads 0", "writing leads 6000"]
)
def test_a_killed_import_leaves_nothing_half_written(sqlite_office: Office, tmp_path: Path, after: str) -> None:
    file = tmp_path / "many.csv"
    lines = (f"07{i:08d},N{i},t{i % 9},P{i % 50}\n" for i in range(6000))
    file.write_text("phone,name,tags,brought_in_by\n" + "".join(lines))
    path = str(sqlite_office.store.path)
    process = subprocess.Popen([sys.executable, "-c", KILLED, path, str(file)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(after):
            break
    else:
        pytest.fail("it never came so far")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    found = counts(sqlite_office)
    assert found["lead"] in (0, 6000)
    assert found["batch"] == found["import_run"] == (1 if found["lead"] else 0)
    assert found["audit"] == found["lead"]
    assert migrate.check(sqlite_office.store) == []
    assert run_import(sqlite_office, file).created == 6000 - found["lead"]
