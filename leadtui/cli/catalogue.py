"""The small tables of the office (packages, sources, statuses, pipelines, tags, branches, people): one factory."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer

from leadtui.cli import board, complete, tree
from leadtui.cli.context import office, warn
from leadtui.cli.output import emit
from leadtui.errors import UsageError

Completer = Callable[[str], list[str]]


@dataclass(frozen=True, slots=True)
class Value:
    """An option of `add` and `edit`: `--key`, given to the service under `field` (else its key)."""

    key: str
    metavar: str
    help: str
    flag: bool = False
    field: str = ""

    @property
    def name(self) -> str:
        """The option as it is typed."""
        option = "--" + self.key.replace("_", "-")
        return f"{option}/--no-{option[2:]}" if self.flag else option


@dataclass(frozen=True, slots=True)
class Noun:
    """One table: its words, its options, how its names are completed, whether it belongs to a pipeline."""

    name: str
    plural: str
    help: str
    values: tuple[Value, ...]
    names: Completer | None = None
    of_pipeline: bool = False
    columns: tuple[str, ...] | None = None
    """What a list shows of each as text; all that it has when left out."""

    @property
    def key(self) -> str:
        """What the services call it."""
        return self.name.replace("-", "_")


_NAME = Value("name", "NAME", "what it is called")
NOUNS: Final = (
    Noun("package", "packages", "Packages that leads are interested in", (
        _NAME,
        Value("monthly", "AMOUNT", "price per month"),
        Value("installation", "AMOUNT", "price of the installation"),
        Value("profile", "NAME", "the profile on routers; see: leadtui package push"),
        Value("speed", "TEXT", "such as 20 Mbps"),
        Value("upload", "RATE", "what the customer can send, such as 5M or 512k"),
        Value("download", "RATE", "what the customer can receive, such as 20M"),
        Value("pool", "NAME", "the address pool on routers"),
        Value("gateway", "ADDRESS", "the router's own address towards customers"),
        Value("addressing", "dynamic|fixed|queue", "an address of the pool, one of its own, or also a simple queue"),
        Value("kind", "WORD", "package, insurance, unit, property or tour"),
    ), complete.packages),
    Noun("source", "sources", "Where leads come from", (
        _NAME,
        Value("alias", "NAME,NAME", "other spellings of the same source", field="aliases"),
        Value("description", "TEXT", "what it is"),
        Value("order", "N", "its place in lists"),
        Value("cost", "AMOUNT", "what it costs"),
    ), complete.sources),
    Noun("status", "statuses", "The statuses of a pipeline", (
        _NAME,
        Value("order", "N", "its place"),
        Value("probability", "0-1", "how likely a lead here is to convert"),
        Value("description", "TEXT", "what it means"),
        Value("color", "NAME", "how it is shown"),
        Value("sla_hours", "N", "hours a lead may stay here before it counts as rotting"),
        Value("default", "", "new leads begin here", flag=True, field="is_default"),
        Value("converted", "", "leads here are customers", flag=True, field="is_converted"),
        Value("lost", "", "leads here are lost", flag=True, field="is_lost"),
        Value("parked", "", "leads here wait: neither active nor lost", flag=True, field="is_parked"),
    ), complete.statuses, of_pipeline=True),
    Noun("pipeline", "pipelines", "Pipelines: the ways from first contact to customer", (
        _NAME,
        Value("require_reason", "", "a move backwards needs a reason", flag=True,
              field="require_reason_on_regress"),
        Value("default", "", "new leads belong to it", flag=True, field="is_default"),
    ), complete.pipelines),
    Noun("quick-log", "quick_logs", "One-key outcomes: what work mode and lead log --quick write", (
        _NAME,
        Value("order", "N", "its place, and its key"),
        Value("type", "TYPE", "call, email, meeting, site_visit, whatsapp, sms, note, quotation or other"),
        Value("outcome", "WORD", "positive, neutral, negative, follow_up or no_answer"),
        Value("subject", "TEXT", "what stands on the timeline"),
        Value("delay", "4h|2d", "the next follow-up, so long from now, in working hours"),
        Value("context", "WORD", "or by the rule of this context; see the setting follow_up_delays"),
        Value("next_action", "TEXT", "what is to be done then"),
        Value("ask", "when|reason|note", "what is asked before it is written"),
        Value("status", "STATUS", "where the lead goes, if that is ahead"),
    ), complete.quick_logs, of_pipeline=True),
    Noun("tag", "tags", "Tags on leads", (_NAME,), complete.tags),
    Noun("branch", "branches", "The branches of the organisation", (
        _NAME, Value("organization", "NAME", "the organisation it belongs to"),
    ), complete.branches),
    Noun("person", "people", "People who bring leads in, and who are no users", (
        _NAME, Value("phone", "PHONE", "in any spelling"),
    )),
)  # fmt: skip


def _typed(noun: Noun, given: Mapping[str, Any]) -> dict[str, str]:
    """What was given, as text under the service's names; what was not given is left out."""
    fields = {value.key: value.field or value.key for value in noun.values}
    return {
        fields.get(key, key): ("yes" if value else "no") if isinstance(value, bool) else str(value)
        for key, value in given.items()
        if value is not None
    }


