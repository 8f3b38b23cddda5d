"""Deleting, restoring, protecting, tagging leads; their documents and interests (spec §H, AG9, AG24)."""

from __future__ import annotations

import hashlib
import mimetypes
import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import and_, select, update
from sqlalchemy import delete as sql_delete

from leadtui.domain.records import DocumentRow, Done
from leadtui.errors import Invalid, Locked, NotFound, NotPermitted, Refused
from leadtui.store import lead_detail
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx, insert_id
from leadtui.text import clean_line

from . import lead_writes as w
from .assignment import assign, workloads
from .office import Office
from .status import lose, reopen, set_status

MAX_DOCUMENT_BYTES = 25 * 1024 * 1024


# -- delete, restore, purge, protect ------------------------------------------------------------------------------


def delete(office: Office, ref: str | int, reason: str | None = None) -> Done:
    """Delete a lead softly: it leaves every list and figure, and can be restored. Raises Locked when protected."""
    with office.write() as tx:
        tx.open_batch("delete", "deleted")
        row = w.open_for(tx, ref, "delete")
        return w.answer(tx, row, delete_row(tx, row, reason))


def delete_row(tx: WriteTx, row: Mapping[Any, Any], reason: str | None) -> w.Outcome:
    """`delete` on a locked row."""
    if row["is_protected"]:
        kept = f": {row['protected_reason']}" if row["protected_reason"] else ""
        raise Locked(f"the lead is protected{kept}", code="protected", hint="unprotect it first")
    why = w.reason_text(reason)
    w.change(tx, row, {"deleted_at": tx.now}, "delete", extra_after={"reason": why} if why else None)
    w.note_event(tx, w.DELETED, row["id"], {"batch": tx.batch_id})
    return w.Outcome(("deleted_at",), ())


def restore(office: Office, ref: str | int) -> Done:
    """Bring a deleted lead back as it was. Raises Duplicate-like Refused where its phone is taken meanwhile."""
    with office.write() as tx:
        tx.open_batch("restore", "restored")
        row = w.load(tx, w.resolve(tx, ref, deleted=True))
        return w.answer(tx, row, restore_row(tx, row))


def restore_row(tx: WriteTx, row: Mapping[Any, Any]) -> w.Outcome:
    """`restore` on a locked row."""
    w.allow(tx, row, "delete")
    if row["deleted_at"] is None:
        raise Refused("the lead is not deleted", code="not_deleted")
    refuse_taken_phone(tx, row)
    w.change(tx, row, {"deleted_at": None}, "restore")
    return w.Outcome(("deleted_at",), ())


def refuse_taken_phone(tx: WriteTx, row: Mapping[Any, Any]) -> None:
    """A deleted lead never blocks a phone; coming back it must not find it taken (spec AG5)."""
    if tx.catalog.phone_unique != "block" or not row["phone_e164"]:
        return
    taken = w.phone_taken(tx, row["phone_e164"], row["id"])
    if taken is not None and taken["phone_e164"] == row["phone_e164"]:
        raise Refused(
            "another lead has this phone now",
            code="duplicate",
            field="phone",
            hint="change the other lead's phone first",
        )


def purge(office: Office, ref: str | int, reason: str | None = None, *, dry_run: bool = False) -> Done:
    """Remove a deleted lead for good, its personal data from the audit too. Cannot be undone.

    `dry_run` answers with the lead that would go. Raises Refused for a lead that is not deleted, has become a customer,
    or waits for a router.
    """
    if dry_run:
        with office.read() as tx:
            row = _purgeable(tx, ref)
            return Done(w.row_of(tx, row["id"]), None)
    with office.write() as tx:
        tx.open_batch("purge", "purged")
        row = _purgeable(tx, ref)
        why = w.reason_text(reason)
        lead = w.row_of(tx, row["id"])
        paths = [str(p) for p in _document_paths(tx, row["id"])]
        blank_audit(tx, row["id"])
        remove_lead(tx, row["id"])
        tx.audit("purge", "lead", row["id"], None, {"number": row["number"], "reason": why})
    for path in paths:
        _drop_file(office.store.files, path)
    return Done(lead, tx.batch_id)


