"""`leadtui package`: the table of packages, and bringing them to routers as profiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadtui.cli import catalogue, complete
from leadtui.cli.context import MANY, confirm, note, office, on_terminal
from leadtui.cli.output import emit, table
from leadtui.errors import PartlyDone, RouterError, UsageError

if TYPE_CHECKING:
    from leadtui.services.package_push import PushRow

app = catalogue.apps["package"]

Package = Annotated[str, typer.Argument(metavar="PACKAGE", help="its name or id", autocompletion=complete.packages)]
Routers = Annotated[
    list[str] | None,
    typer.Option("--router", metavar="NAME", help="only this one", autocompletion=complete.routers),
]


@app.command("push")
def push(
    package: Package,
    router: Routers = None,
    service: Annotated[
        str | None, typer.Option("--service", metavar="pppoe|hotspot", help="instead of each router's own")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only show what would be done")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Make or change the package's profile on routers.

    A profile that is not ours, or that users of others have, is left as it is: exit 5. A router failed: exit 6.
    """
    from leadtui.services import package_push, routers

    names = list(router) if router else None
    with office() as opened:
        if dry_run:
            rows = package_push.preview(opened, package, names, service=service)
        else:
            if not yes and (on_terminal() or len(names or routers.list_routers(opened)) > MANY):
                _ask(package_push.preview(opened, package, names, service=service), package)
            rows = package_push.push(opened, package, names, service=service)
    document = {"package": rows[0].package if rows else package, "rows": [row.as_json() for row in rows]}
    emit({**document, "dry_run": True} if dry_run else document, lambda: _text(rows, is_plan=dry_run))
    _end(rows)


def _ask(rows: Sequence[PushRow], package: str) -> None:
    """Before routers are written to: a person is asked; many routers need `--yes` else. Raises UsageError."""
    changes = [row for row in rows if row.is_change]
    if not on_terminal():
        if len(changes) > MANY:
            raise UsageError(f"this would write to {len(changes):,} routers: more than {MANY} need --yes", field="yes")
        return
    if changes:
        note(_text(rows, is_plan=True))
        confirm(f"Push {changes[0].package} to {', '.join(row.router for row in changes)}?", yes=False)


@app.command("drift")
def drift(
    router: Annotated[
        str | None, typer.Option("--router", metavar="NAME", help="only this one", autocompletion=complete.routers)
    ] = None,
) -> None:
    """Where routers differ from the packages: what is missing, changed or not ours. Exit 6: a router failed."""
    from leadtui.services import package_push

    with office() as opened:
        rows = package_push.drift(opened, router)
    emit(
        {"total": len(rows), "rows": [{"package": row.package or None, **row.as_json()} for row in rows]},
        lambda: _text(rows, is_plan=True, with_package=True) if rows else "routers and packages agree",
    )
    _end([row for row in rows if row.exit_code == RouterError.exit_code])


def _text(rows: Sequence[PushRow], *, is_plan: bool, with_package: bool = False) -> str:
    """A table, and under it why something is left as it is and what helps."""
    from leadtui.domain.packages import difference_words

    if not rows:
        return "there is no router in use: leadtui router add"
    cells: list[list[Any]] = []
    said: list[str] = []
    for row in rows:
        words = [difference_words(d.field, d.wanted, d.actual, is_change=row.is_change) for d in row.differences]
        done = _DONE.get(row.outcome, row.outcome) if not is_plan else row.outcome
        cells.append([row.router or "–", row.service, *([row.package] if with_package else []), row.name,
                      done.replace("_", " "), "; ".join(words)])  # fmt: skip
        if row.error:
            said.append(f"{row.error}\n  {row.hint}" if row.hint else row.error)
    heads = ["router", "service", *(["package"] if with_package else []), "profile", "outcome", "differences"]
    return "\n".join((table(heads, cells), *said))


_DONE = {"create": "created", "change": "changed", "rename": "renamed"}


def _end(rows: Sequence[PushRow]) -> None:
    """The exit code that the rows mean. Raises RouterError, PartlyDone."""
    if failed := [row for row in rows if row.exit_code == RouterError.exit_code]:
        raise RouterError(
            f"{len(failed)} of {len(rows)} failed: {failed[0].error}", code="routers_failed", hint=failed[0].hint
        )
    if refused := [row for row in rows if row.exit_code]:
        raise PartlyDone(
            f"{len(refused)} of {len(rows)} left as they are", hint="the result says which and why",
            data={"failed": len(refused), "total": len(rows)},
        )  # fmt: skip
