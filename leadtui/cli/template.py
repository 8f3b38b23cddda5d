"""`leadtui template`: texts with places for a lead's fields, kept under a name."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leadtui.cli import complete, tree
from leadtui.cli.context import office
from leadtui.cli.lead_find import Ref
from leadtui.cli.output import emit, pairs, table
from leadtui.domain.dates import iso_z
from leadtui.errors import UsageError

if TYPE_CHECKING:
    from leadtui.services.templates import TemplateRow

app = tree.noun("Texts with places for a lead's fields: {name}, {first_name|there}, {{ for a brace")

Name = Annotated[str, typer.Argument(metavar="TEMPLATE", help="its name or id", autocompletion=complete.templates)]
Text = Annotated[str | None, typer.Option("--text", metavar="WORDS", help="the text, such as 'Hi {first_name|there}'")]
File = Annotated[
    Path | None, typer.Option("--text-file", metavar="FILE", help="the text from a file, - for standard input")
]
Channel = Annotated[str | None, typer.Option(metavar="NAME", help="made for this channel; else for any")]
Subject = Annotated[str | None, typer.Option(metavar="WORDS", help="the subject, for email")]


def text_of(text: str | None, file: Path | None, *, field: str) -> str | None:
    """A text given as an option or in a file. Raises UsageError."""
    if text is not None and file is not None:
        raise UsageError(f"--{field} and --{field}-file do not go together", field=field)
    if file is None:
        return text
    try:
        return sys.stdin.read() if str(file) == "-" else file.expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"'{file}' cannot be read: {why}", field=f"{field}-file") from None


@app.command("add")
def add(
    name: Annotated[str, typer.Option(metavar="NAME", help="what it is called")],
    text: Text = None,
    text_file: File = None,
    channel: Channel = None,
    subject: Subject = None,
) -> None:
    """Keep a new text."""
    from leadtui.services import templates

    values = _values(name, text_of(text, text_file, field="text"), channel, subject)
    with office() as opened:
        _print(templates.add(opened, values), "kept")


@app.command("list")
def list_(
    channel: Channel = None,
    all_: Annotated[bool, typer.Option("--all", help="retired ones too")] = False,
) -> None:
    """List templates by name."""
    from leadtui.services import templates

    with office() as opened:
        found = templates.list_all(opened, channel=channel, retired=all_)
    emit(
        {"total": len(found), "templates": [template_json(one) for one in found]},
        lambda: (
            table(
                ("id", "name", "channel", "", "text"),
                [
                    (one.id, one.name, one.channel or "any", "" if one.is_active else "retired", one.body)
                    for one in found
                ],
                right=[0],
            )
            if found
            else "no templates"
        ),
    )


@app.command("show")
def show(template: Name) -> None:
    """Show a template."""
    from leadtui.services import templates

    with office() as opened:
        _print(templates.get(opened, template))


@app.command("preview")
def preview(
    template: Name,
    ref: Ref,
    channel: Annotated[str | None, typer.Option(metavar="NAME", help="as it would go by this channel")] = None,
) -> None:
    """Show how it reads for a lead. Sends nothing."""
    from leadtui.services import rehearsal, templates

    with office() as opened:
        row = templates.get(opened, template)
        found = rehearsal.preview(
            opened, row.body, ref, subject=row.subject, channel=channel or row.channel or "file", provider=row.provider
        )
    missing = f"lacks: {', '.join(found.missing)}" if found.missing else found.why_not
    emit(found.as_json(), lambda: "\n".join(part for part in (found.subject, found.text, missing) if part))


@app.command("edit")
def edit(
    template: Name,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="another name")] = None,
    text: Text = None,
    text_file: File = None,
    channel: Channel = None,
    subject: Subject = None,
) -> None:
    """Change a template; what was sent from it stays as it was."""
    from leadtui.services import templates

    values = _values(name, text_of(text, text_file, field="text"), channel, subject)
    if not values:
        raise UsageError("nothing to change", field="text", hint="--name, --text, --channel or --subject")
    with office() as opened:
        _print(templates.edit(opened, template, values), "changed")


@app.command("retire")
def retire(template: Name) -> None:
    """Offer it no more."""
    from leadtui.services import templates

    with office() as opened:
        _print(templates.retire(opened, template), "retired")


@app.command("restore")
def restore(template: Name) -> None:
    """Offer it again."""
    from leadtui.services import templates

    with office() as opened:
        _print(templates.restore(opened, template), "offered again")


def _values(name: str | None, text: str | None, channel: str | None, subject: str | None) -> dict[str, Any]:
    given = {"name": name, "body": text, "channel": channel, "subject": subject}
    return {key: value for key, value in given.items() if value is not None}


def template_json(row: TemplateRow) -> dict[str, Any]:
    """A template as JSON."""
    return {
        "id": row.id, "name": row.name, "channel": row.channel, "subject": row.subject, "body": row.body,
        "fields": list(row.fields), "provider": dict(row.provider) if row.provider else None,
        "is_active": row.is_active, "created_by": row.created_by, "created_at": iso_z(row.created_at),
        "updated_at": iso_z(row.updated_at),
    }  # fmt: skip


def _print(row: TemplateRow, verb: str = "") -> None:
    head = f"{verb}: " if verb else ""
    emit(template_json(row), lambda: f"{head}{row.name} ({row.id})\n" + pairs((
        ("channel", row.channel or "any"), ("subject", row.subject), ("text", row.body),
        ("", "" if row.is_active else "retired"),
    )))  # fmt: skip
