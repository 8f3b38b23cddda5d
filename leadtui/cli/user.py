"""`leadtui user`: who works here."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from leadtui.cli import complete, tree
from leadtui.cli.context import note, office
from leadtui.cli.output import emit

app = tree.noun("Who works here")

Login = Annotated[str, typer.Argument(metavar="LOGIN", help="whom", autocompletion=complete.logins)]
Role = typer.Option("--role", metavar="ROLE", help="see role list", autocompletion=complete.roles)
Name = typer.Option("--name", metavar="NAME", help="full name")
Branch = Annotated[
    str | None, typer.Option("--branch", metavar="NAME", help="where they work", autocompletion=complete.branches)
]
Team = Annotated[str | None, typer.Option("--team", metavar="NAME", help="whose leads they share")]
Phone = Annotated[str | None, typer.Option("--phone", metavar="PHONE", help="in any spelling")]
Email = Annotated[str | None, typer.Option("--email", metavar="ADDRESS", help="electronic mail")]
Account = Annotated[
    str | None, typer.Option("--os-account", metavar="NAME", help="the account on this machine that is this user")
]
Zone = Annotated[str | None, typer.Option("--timezone", metavar="ZONE", help="theirs, if not the office's")]
Hours = Annotated[
    str | None, typer.Option("--working-hours", metavar="TEXT", help="theirs: mon-fri 08:00-17:00, sat 09:00-13:00")
]
Areas = Annotated[str | None, typer.Option("--areas", metavar="PLACE,PLACE", help="which cities or places they serve")]
Types = Annotated[
    str | None, typer.Option("--types", metavar="WORD,WORD", help="which property types or packages they know")
]
Languages = Annotated[str | None, typer.Option("--languages", metavar="WORD,WORD", help="what they speak")]
MinPrice = Annotated[str | None, typer.Option("--min-price", metavar="AMOUNT", help="the lowest budget they work with")]
MaxPrice = Annotated[str | None, typer.Option("--max-price", metavar="AMOUNT", help="the highest")]
Capacity = Annotated[
    str | None, typer.Option("--capacity", metavar="N", help="so many open leads at most by automatic assignment")
]
Available = Annotated[
    bool | None,
    typer.Option("--available/--not-available", help="whether automatic assignment may choose them"),
]


def _typed(**values: Any) -> dict[str, str]:
    return {key: str(value) for key, value in values.items() if value is not None}


def _yes_no(value: bool | None) -> str | None:
    return None if value is None else "yes" if value else "no"


def _print(record: dict[str, Any], verb: str) -> None:
    emit(record, f"{verb} {record.get('login')} ({record.get('name')}, {record.get('role')})")


@app.command("add")
def add(
    login: Annotated[str, typer.Option(metavar="LOGIN", help="the short name they are known by")],
    name: Annotated[str, Name],
    role: Annotated[str, Role],
    *,
    branch: Branch = None,
    team: Team = None,
    phone: Phone = None,
    email: Email = None,
    os_account: Account = None,
    timezone: Zone = None,
    working_hours: Hours = None,
    areas: Areas = None,
    types: Types = None,
    languages: Languages = None,
    min_price: MinPrice = None,
    max_price: MaxPrice = None,
    capacity: Capacity = None,
    available: Available = None,
) -> None:
    """Add a user."""
    from leadtui.services import admin

    values = _typed(
        login=login, name=name, role=role, branch=branch, team=team, phone=phone, email=email, os_account=os_account,
        timezone=timezone, working_hours=working_hours, service_areas=areas, specializations=types,
        languages=languages, min_price=min_price, max_price=max_price, capacity=capacity,
        available=_yes_no(available),
    )  # fmt: skip
    with office() as opened:
        _print(admin.add_user(opened, values), "added")


@app.command("list")
def list_() -> None:
    """List users."""
    from leadtui.cli.render import records_text
    from leadtui.services import admin

    with office() as opened:
        found = admin.users(opened)
    keys = (
        "login", "name", "role", "branch", "team", "phone", "email", "os_account", "timezone", "working_hours",
        "is_active", "is_available", "service_areas", "specializations", "languages", "min_price", "max_price",
        "capacity",
    )  # fmt: skip
    emit({"total": len(found), "users": found}, lambda: records_text(found, keys))


@app.command("edit")
def edit(
    login: Login,
    *,
    name: Annotated[str | None, Name] = None,
    role: Annotated[str | None, Role] = None,
    branch: Branch = None,
    team: Team = None,
    phone: Phone = None,
    email: Email = None,
    os_account: Account = None,
    timezone: Zone = None,
    working_hours: Hours = None,
    areas: Areas = None,
    types: Types = None,
    languages: Languages = None,
    min_price: MinPrice = None,
    max_price: MaxPrice = None,
    capacity: Capacity = None,
    available: Annotated[
        bool | None,
        typer.Option(
            "--available/--not-available", " /--no-available", help="whether automatic assignment may choose them"
        ),
    ] = None,
    alerts_stdin: Annotated[
        bool, typer.Option("--alerts-stdin", help="read alert addresses (apprise) from standard input, one a line")
    ] = False,
) -> None:
    """Change a user; an empty value clears one. Your own alert addresses you may always change."""
    import sys

    from leadtui.errors import UsageError
    from leadtui.services import admin, alerts

    values = _typed(
        name=name, role=role, branch=branch, team=team, phone=phone, email=email, os_account=os_account,
        timezone=timezone, working_hours=working_hours, service_areas=areas, specializations=types,
        languages=languages, min_price=min_price, max_price=max_price, capacity=capacity,
        available=_yes_no(available),
    )  # fmt: skip
    if not values and not alerts_stdin:
        raise UsageError("nothing to change", field="name", code="missing_option", hint="see: leadtui user edit --help")
    with office() as opened:
        if alerts_stdin:
            kinds = alerts.set_addresses(opened, login, sys.stdin.read())
        record = admin.edit_user(opened, login, values) if values else {"login": login}
    if alerts_stdin:
        record |= {"alerts": list(kinds)}
    if values:
        _print(record, "changed")
    else:
        emit(record, f"{login}: " + (f"alerts go to {', '.join(kinds)}" if kinds else "no alert addresses"))


@app.command("test-alert")
def test_alert(login: Login) -> None:
    """Send a test to a user's alert addresses; exit 6 when one does not take it."""
    from leadtui.services import alerts

    with office() as opened:
        kinds = alerts.test_alert(opened, login)
    emit({"login": login, "sent": list(kinds)}, f"sent to {', '.join(kinds)}")


