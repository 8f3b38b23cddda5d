"""Deleting, restoring, protecting, purging, tags, interests, documents (spec §H, AG5, AG9, AJ33)."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from leadtui.errors import Invalid, Locked, NotFound, NotPermitted, Refused
from leadtui.services import activities, admin, conversion, history, leads, lifecycle
from leadtui.services.conversion_plan import ConvertRequest
from leadtui.services.office import Office
from tests.services.lead_help import LEAD_TABLES, acting_as, add, add_users, dump, everything

# -- delete, restore, protect, purge --------------------------------------------------------------------------------


def test_a_deleted_lead_is_nowhere_and_comes_back_as_it_was(office: Office) -> None:
    lead_id = add(office, name="Achieng", tags="vip", follow_up="+3d")
    activities.log(office, lead_id, activities.LogEntry("call"))
    was = dump(office, but=("lead.version", "lead.updated_at"))
    number = leads.get(office, lead_id).row.number
    lifecycle.delete(office, lead_id, "twice in the list")
    for ref in (lead_id, number, "0722000111"):
        with pytest.raises(NotFound):
            leads.get(office, ref)
        with pytest.raises(NotFound):
            leads.edit(office, ref, {"name": "x"})
        with pytest.raises(NotFound):
            lifecycle.delete(office, ref)
    assert leads.count(office) == leads.count(office, "achieng") == leads.count(office, "tag:vip") == 0
    assert leads.rows(office, [lead_id]) == ()
    assert leads.position(office, "", "id", lead_id) is None
    assert [r.id for r in leads.search(office, deleted=True).rows] == [lead_id]
    assert [r.id for r in leads.search(office, "is:deleted achieng").rows] == [lead_id]
    assert leads.duplicates(office, {"phone": "0722000111"}) == ()
    lifecycle.restore(office, number)
    assert dump(office, but=("lead.version", "lead.updated_at")) == was
    with pytest.raises((NotFound, Refused)):  # a live lead is not restored
        lifecycle.restore(office, number)


def test_the_reason_of_a_deletion_is_in_the_audit(sqlite_office: Office) -> None:
    office = sqlite_office
    lead_id = add(office)
    lifecycle.delete(office, lead_id, "twice in the list")
    _, entries = history.audit(office, lead_ref=lead_id)
    assert (entries[0].action, entries[0].changes["reason"]) == ("delete", (None, "twice in the list"))


def test_a_protected_lead_refuses_deletion_with_its_reason_but_not_edits(office: Office) -> None:
    lead_id = add(office)
    with pytest.raises(Invalid) as empty:
        lifecycle.protect(office, lead_id, "  ")
    assert empty.value.field == "reason"
    assert lifecycle.protect(office, lead_id, "court case 17").lead.is_protected
    with pytest.raises(Locked) as refused:
        lifecycle.delete(office, lead_id)
    assert refused.value.code == "protected"
    assert "court case 17" in refused.value.message
    assert leads.edit(office, lead_id, {"city": "Nakuru"}).changed == ("city",)
    assert not lifecycle.unprotect(office, lead_id).lead.is_protected
    assert lifecycle.unprotect(office, lead_id).warnings == ("it was not protected",)
    lifecycle.delete(office, lead_id)
    assert leads.count(office) == 0


def test_a_lead_does_not_come_back_onto_a_phone_that_is_taken(office: Office) -> None:
    old = add(office)
    lifecycle.delete(office, old)
    new = add(office)
    with pytest.raises(Refused) as refused:
        lifecycle.restore(office, old)
    assert (refused.value.code, refused.value.field) == ("duplicate", "phone")
    leads.edit(office, new, {"phone": "0722000222"})
    assert lifecycle.restore(office, old).lead.phone == "+254722000111"


def test_purge_leaves_who_and_when_but_nothing_of_the_person(office: Office, tmp_path: Path) -> None:
    shared, own = tmp_path / "shared.txt", tmp_path / "own.txt"
    shared.write_text("shared")
    own.write_text("own")
    lead_id = add(office, name="Zebedee Quux", email="zebedee@example.com", tags="vip", follow_up="+3d",
                  **{"custom.pet": "Zebedee"})  # fmt: skip
    other = add(office, "0722000222")
    for file in (shared, own):
        lifecycle.attach(office, lead_id, file)
    lifecycle.attach(office, other, shared)
    follow_up = leads.get(office, lead_id).follow_ups[0].id
    activities.reschedule(office, follow_up, "+5d")
    lifecycle.protect(office, lead_id, "wait")
    with pytest.raises(Refused) as live:
        lifecycle.purge(office, lead_id)
    assert live.value.code == "not_deleted"
    lifecycle.unprotect(office, lead_id)
    lifecycle.delete(office, lead_id)
    lifecycle.purge(office, lead_id, "asked to be forgotten")
    with pytest.raises(NotFound):
        lifecycle.restore(office, lead_id)
    left = everything(office)
    assert all(not any("zebedee" in row.lower() or "+254722000111" in row for row in rows) for rows in left.values())
    kept = {p.name for p in office.store.files.iterdir()}
    assert kept == {hashlib.sha256(b"shared").hexdigest()}
    _, entries = history.audit(office, entity="lead")
    assert [e.action for e in entries if e.entity_id == lead_id][:2] == ["purge", "delete"]
    assert {name: len(rows) for name, rows in dump(office, LEAD_TABLES).items()}["lead"] == 1


def test_a_new_lead_never_gets_the_id_of_one_that_is_gone(office: Office) -> None:
    """Else the audit of the old one would be read as that of the new one."""
    first = add(office, name="Old Person")
    history.undo(office)
    second = add(office, name="New Person")
    assert second != first
    lifecycle.delete(office, second)
    lifecycle.purge(office, second)
    third = add(office)
    assert third not in (first, second)
    total, entries = history.audit(office, lead_ref=third)
    assert (total, [e.action for e in entries]) == (1, ["create"])


def test_who_sees_a_deleted_lead_is_told_that_he_may_not_purge_it(sqlite_office: Office) -> None:
    add_users(sqlite_office, "dora:director")
    lead_id = add(sqlite_office)
    lifecycle.delete(sqlite_office, lead_id)
    with acting_as(sqlite_office, "dora") as director:
        with pytest.raises(NotPermitted):
            lifecycle.purge(director, lead_id)
        with pytest.raises(NotFound):
            lifecycle.purge(director, 999)


def test_what_became_a_customer_is_not_purged(sqlite_office: Office) -> None:
    office = sqlite_office
    lead_id = add(office, name="Achieng")
    conversion.convert(office, lead_id, ConvertRequest())
    lifecycle.delete(office, lead_id)
    with pytest.raises(Refused) as refused:
        lifecycle.purge(office, lead_id)
    assert refused.value.code == "in_use"


# -- tags, interests --------------------------------------------------------------------------------------------------


def test_tags_are_one_whatever_their_spelling(office: Office) -> None:
    lead_id = add(office)
    assert lifecycle.tag(office, lead_id, ["VIP", "landlord", "vip"]).lead.tags == ("landlord", "VIP")
    assert lifecycle.tag(office, lead_id, ["Víp"]).warnings == ("nothing changed",)
    assert lifecycle.untag(office, lead_id, ["LANDLORD", "unknown"]).lead.tags == ("VIP",)
    assert lifecycle.untag(office, lead_id, ["unknown"]).warnings == ("nothing changed",)
    assert [r.id for r in leads.search(office, "tag:vip").rows] == [lead_id]
    for bad in ("", "  ", "a,b", "x" * 51):
        with pytest.raises(Invalid) as refused:
            lifecycle.tag(office, lead_id, [bad])
        assert refused.value.field == "tag"
    assert leads.get(office, lead_id).row.tags == ("VIP",)


def test_interests_are_products_that_exist(office: Office) -> None:
    admin.add(office, "package", {"name": "a5 corner", "kind": "unit"})
    admin.add(office, "package", {"name": "B7 garden", "kind": "unit"})
    lead_id = add(office)
    lifecycle.interest(office, lead_id, ["b7 GARDEN", "20 mbps home", "a5 corner"])
    assert leads.get(office, lead_id).interests == ("20 Mbps Home", "B7 garden", "a5 corner")
    version = leads.get(office, lead_id).row.version
    assert lifecycle.interest(office, lead_id, ["a5 corner"]).lead.version == version
    with pytest.raises(Invalid) as refused:
        lifecycle.interest(office, lead_id, ["20 Mbps Home", "C9"])
    assert refused.value.field == "interest"
    lifecycle.interest(office, lead_id, ["20 Mbps Home", "50 Mbps Home"], remove=True)
    assert leads.get(office, lead_id).interests == ("B7 garden", "a5 corner")


# -- documents ------------------------------------------------------------------------------------------------------


def test_a_document_is_a_copy_with_its_uploader(office: Office, tmp_path: Path) -> None:
    source = tmp_path / "id-card.pdf"
    source.write_bytes(b"%PDF one")
    lead_id = add(office)
    kept = lifecycle.attach(office, lead_id, source)
    assert (kept.name, kept.mime, kept.bytes, kept.uploaded_by) == ("id-card.pdf", "application/pdf", 8, "boss")
    assert kept.sha256 == hashlib.sha256(b"%PDF one").hexdigest()
    source.write_bytes(b"changed")
    source.unlink()
    assert lifecycle.document_path(office, kept.id).read_bytes() == b"%PDF one"
    detail = leads.get(office, lead_id)
    assert [(a.type, a.subject) for a in detail.activities] == [("document", "attached id-card.pdf")]
    assert detail.documents == (kept,)
    assert detail.fields["last_activity_at"] == kept.at
    out = lifecycle.save_document(office, kept.id, tmp_path)
    assert (out, out.read_bytes()) == (tmp_path / "id-card.pdf", b"%PDF one")


def test_the_same_file_twice_is_two_documents_and_one_file(sqlite_office: Office, tmp_path: Path) -> None:
    office = sqlite_office
    source = tmp_path / "a.txt"
    source.write_text("same")
    lead_id = add(office)
    first, second = lifecycle.attach(office, lead_id, source), lifecycle.attach(office, lead_id, source, name="b.txt")
    assert first.id != second.id
    assert first.path == second.path
    assert len(list(office.store.files.iterdir())) == 1
    assert [d.name for d in leads.get(office, lead_id).documents] == ["b.txt", "a.txt"]


def test_undo_of_an_attachment_puts_the_lead_back_exactly(office: Office, tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_text("same")
    lead_id = add(office)
    before = dump(office)
    lifecycle.attach(office, lead_id, source)
    assert dump(office) != before
    assert history.undo(office).restored == 1
    assert dump(office) == before


def test_what_cannot_be_attached_leaves_nothing_behind(sqlite_office: Office, tmp_path: Path) -> None:
    office = sqlite_office
    lead_id = add(office)
    large = tmp_path / "large.bin"
    with large.open("wb") as file:
        file.truncate(25 * 1024 * 1024 + 1)
    for path in (tmp_path / "missing.txt", tmp_path, large, Path("/".join(["x"] * 5000))):
        with pytest.raises(Invalid) as refused:
            lifecycle.attach(office, lead_id, path)
        assert refused.value.field == "file"
    assert leads.get(office, lead_id).documents == ()
    assert not office.store.files.exists() or not list(office.store.files.iterdir())


def test_25_mib_are_not_too_large(sqlite_office: Office, tmp_path: Path) -> None:
    exact = tmp_path / "exact.bin"
    with exact.open("wb") as file:
        file.truncate(25 * 1024 * 1024)
    assert lifecycle.attach(sqlite_office, add(sqlite_office), exact).bytes == 25 * 1024 * 1024


@pytest.mark.parametrize(
    ("name", "shown", "written"),
    [
        ("../../etc/passwd", "../../etc/passwd", "passwd"),
        ("[b]x[/] \u202egpj.exe\x1b[2J.png", "[b]x[/] gpj.exe[2J.png", "] gpj.exe[2J.png"),
        ("two\nlines\t.txt", "two lines .txt", "two lines .txt"),
        ("\x00\x01", "document", "document"),
    ],
)
def test_hostile_names_are_harmless(sqlite_office: Office, tmp_path: Path, name: str, shown: str, written: str) -> None:
    office = sqlite_office
    source, out = tmp_path / "a.txt", tmp_path / "out"
    source.write_text("text")
    out.mkdir()
    kept = lifecycle.attach(office, add(office), source, name=name)
    assert kept.name == shown
    assert lifecycle.save_document(office, kept.id, out) == out / written
    assert [p.name for p in out.iterdir()] == [written]


def test_a_file_whose_name_is_no_text_can_be_attached(sqlite_office: Office, tmp_path: Path) -> None:
    office = sqlite_office
    path = os.fsencode(tmp_path) + b"/r\xe9sum\xe9.pdf"
    with open(path, "wb") as file:
        file.write(b"x")
    kept = lifecycle.attach(office, add(office), Path(os.fsdecode(path)))
    assert kept.name == "r\ufffdsum\ufffd.pdf"


def test_an_over_long_name_is_refused_with_its_field(sqlite_office: Office, tmp_path: Path) -> None:
    source = tmp_path / "a.txt"
    source.write_text("text")
    with pytest.raises(Invalid) as refused:
        lifecycle.attach(sqlite_office, add(sqlite_office), source, name="x" * 256)
    assert refused.value.field == "name"


def test_documents_of_others_are_as_missing_ones(sqlite_office: Office, tmp_path: Path) -> None:
    office = sqlite_office
    source = tmp_path / "a.txt"
    source.write_text("secret")
    add_users(office, "jane:agent")
    kept = lifecycle.attach(office, add(office, assigned_to="boss"), source)
    with acting_as(office, "jane") as jane:
        for document_id in (kept.id, 999):
            for act in (lifecycle.document_path, lambda o, i: lifecycle.save_document(o, i, tmp_path)):
                with pytest.raises(NotFound) as missing:
                    act(jane, document_id)
                assert missing.value.message == f"there is no document {document_id}"
