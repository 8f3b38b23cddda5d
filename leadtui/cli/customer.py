"""`leadtui customer`: the list, one with everything, changing its fields, the family groups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadtui.cli import complete, customer_service, tree
from leadtui.cli.context import note, office
from leadtui.cli.output import emit, pairs, table
from leadtui.errors import UsageError

if TYPE_CHECKING:
    from leadtui.cli.render import View
    from leadtui.domain.records import CustomerDetail, CustomerRow

app = tree.noun("Customers: find, show, change, suspend, resume, change their package")
group_app = tree.noun("Family groups: customers who belong together")

Ref = Annotated[
    str, typer.Argument(metavar="REF", help="a customer's id or phone, a lead's number, or a router user name")
]
_FACTS = ("type", "phone", "email", "pan", "aadhar", "gst", "family_group", "package", "branch", "state")


@app.command("list")
def list_(
    search: Annotated[
        list[str] | None, typer.Argument(metavar="[SEARCH]...", help="words of the name, email or phone")
    ] = None,
    state: Annotated[
        str | None, typer.Option("--state", metavar="STATE", help="active, suspended or partly",
                                 autocompletion=complete.customer_states)
    ] = None,
    package: Annotated[
        str | None, typer.Option("--package", metavar="NAME", help="who has it", autocompletion=complete.packages)
    ] = None,
    router: Annotated[
        str | None, typer.Option("--router", metavar="NAME", help="with a user on it", autocompletion=complete.routers)
    ] = None,
    branch: Annotated[
        str | None, typer.Option("--branch", metavar="NAME", help="of this branch", autocompletion=complete.branches)
    ] = None,
    type_: Annotated[str | None, typer.Option("--type", metavar="Retail|Corporate", help="of this type")] = None,
    group: Annotated[
        str | None, typer.Option("--group", metavar="NAME", help="of this family group",
                                 autocompletion=complete.family_groups)
    ] = None,
    never_online: Annotated[
        str | None,
        typer.Option("--never-online", metavar="[DAYS]", help="never seen online for so many days; else the setting"),
    ] = None,
    created: Annotated[
        str | None, typer.Option("--created", metavar="SPAN", help="such as 2026-11, this-month or -7d..today")
    ] = None,
    sort: Annotated[
        str, typer.Option("--sort", metavar="FIELD", help="name, created_at, id, package or state; -FIELD backwards")
    ] = "name",
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=100_000, help="customers on a page")] = 15,
    page: Annotated[int, typer.Option("--page", metavar="N", min=1, max=100_000_000, help="which page")] = 1,
) -> None:  # fmt: skip
    """List customers by name."""
    from leadtui.cli.render import View
    from leadtui.domain.customers import days_of
    from leadtui.services import customers

    days = None if never_online is None else days_of(never_online)
    with office() as opened:
        found = customers.find(
            opened, " ".join(search or ()), state=state, package=package, router=router, branch=branch, type=type_,
            group=group, never_online=days, created=created, sort=sort, limit=limit, offset=(page - 1) * limit,
        )  # fmt: skip
        view = View.of(opened)
    total = found.total or 0
    rows = [row_json(row, view) for row in found.rows]
    document = {"total": total, "page": page, "limit": limit, "customers": rows}
    if not found.rows:
        emit(document, "no customers" if total == 0 else f"no customers on page {page}; there are {total:,}")
        return
    emit(document, lambda: _table(found.rows, view))
    first = (page - 1) * limit + 1
    note(f"{first:,}–{first + len(found.rows) - 1:,} of {total:,}")


def row_json(row: CustomerRow, view: View) -> dict[str, Any]:
    """The customer object, without what the role does not see."""
    return {key: value for key, value in row.as_json().items() if not view.hides(key)}


def _table(rows: Sequence[CustomerRow], view: View) -> str:
    keys = [key for key in ("id", "name", "phone", "package") if not view.hides(key)]
    cells = [
        [*(getattr(row, key) for key in keys), [user.username for user in row.router_users], row.state,
         view.local(row.created_at, all_day=True)]
        for row in rows
    ]  # fmt: skip
    return table([*keys, "router user", "state", "since"], cells, right=[0], whole=[0])


@app.command("show")
def show(ref: Ref) -> None:
    """Show everything about a customer: leads, router users, documents, history."""
    from leadtui.cli.render import View
    from leadtui.services import customers

    with office() as opened:
        found = customers.detail(opened, ref)
        view = View.of(opened)
    emit(detail_json(found, view), lambda: detail_text(found, view))


def detail_json(found: CustomerDetail, view: View) -> dict[str, Any]:
    """The customer object with everything that `show` adds; `leads` are objects here."""
    from leadtui.cli.render import document_json
    from leadtui.cli.render_many import audit_json
    from leadtui.domain.money import to_json

    leads = [
        {"id": one.id, "number": one.number, "name": one.name, "status": one.status, "assigned_to": one.assigned_to,
         "created_at": one.created_at, "converted_at": one.converted_at,
         "installation_fee": to_json(one.installation_fee, view.currency),
         "monthly_fee": to_json(one.monthly_fee, view.currency)}
        for one in found.leads
    ]  # fmt: skip
    own = row_json(found.customer, view)
    users = [
        {**shown, "lead_number": user.lead_number, "first_online_ip": user.first_online_ip}
        for shown, user in zip(own["router_users"], found.users, strict=True)
    ]
    return {
        **own,
        "leads": [{key: value for key, value in one.items() if not view.hides(key)} for one in leads],
        "router_users": users,
        "documents": [document_json(one) for one in found.documents],
        "family": [{"id": member, "name": name} for member, name in found.family],
        "history": [audit_json(one) for one in found.history],
        "allowed": sorted(found.allowed),
    }


def detail_text(found: CustomerDetail, view: View) -> str:
    """Everything about a customer, for reading."""
    row = found.customer
    facts = [(key.replace("_", " "), getattr(row, key)) for key in _FACTS if not view.hides(key)]
    family = [name for _, name in found.family] + ([f"{found.family_others} more"] if found.family_others else [])
    parts = [
        f"customer {row.id}  {row.name}".rstrip(),
        pairs([*facts, ("with", family), ("since", view.local(row.created_at))]),
    ]
    if found.users:
        users = [
            (u.username, u.router, u.service, u.profile, u.ip or "dynamic", u.state,
             f"first online {view.local(u.first_online_at)}" if u.first_online_at else "never online")
            for u in found.users
        ]  # fmt: skip
        parts.append("Router users\n" + table(("user", "router", "service", "profile", "address", "state", ""), users))
    if found.leads or found.others:
        parts.append("Leads\n" + _leads_text(found, view))
    if found.documents:
        files = [(d.name, d.mime, d.bytes, d.uploaded_by, view.local(d.at)) for d in found.documents]
        parts.append("Documents\n" + table(("name", "kind", "bytes", "by", "when"), files, right=[2]))
    if found.history:
        from leadtui.cli.render_many import audit_text

        parts.append("History\n" + audit_text(found.history, view))
    return "\n\n".join(parts)


def _leads_text(found: CustomerDetail, view: View) -> str:
    from leadtui.domain.money import format_money

    fees = [key for key in ("installation_fee", "monthly_fee") if not view.hides(key)]
    rows = [
        [one.number, one.status, one.assigned_to, view.local(one.converted_at),
         *(format_money(getattr(one, key), view.currency) for key in fees)]
        for one in found.leads
    ]  # fmt: skip
    heads = ["number", "status", "agent", "converted", *(key.removesuffix("_fee") for key in fees)]
    lines = [table(heads, rows, right=range(4, len(heads)))] if rows else []
    return "\n".join([*lines, *([f"{found.others} of somebody else"] if found.others else [])])


@app.command("edit")
def edit(
    ref: Ref,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="FIELD=VALUE", help="such as phone=…, family_group=…; an empty value clears it",
            autocompletion=complete.customer_fields,
        ),
    ] = None,
) -> None:  # fmt: skip
    """Change fields of a customer."""
    from leadtui.cli.render import View
    from leadtui.services import customers

    values: dict[str, str | None] = {}
    for pair in set_ or ():
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--set {pair[:60]}: write FIELD=VALUE", field="set", hint="such as --set name='J. Mwai'")
        if values.get(key.strip(), value) != value:
            raise UsageError(f"{key.strip()} is given twice", field=key.strip())
        values[key.strip()] = value
    if not values:
        raise UsageError("nothing to change", field="set", code="missing_option", hint="add --set FIELD=VALUE")
    with office() as opened:
        done = customers.edit(opened, ref, values)
        view = View.of(opened)
    emit(row_json(done.customer, view), lambda: _table([done.customer], view))


@group_app.command("add")
def add_group(
    name: Annotated[str, typer.Argument(metavar="NAME", help="what it is called; one that is there stays one")],
) -> None:
    """Add a family group."""
    from leadtui.services import customers

    with office() as opened:
        group_id = customers.add_family_group(opened, name)
        found = next(group for group in customers.family_groups(opened) if group.id == group_id)
    emit({"id": found.id, "name": found.name, "members": found.members}, f"family group {found.id}  {found.name}")


@group_app.command("list")
def list_groups() -> None:
    """List the family groups."""
    from leadtui.services import customers

    with office() as opened:
        found = customers.family_groups(opened)
    rows = [{"id": group.id, "name": group.name, "members": group.members} for group in found]
    emit(
        {"total": len(rows), "groups": rows},
        lambda: (
            table(("id", "name", "members"), [list(row.values()) for row in rows], right=[0, 2]) if rows else "none"
        ),
    )


app.add_typer(group_app, name="group")
customer_service.register(app)