@app.command("disable")
def disable(login: Login) -> None:
    """Let a user act no longer; what they did stays."""
    from leadtui.services import admin

    with office() as opened:
        _print(admin.set_user_active(opened, login, False), "disabled")


@app.command("enable")
def enable(login: Login) -> None:
    """Let a disabled user act again."""
    from leadtui.services import admin

    with office() as opened:
        _print(admin.set_user_active(opened, login, True), "enabled")


# -- keys of the HTTP face --------------------------------------------------------------------------------------------
keys = tree.noun("Keys with which other programs act as a user over HTTP (see: leadtui serve)")
app.add_typer(keys, name="key")


@keys.command("add")
def add_key(
    login: Login,
    name: Annotated[str | None, typer.Option("--name", metavar="TEXT", help="what it is for")] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="WHEN", help="its last day: +90d, 2027-12-31")
    ] = None,
) -> None:
    """Make a key and print it: it cannot be seen again."""
    from leadtui.services import api_tokens

    with office() as opened:
        made = api_tokens.create(opened, login, name=name, expires=expires)
    record = made.row.as_json() | {"token": made.token.reveal()}
    note(f"the key of {made.row.login}, shown only now:")
    emit(record, made.token.reveal())


@keys.command("list")
def list_keys(
    login: Annotated[
        str | None, typer.Argument(metavar="[LOGIN]", help="whose; else all", autocompletion=complete.logins)
    ] = None,
) -> None:
    """List keys, the newest first; never the keys themselves."""
    from leadtui.cli.render import records_text
    from leadtui.services import api_tokens

    with office() as opened:
        found = [one.as_json() for one in api_tokens.list_all(opened, login)]
    emit({"total": len(found), "keys": found}, lambda: records_text(found))


@keys.command("remove")
def remove_key(key: Annotated[str, typer.Argument(metavar="ID|PREFIX", help="see: leadtui user key list")]) -> None:
    """End a key: whoever has it is let in no more."""
    from leadtui.services import api_tokens

    with office() as opened:
        row = api_tokens.revoke(opened, key)
    emit(row.as_json(), f"{row.prefix}… of {row.login} ({row.name}) opens nothing any more")
