"""The options that set fields of a lead, made from one table for `lead add` and `lead edit`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer

from leadtui.cli import complete
from leadtui.domain.fields import find_field
from leadtui.errors import UsageError


@dataclass(frozen=True, slots=True)
class FieldOption:
    """One option: `--name METAVAR`, the field it sets, its line in `--help`."""

    field: str
    metavar: str
    help: str
    values: Callable[[str], list[str]] | None = None

    @property
    def name(self) -> str:
        """The option as it is typed."""
        return "--" + self.field.replace("_", "-")


FIELD_OPTIONS: Final = (
    FieldOption("phone", "PHONE", "in any spelling"),
    FieldOption("name", "NAME", "who it is"),
    FieldOption("source", "NAME", "where the lead comes from", complete.sources),
    FieldOption("package", "NAME", "the desired package", complete.packages),
    FieldOption("current_isp", "NAME", "the provider they have now"),
    FieldOption("reason", "TEXT", "why they are interested"),
    FieldOption("brought_in_by", "NAME", "who brought the lead in"),
    FieldOption("brought_in_by_contact", "PHONE", "and their phone"),
    FieldOption("installation_fee", "AMOUNT", "agreed, once"),
    FieldOption("monthly_fee", "AMOUNT", "agreed, each month"),
    FieldOption("router_type", "TEXT", "the customer's router"),
    FieldOption("follow_up", "WHEN", "such as tomorrow, +3d, fri 14:00"),
    FieldOption("priority", "WORD", "low, medium or high"),
    FieldOption("email", "ADDRESS", "electronic mail"),
    FieldOption("location", "TEXT", "area or estate"),
    FieldOption("unit_number", "TEXT", "house or door"),
    FieldOption("branch", "NAME", "the branch it belongs to", complete.branches),
)
OPTION_OF: Final[Mapping[str, str]] = {option.field: option.name for option in FIELD_OPTIONS}

_ROUTER = Annotated[bool | None, typer.Option("--has-router/--no-has-router", help="whether the customer has a router")]
_SET = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="any field, or custom.NAME", autocompletion=complete.field_names),
]


def assignments(pairs: Sequence[str] | None) -> dict[str, str]:
    """What `--set FIELD=VALUE …` says, by key of the field. Raises UsageError for one without `=`."""
    found: dict[str, str] = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"--set {pair[:60]}: write FIELD=VALUE", field="set", hint="such as --set city=Nairobi")
        _put(found, _key(name), value)
    return found


def _key(name: str) -> str:
    """The key of a field; a name that is none stays as typed, the service says so."""
    field = None if name.casefold().startswith("custom.") else find_field(name)
    return field.key if field else name.strip()


def _put(found: dict[str, str], key: str, value: str) -> None:
    if found.get(key, value) != value:
        raise UsageError(f"{key} is given twice", field=key)
    found[key] = value


def with_fields(function: Callable[..., None]) -> Callable[..., None]:
    """Give a verb every field option; it receives what was typed as `values`, by key of the field."""
    given = inspect.signature(function, eval_str=True)
    own = [p for p in given.parameters.values() if p.name != "values"]
    extra = [_parameter(option) for option in FIELD_OPTIONS]
    extra += [_keyword("has_router", _ROUTER), _keyword("set_", _SET)]

    @functools.wraps(function)
    def verb(**arguments: Any) -> None:
        values: dict[str, str] = {}
        for option in FIELD_OPTIONS:
            if (typed := arguments.pop(option.field)) is not None:
                values[option.field] = typed
        if (has_router := arguments.pop("has_router")) is not None:
            values["has_router"] = "yes" if has_router else "no"
        for key, value in assignments(arguments.pop("set_")).items():
            _put(values, key, value)
        function(values=values, **arguments)

    parameters = [*extra, *(p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own)]
    verb.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    verb.__annotations__ = {p.name: p.annotation for p in parameters}
    del verb.__wrapped__
    return verb


def _parameter(option: FieldOption) -> inspect.Parameter:
    info = typer.Option(option.name, metavar=option.metavar, help=option.help, autocompletion=option.values)
    return _keyword(option.field, Annotated[str | None, info])


def _keyword(name: str, annotation: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