def _signature(function: Callable[..., None], parameters: list[inspect.Parameter], doc: str) -> Callable[..., None]:
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    function.__annotations__ = {p.name: p.annotation for p in parameters}
    function.__doc__ = doc
    return function


def _keyword(name: str, annotation: Any, default: Any = None) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _options(noun: Noun, *, name_required: bool) -> list[inspect.Parameter]:
    found = []
    for value in noun.values:
        info = typer.Option(value.name, metavar=value.metavar or None, help=value.help, show_default=False)
        if value.key == "name" and name_required:
            found.append(_keyword("name", Annotated[str, info], inspect.Parameter.empty))
        else:
            kind: Any = bool | None if value.flag else str | None
            found.append(_keyword(value.key, Annotated[kind, info]))
    return found


def _pipeline_option(help_: str) -> inspect.Parameter:
    info = typer.Option("--pipeline", metavar="KEY", help=help_, autocompletion=complete.pipelines)
    return _keyword("pipeline", Annotated[str | None, info])


def _ref(noun: Noun) -> inspect.Parameter:
    info = typer.Argument(metavar=noun.name.upper(), help="its name or id", autocompletion=noun.names)
    return _keyword("ref", Annotated[str, info], inspect.Parameter.empty)


def _show_one(record: Mapping[str, Any], noun: Noun, verb: str) -> None:
    if noun.name == "package":
        from leadtui.domain.packages import package_warnings

        for sentence in package_warnings(record):
            warn(sentence)
    emit(dict(record), f"{verb} {noun.name} {record.get('name', '')}".rstrip())


def make(noun: Noun, *, switched: bool = False) -> typer.Typer:
    """The verbs of a noun. One that is `switched` is enabled and disabled, others are retired."""
    app = tree.noun(noun.help)
    to_pipeline = [_pipeline_option("to this pipeline instead of the default")] if noun.of_pipeline else []
    pipeline = [_pipeline_option("of this pipeline only")] if noun.of_pipeline else []

    def add(**arguments: Any) -> None:
        from leadtui.services import admin

        preset = arguments.pop("preset", None)
        with office() as opened:
            if preset is not None:
                if any(value is not None for value in arguments.values()):
                    raise UsageError("--preset goes alone", field="preset")
                _show_one(admin.add_preset(opened, preset), noun, "added")
                return
            if arguments.get("name") is None:
                raise UsageError("--name is missing", field="name", code="missing_option")
            _show_one(admin.add(opened, noun.key, _typed(noun, arguments)), noun, "added")

    def edit(ref: str, **arguments: Any) -> None:
        from leadtui.services import admin

        pipeline = arguments.pop("pipeline", None)
        values = _typed(noun, arguments)
        if not values:
            raise UsageError("nothing to change", field="name", code="missing_option", hint="see --help")
        with office() as opened:
            _show_one(admin.edit(opened, noun.key, ref, values, pipeline=pipeline), noun, "changed")

    def retire(ref: str, back: bool, **arguments: Any) -> None:
        from leadtui.services import admin

        with office() as opened:
            record = admin.retire(opened, noun.key, ref, pipeline=arguments.get("pipeline"), active=back)
        _show_one(record, noun, "took back" if back else "retired")

    def list_(active: bool, **arguments: Any) -> None:
        from leadtui.cli.render import records_text
        from leadtui.services import admin

        with office() as opened:
            found = admin.items(opened, noun.key, include_retired=not active, pipeline=arguments.get("pipeline"))
        emit({"total": len(found), noun.plural: found}, lambda: records_text(found, noun.columns))

    preset_option = typer.Option("--preset", metavar="NAME", help="all of a preset", autocompletion=complete.presets)
    more = [_keyword("preset", Annotated[str | None, preset_option])] if noun.name == "pipeline" else []
    adding = [*_options(noun, name_required=noun.name != "pipeline"), *to_pipeline, *more]
    active_info = typer.Option("--active", help="without the retired ones")
    back = _keyword("back", Annotated[bool, typer.Option("--back", help="offer it again")], False)
    app.command("add")(_signature(add, adding, f"Add a {noun.name}."))
    app.command("list")(
        _signature(list_, [_keyword("active", Annotated[bool, active_info], False), *pipeline], f"List {noun.plural}.")
    )
    app.command("edit")(
        _signature(edit, [_ref(noun), *_options(noun, name_required=False), *pipeline], f"Change a {noun.name}.")
    )
    if switched:
        for verb, doc in (("enable", f"Let a {noun.name} work again."), ("disable", f"Let a {noun.name} rest.")):
            app.command(verb)(_signature(_switch(noun, verb), [_ref(noun), *pipeline], doc))
        return app
    app.command("retire")(
        _signature(retire, [_ref(noun), back, *pipeline], f"Offer a {noun.name} no longer; what has it keeps it.")
    )
    return app


def _switch(noun: Noun, verb: str) -> Callable[..., None]:
    def switch(ref: str, **arguments: Any) -> None:
        from leadtui.services import admin

        active = verb == "enable"
        with office() as opened:
            record = admin.retire(opened, noun.key, ref, pipeline=arguments.get("pipeline"), active=active)
        _show_one(record, noun, f"{verb}d")

    return switch


apps: Final = {noun.name: make(noun) for noun in NOUNS}
apps["pipeline"].command("show")(board.show)