def _purgeable(tx: ReadTx, ref: str | int) -> Mapping[Any, Any]:
    """The deleted lead that `ref` names, checked for all that refuses a purge."""
    if not tx.actor.may("purge"):
        try:
            w.resolve(tx, ref, deleted=True)
        except NotFound:
            w.resolve(tx, ref)
        raise NotPermitted("you may not purge leads", hint=f"the role '{tx.actor.role}' does not permit it")
    row = w.load(tx, _deleted_lead(tx, ref))
    if row["is_protected"]:
        raise Locked("the lead is protected", code="protected", hint="restore and unprotect it first")
    jobs = tx.conn.execute(select(t.provision_job.c.id).where(t.provision_job.c.lead_id == row["id"])).first()
    if row["customer_id"] is not None or w.has_router_user(tx, row["id"]) or jobs:
        raise Refused(
            "the lead has a customer or a router's journal behind it",
            code="in_use",
            hint="it stays deleted; purge is for leads that came to nothing",
        )
    return row


def _deleted_lead(tx: ReadTx, ref: str | int) -> int:
    """The deleted lead that `ref` names. Raises Refused for one that is not deleted, NotFound."""
    try:
        return w.resolve(tx, ref, deleted=True, action="purge")
    except NotFound:
        w.resolve(tx, ref)
    raise Refused("the lead is not deleted", code="not_deleted", hint="delete it first: purge removes for good")


def remove_lead(tx: WriteTx, lead_id: int) -> None:
    """Take a lead and what hangs on it out of the tables."""
    for table in (
        t.activity, t.stage_change, t.lead_tag, t.lead_product, t.lead_custom, t.document, t.booking, t.intake,
    ):  # fmt: skip
        tx.conn.execute(sql_delete(table).where(table.c.lead_id == lead_id))
    tx.conn.execute(sql_delete(t.lead).where(t.lead.c.id == lead_id))


def blank_audit(tx: WriteTx, lead_id: int) -> None:
    """Who did what and when stays; what the lead said does not (facts/field §3, audit)."""
    a = t.audit.c
    mine = select(t.activity.c.id).where(t.activity.c.lead_id == lead_id)
    promises = select(t.loan_commitment.c.id).where(t.loan_commitment.c.lead_id == lead_id)
    for which in (
        and_(a.entity == "lead", a.entity_id == lead_id),
        and_(a.entity == "activity", a.entity_id.in_(mine)),
        and_(a.entity == "loan_commitment", a.entity_id.in_(promises)),
        *(
            and_(a.entity == table.name, a.entity_id.in_(select(table.c.id).where(table.c.lead_id == lead_id)))
            for table in (t.booking, t.intake, t.enrollment)
        ),
    ):
        tx.conn.execute(update(t.audit).where(which).values(before_json=None, after_json=None))


def protect(office: Office, ref: str | int, reason: str) -> Done:
    """Protect a lead from being deleted, with the reason that a refusal then shows."""
    with office.write() as tx:
        tx.open_batch("protect", "protected")
        row = w.open_for(tx, ref, "protect")
        return w.answer(tx, row, protect_row(tx, row, reason))


def protect_row(tx: WriteTx, row: Mapping[Any, Any], reason: str) -> w.Outcome:
    """`protect` on a locked row."""
    w.allow(tx, row, "protect")
    why = w.reason_text(reason, required=True)
    w.change(tx, row, {"is_protected": True, "protected_reason": why}, "protect")
    return w.Outcome(("is_protected",), ())


def unprotect(office: Office, ref: str | int) -> Done:
    """Take the protection off."""
    with office.write() as tx:
        tx.open_batch("unprotect", "unprotected")
        row = w.open_for(tx, ref, "protect")
        return w.answer(tx, row, unprotect_row(tx, row))


