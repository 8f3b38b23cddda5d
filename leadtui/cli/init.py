"""`leadtui init`: a new database from a preset."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from leadtui.cli import tree
from leadtui.cli.complete import presets
from leadtui.cli.context import open_log, options
from leadtui.cli.output import emit, pairs


def init(
    preset: Annotated[
        str,
        typer.Option(metavar="NAME", help="isp, insurance, real-estate, estate or travel", autocompletion=presets),
    ],
    admin: Annotated[str | None, typer.Option(metavar="LOGIN", help="login of the first principal (you)")] = None,
    country: Annotated[str | None, typer.Option(metavar="CC", help="where phones are read, such as KE")] = None,
    currency: Annotated[str | None, typer.Option(metavar="CODE", help="the one currency, such as KES")] = None,
    timezone: Annotated[str | None, typer.Option(metavar="ZONE", help="such as Africa/Nairobi")] = None,
) -> None:
    """Make a new database. Your OS account becomes its owner and, as LOGIN, its first principal.

    Refuses an existing one.
    """
    from leadtui.services.office import create_office

    open_log()
    os.environ.pop("LEADTUI_AS", None)  # nobody but the OS account can act in a database that is made now
    office = create_office(
        options().db, preset=preset, admin=admin, country=country, currency=currency, timezone=timezone
    )
    try:
        catalog, login = office.catalog, office.actor.login
        made = {
            "db": office.store.name, "preset": preset, "admin": login, "country": catalog.country,
            "currency": catalog.currency, "timezone": str(catalog.tz),
            "pipeline": catalog.default_pipeline.key,
        }  # fmt: skip
    finally:
        office.close()
    shown = [(key, made[key]) for key in ("admin", "preset", "country", "currency", "timezone")]
    emit(made, lambda: f"made {made['db']}\n" + pairs(shown) + "\nstart with: leadtui   or: leadtui lead add --help")


app = tree.single(init)
