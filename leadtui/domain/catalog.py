"""The office's small tables as one frozen value: settings, pipelines, stages, sources, products, users, roles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from leadtui.errors import Invalid
from leadtui.text import fold

from .permissions import Actor, Grant


@dataclass(frozen=True, slots=True)
class Stage:
    """A status of a pipeline (spec AH3)."""

    id: int
    pipeline_id: int
    key: str
    name: str
    order: int
    rank: int
    probability: float
    color: str | None = None
    description: str | None = None
    is_default: bool = False
    is_converted: bool = False
    is_lost: bool = False
    is_parked: bool = False
    is_locked: bool = False
    is_active: bool = True
    sla_hours: int | None = None

    @property
    def is_step(self) -> bool:
        """Whether leads get further by reaching it: neither lost nor parked (a funnel's steps, spec §Z)."""
        return not self.is_lost and not self.is_parked

    @property
    def mark(self) -> str:
        """A sign that says the kind of status without colour (screens: a mark and a word)."""
        if self.is_converted:
            return "●"
        if self.is_lost:
            return "×"
        if self.is_parked:
            return "◇"
        return "○" if self.probability < 0.3 else "◐"


@dataclass(frozen=True, slots=True)
class FieldRule:
    """What a pipeline says of a field: required, optional or hidden; shown only when `visible_if` is ticked."""

    rule: str = "optional"
    visible_if: str | None = None


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline with its rules (spec AH2)."""

    id: int
    key: str
    name: str
    is_default: bool
    is_active: bool
    require_reason_on_regress: bool
    conversion_steps: tuple[str, ...]
    field_rules: Mapping[str, FieldRule]

    def rule(self, key: str) -> FieldRule:
        """The rule of field `key`; optional where the pipeline is silent."""
        return self.field_rules.get(key, FieldRule())


@dataclass(frozen=True, slots=True)
class Item:
    """A source, branch, team or lost reason: an id, a name, other spellings."""

    id: int
    name: str
    key: str = ""
    aliases: tuple[str, ...] = ()
    is_active: bool = True
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Product:
    """A package or other product; `profile` is its name on routers, unless pushed there under another (spec AH4).

    Money in minor units. `upload_bps`, `download_bps` in bits a second as the customer sees them. `addressing`:
    dynamic (by the profile's pool) · fixed (an address of its own) · queue (fixed, with a simple queue for its speed).
    """

    id: int
    kind: str
    name: str
    price_minor: int | None
    install_minor: int | None
    profile: str | None
    speed: str | None
    is_active: bool
    upload_bps: int | None = None
    download_bps: int | None = None
    pool: str | None = None
    gateway: str | None = None
    addressing: str = "dynamic"


@dataclass(frozen=True, slots=True)
class UserItem:
    """A user as others see him."""

    id: int
    login: str
    name: str
    role: str
    role_id: int
    branch_id: int | None
    team_id: int | None
    os_account: str | None
    phone: str | None
    email: str | None
    is_active: bool
    is_available: bool
    timezone: str | None = None
    """The zone of this person's reminders and days; the office's without one (spec AJ29)."""
    working_hours: str | None = None
    """When this person works, as the setting `working_hours` is written; the office's without it."""
    service_areas: tuple[str, ...] = ()
    """Places this person serves, as typed; the office serves those of all together where it says none itself."""
    specializations: tuple[str, ...] = ()
    """Property types and packages this person knows, as typed."""
    languages: tuple[str, ...] = ()
    min_price_minor: int | None = None
    max_price_minor: int | None = None
    """The budgets this person works with, in minor units."""
    capacity: int | None = None
    """So many open leads at most are given to this person by themselves."""


@dataclass(frozen=True, slots=True)
class RoleItem:
    """A role with its grants by action."""

    id: int
    key: str
    name: str
    grants: Mapping[str, Grant]
    hidden_fields: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Catalog:
    """Everything small that rules and names are looked up in. Read once, and again when its version moves."""

    version: int
    settings: Mapping[str, Any]
    pipelines: tuple[Pipeline, ...]
    stages: tuple[Stage, ...]
    sources: tuple[Item, ...]
    products: tuple[Product, ...]
    branches: tuple[Item, ...]
    teams: tuple[Item, ...]
    lost_reasons: tuple[Item, ...]
    users: tuple[UserItem, ...]
    roles: tuple[RoleItem, ...]

    # -- settings ------------------------------------------------------------------------------------------------
    @property
    def country(self) -> str:
        """The region phones are read in, such as KE."""
        return str(self.settings.get("country", "KE"))

    @property
    def currency(self) -> str:
        """The one currency, such as KES."""
        return str(self.settings.get("currency", "KES"))

    @cached_property
    def tz(self) -> ZoneInfo:
        """The office's time zone."""
        return ZoneInfo(str(self.settings.get("timezone", "Africa/Nairobi")))

    def zone_of(self, user_id: int | None) -> ZoneInfo:
        """The zone of a user's own days and reminders: the office's unless he has another (spec AG11, AJ29)."""
        user = self.user_by_id.get(user_id or 0)
        return ZoneInfo(user.timezone) if user is not None and user.timezone else self.tz

    @property
    def office_id(self) -> str:
        """What tells this office's users on a router from those of another database; never changes."""
        return str(self.settings.get("office_id", ""))

    @property
    def phone_unique(self) -> str:
        """`block`, `warn` or `off` (spec AG5)."""
        return str(self.settings.get("phone_unique", "block"))

    # -- by id ---------------------------------------------------------------------------------------------------
    @cached_property
    def stage_by_id(self) -> dict[int, Stage]:
        """Stages by id."""
        return {s.id: s for s in self.stages}

    @cached_property
    def pipeline_by_id(self) -> dict[int, Pipeline]:
        """Pipelines by id."""
        return {p.id: p for p in self.pipelines}

    @cached_property
    def source_by_id(self) -> dict[int, Item]:
        """Sources by id."""
        return {s.id: s for s in self.sources}

    @cached_property
    def product_by_id(self) -> dict[int, Product]:
        """Products by id."""
        return {p.id: p for p in self.products}

    @cached_property
    def branch_by_id(self) -> dict[int, Item]:
        """Branches by id."""
        return {b.id: b for b in self.branches}

    @cached_property
    def user_by_id(self) -> dict[int, UserItem]:
        """Users by id."""
        return {u.id: u for u in self.users}

    @cached_property
    def role_by_id(self) -> dict[int, RoleItem]:
        """Roles by id."""
        return {r.id: r for r in self.roles}

    @cached_property
    def default_pipeline(self) -> Pipeline:
        """The pipeline of a lead that names none."""
        active = [p for p in self.pipelines if p.is_active] or list(self.pipelines)
        return next((p for p in active if p.is_default), active[0])

    def stage_ids_that_are(self, word: str) -> list[int]:
        """Of all pipelines, the statuses of leads that are `converted`, `lost`, `active` (neither) or `parked`."""
        match word:
            case "converted":
                return [s.id for s in self.stages if s.is_converted]
            case "lost":
                return [s.id for s in self.stages if s.is_lost]
            case "parked":
                return [s.id for s in self.stages if s.is_parked]
            case "active":
                return [s.id for s in self.stages if not s.is_converted and not s.is_lost]
        raise KeyError(word)

    def stages_of(self, pipeline_id: int) -> list[Stage]:
        """The stages of a pipeline in their order."""
        return sorted((s for s in self.stages if s.pipeline_id == pipeline_id), key=lambda s: s.order)

    def default_stage(self, pipeline_id: int) -> Stage:
        """The status of a new lead (spec E 48)."""
        stages = self.stages_of(pipeline_id)
        return next((s for s in stages if s.is_default), stages[0])

    # -- by name: what a person types -----------------------------------------------------------------------------
    def find_pipeline(self, text: str, *, field: str = "pipeline") -> Pipeline:
        """The pipeline named `text`. Raises Invalid naming the choices."""
        wanted = _word(text)
        for p in self.pipelines:
            if wanted in (_word(p.key), _word(p.name)):
                return p
        raise _unknown("pipeline", text, [p.key for p in self.pipelines], field)

    def find_stage(self, text: str, pipeline_id: int, *, field: str = "status") -> Stage:
        """The status named `text` in a pipeline. Raises Invalid naming the choices."""
        stages = self.stages_of(pipeline_id)
        wanted = _word(text)
        for s in stages:
            if wanted in (_word(s.key), _word(s.name)):
                return s
        raise _unknown("status", text, [s.name for s in stages if s.is_active], field)

    def find_stages(self, text: str) -> list[Stage]:
        """Every stage of any pipeline named `text` (filters); empty if none."""
        wanted = _word(text)
        return [s for s in self.stages if wanted in (_word(s.key), _word(s.name))]

    def find_source(self, text: str, *, field: str = "source") -> Item:
        """The source named `text`, by name, key or alias (spec AG10). Raises Invalid naming the choices."""
        wanted = _word(text)
        for s in self.sources:  # a name goes before the key that another one kept
            if wanted == _word(s.name):
                return s
        for s in self.sources:
            if wanted in (_word(s.key), *map(_word, s.aliases)):
                return s
        raise _unknown("source", text, [s.name for s in self.sources if s.is_active], field)

    def find_product(self, text: str, *, field: str = "package") -> Product:
        """The package or product named `text`. Raises Invalid naming the choices."""
        wanted = _word(text)
        for p in self.products:
            if wanted == _word(p.name):
                return p
        raise _unknown("package", text, [p.name for p in self.products if p.is_active], field)

    def find_branch(self, text: str, *, field: str = "branch") -> Item:
        """The branch named `text`. Raises Invalid naming the choices."""
        return _find_item("branch", text, self.branches, field)

    def find_lost_reason(self, text: str) -> Item | None:
        """The counted lost reason whose name is `text`, or None: free text is as good."""
        wanted = _word(text)
        return next((r for r in self.lost_reasons if _word(r.name) == wanted), None)

    def find_user(self, text: str, *, field: str = "assigned_to") -> UserItem:
        """The user with this login (or full name, if only one has it). Raises Invalid."""
        wanted = fold(text.strip())
        for u in self.users:
            if fold(u.login) == wanted:
                return u
        named = [u for u in self.users if fold(u.name) == wanted]
        if len(named) == 1:
            return named[0]
        raise _unknown("user", text, [u.login for u in self.users if u.is_active and u.login != "system"], field)

    def find_role(self, text: str, *, field: str = "role") -> RoleItem:
        """The role named `text`. Raises Invalid naming the choices."""
        wanted = _word(text)
        for r in self.roles:
            if wanted in (_word(r.key), _word(r.name)):
                return r
        raise _unknown("role", text, [r.key for r in self.roles], field)

    def actor_for(self, user: UserItem, *, is_owner: bool = False) -> Actor:
        """The actor that `user` is, with the grants of the role as they stand now."""
        role = self.role_by_id[user.role_id]
        team = tuple(u.id for u in self.users if user.team_id is not None and u.team_id == user.team_id)
        return Actor(
            user_id=user.id,
            login=user.login,
            name=user.name,
            role=role.key,
            branch_id=user.branch_id,
            team_id=user.team_id,
            team_user_ids=team or (user.id,),
            grants=role.grants,
            hidden_fields=role.hidden_fields,
            is_owner=is_owner,
        )


def _word(text: str) -> str:
    """A name as compared: folded, `_` and `-` as blanks."""
    return " ".join(fold(text).replace("_", " ").replace("-", " ").split())


def _find_item(noun: str, text: str, items: tuple[Item, ...], field: str) -> Item:
    wanted = _word(text)
    for item in items:
        if wanted in (_word(item.name), _word(item.key)):
            return item
    raise _unknown(noun, text, [i.name for i in items if i.is_active], field)


def _unknown(noun: str, text: str, choices: list[str], field: str) -> Invalid:
    shown = ", ".join(choices[:12]) + (" …" if len(choices) > 12 else "")
    hint = f"one of: {shown}" if choices else f"no {noun} exists yet: add one first"
    return Invalid(f"there is no {noun} '{text}'", field=field, hint=hint)