def unprotect_row(tx: WriteTx, row: Mapping[Any, Any]) -> w.Outcome:
    """`unprotect` on a locked row."""
    w.allow(tx, row, "protect")
    changed = w.change(tx, row, {"is_protected": False, "protected_reason": None}, "unprotect")
    warnings = () if changed else ("it was not protected",)
    return w.Outcome(("is_protected",) if changed else (), warnings)


# -- tags and interests ---------------------------------------------------------------------------------------------


def tag(office: Office, ref: str | int, names: Iterable[str]) -> Done:
    """Put tags on a lead; new words become new tags."""
    with office.write() as tx:
        tx.open_batch("tag", "tagged")
        row = w.open_for(tx, ref, "edit")
        return w.answer(tx, row, retag_row(tx, row, add=names))


def untag(office: Office, ref: str | int, names: Iterable[str]) -> Done:
    """Take tags off a lead."""
    with office.write() as tx:
        tx.open_batch("untag", "untagged")
        row = w.open_for(tx, ref, "edit")
        return w.answer(tx, row, retag_row(tx, row, remove=names))


def retag_row(tx: WriteTx, row: Mapping[Any, Any], *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> w.Outcome:
    """Change the tags of a locked row."""
    from leadtui.text import fold

    from .lead_values import clean_tag

    had = w.tags_of(tx, row["id"])
    gone = {fold(clean_tag(n)) for n in remove}
    wanted = [n for n in had if fold(n) not in gone]
    known = {fold(n) for n in wanted}
    wanted += [n for n in dict.fromkeys(clean_tag(a) for a in add) if fold(n) not in known]
    w.set_tags(tx, row["id"], wanted)
    now = w.tags_of(tx, row["id"])
    changed = now != had
    if changed:
        w.change(tx, row, {}, "tag", extra_before={"tags": had}, extra_after={"tags": now})
    warnings = () if changed else ("nothing changed",)
    return w.Outcome(("tags",) if changed else (), warnings)


def interest(office: Office, ref: str | int, products: Iterable[str], *, remove: bool = False) -> Done:
    """Note the products or units a lead is interested in, or take them off."""
    with office.write() as tx:
        tx.open_batch("interest", "interests")
        row = w.open_for(tx, ref, "edit")
        return w.answer(tx, row, interest_row(tx, row, products, remove=remove))


def interest_row(tx: WriteTx, row: Mapping[Any, Any], products: Iterable[str], *, remove: bool) -> w.Outcome:
    """`interest` on a locked row. Raises Invalid for a product that does not exist."""
    names = [tx.catalog.find_product(p, field="interest").name for p in products]
    had = w.interests_of(tx, row["id"])
    wanted = [n for n in had if n not in names] if remove else sorted({*had, *names})
    w.set_interests(tx, row["id"], wanted)
    changed = set(wanted) != set(had)
    if changed:
        w.change(tx, row, {}, "interest", extra_before={"interests": had}, extra_after={"interests": wanted})
    return w.Outcome(("interests",) if changed else (), () if changed else ("nothing changed",))


# -- documents ------------------------------------------------------------------------------------------------------


def attach(office: Office, ref: str | int, path: Path, *, name: str | None = None) -> DocumentRow:
    """Keep a copy of a file with a lead (at most 25 MiB). Raises Invalid for what cannot be read."""
    lead_id, shown = _may_attach(office, ref, path, name)
    digest, size, stored = copy_in(office.store.files, path)
    mime = mimetypes.guess_type(shown)[0] or "application/octet-stream"
    with office.write() as tx:
        tx.open_batch("attach", f"attached {shown}"[:255])
        row = w.load(tx, lead_id)
        w.allow(tx, row, "log")
        document_id = insert_id(
            tx.conn,
            t.document,
            lead_id=lead_id,
            customer_id=row["customer_id"],
            name=shown,
            path=stored,
            mime=mime,
            bytes=size,
            sha256=digest,
            uploaded_by_id=tx.actor.user_id,
            at=tx.now,
            batch_id=tx.batch_id,
        )
        w.add_activity(tx, lead_id, "document", f"attached {shown}")
        tx.update_later(t.lead, lead_id, {"last_activity_at": tx.now})
        before, now = {"last_activity_at": row["last_activity_at"]}, {"last_activity_at": tx.now}
        tx.audit("attach", "lead", lead_id, before, {"document": shown, "sha256": digest} | now)
        tx.flush()
        return next(d for d in lead_detail.documents(tx, lead_id) if d.id == document_id)


def _may_attach(office: Office, ref: str | int, path: Path, name: str | None) -> tuple[int, str]:
    """Check everything before the file is copied."""
    with office.read() as tx:
        row = w.load(tx, w.resolve(tx, ref))
        w.allow(tx, row, "log")
    shown = clean_line(name or path.name, field="name", limit=255) or "document"
    try:
        if not path.is_file():
            raise Invalid(f"there is no file '{path}'", field="file", hint="the path of a file on this machine")
        size = path.stat().st_size
    except OSError as error:
        raise Invalid(f"'{path}' cannot be read: {error.strerror}", field="file") from error
    if size > MAX_DOCUMENT_BYTES:
        raise Invalid(f"the file is too large: {size / 2**20:.1f} MiB", field="file", hint="at most 25 MiB")
    return int(row["id"]), shown


def copy_in(folder: Path, source: Path, *, field: str = "file") -> tuple[str, int, str]:
    """Copy a file under its own hash, so that the same file is kept once; returns (hash, bytes, stored name).

    Raises Invalid naming `field`.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o770)
    digest = hashlib.sha256()
    try:
        with source.open("rb") as reading, tempfile.NamedTemporaryFile(dir=folder, delete=False) as writing:
            try:
                while block := reading.read(1 << 20):
                    digest.update(block)
                    writing.write(block)
                size = writing.tell()
            except BaseException:
                Path(writing.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise Invalid(f"'{source}' cannot be copied: {error.strerror}", field=field) from error
    stored = digest.hexdigest()
    Path(writing.name).chmod(0o660)
    os.replace(writing.name, folder / stored)
    return stored, size, stored


def document_path(office: Office, document_id: int) -> Path:
    """Where a document lies. Raises NotFound for one of a lead out of scope."""
    with office.read() as tx:
        row = tx.conn.execute(select(t.document).where(t.document.c.id == document_id)).one_or_none()
        missing = NotFound(f"there is no document {document_id}")
        if row is None or row.lead_id is None:
            raise missing
        try:
            w.resolve(tx, int(row.lead_id))
        except NotFound:
            raise missing from None
    return office.store.files / str(row.path)


def save_document(office: Office, document_id: int, target: Path) -> Path:
    """Copy a document out, under its own name when `target` is a folder."""
    source = document_path(office, document_id)
    with office.read() as tx:
        name = tx.conn.execute(select(t.document.c.name).where(t.document.c.id == document_id)).scalar_one()
    place = target / Path(name).name if target.is_dir() else target
    try:
        return Path(shutil.copyfile(source, place))
    except OSError as error:
        raise Invalid(f"'{place}' cannot be written: {error.strerror}", field="file") from error


def _document_paths(tx: WriteTx, lead_id: int) -> list[str]:
    """Files that only this lead's documents name."""
    d = t.document.c
    mine = set(tx.conn.execute(select(d.path).where(d.lead_id == lead_id)).scalars())
    shared = set(tx.conn.execute(select(d.path).where(d.path.in_(mine), d.lead_id.is_distinct_from(lead_id))).scalars())
    return sorted(mine - shared)


def _drop_file(folder: Path, name: str) -> None:
    (folder / name).unlink(missing_ok=True)


__all__ = [
    "assign",
    "attach",
    "delete",
    "document_path",
    "interest",
    "lose",
    "protect",
    "purge",
    "reopen",
    "restore",
    "save_document",
    "set_status",
    "tag",
    "unprotect",
    "untag",
    "workloads",
]
