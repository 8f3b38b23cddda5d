"""Rows of texts to rows of columns, before any transaction: each text through `lead_values`, all errors kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from leadtui.domain import phones
from leadtui.domain.catalog import Catalog
from leadtui.domain.csv_dates import day_first, to_iso
from leadtui.domain.csv_mapping import AGE_STATED, HISTORY, HeaderMap
from leadtui.domain.csv_text import Record, unguard
from leadtui.domain.dates import parse_when
from leadtui.domain.fields import BY_KEY, LeadField
from leadtui.errors import Invalid
from leadtui.services.lead_values import (
    PERSON_NAME,
    PERSON_PHONE,
    TAGS,
    ValueContext,
    custom_value,
    parse_value,
)
from leadtui.text import clean_block, fold

_MEMO_LIMIT = 50_000
_UNIQUE = frozenset({"name", "email", "passport", "national_id", "address", "remarks", "reason"})

Parsed = dict[str, Any] | Invalid
Parser = Callable[[str], Parsed]


@dataclass(frozen=True, slots=True)
class RowError:
    """Why a row was refused: its line in the file, the field (None: the row as a whole), the reason."""

    line: int
    field: str | None
    message: str
    hint: str | None = None

    def as_json(self) -> dict[str, Any]:
        """As the result lists it."""
        return {"line": self.line, "field": self.field, "error": self.message, "hint": self.hint}


@dataclass(slots=True)
class Prepared:
    """One row: the columns its cells mean (only cells that hold something), and what belongs to other tables."""

    record: Record
    columns: dict[str, Any]
    tags: tuple[str, ...] = ()
    custom: dict[str, str] | None = None
    history: dict[str, Any] | None = None
    errors: list[RowError] = field(default_factory=list)

    def keys(self) -> list[tuple[str, str]]:
        """What makes it the same person as another, in order (facts/field §3); a name alone only where nothing else."""
        get = self.columns.get
        found = [(kind, value) for kind, column in _KEYS if (value := get(column))]
        if not found and (name := get("name")):
            found.append(("name", fold(name)))
        return found

    def fail(self, error: Invalid, field_: str | None = None) -> None:
        """Note one more error."""
        self.errors.append(RowError(self.record.line, error.field or field_, error.message, error.hint))


_KEYS = (
    ("phone", "phone_e164"), ("phone", "alt_phone_e164"), ("email", "email_norm"),
    ("national_id", "national_id_norm"), ("passport", "passport_norm"),
)  # fmt: skip


class Preparer:
    """Turns the records of one file into `Prepared` rows; remembers what it has parsed."""

    def __init__(self, headers: HeaderMap, records: Sequence[Record], ctx: ValueContext, *, guarded: bool) -> None:
        """`guarded`: cells may carry the apostrophe of a CSV export."""
        self.warnings: list[str] = []
        self.unlikely_phones = 0
        self._ctx = ctx
        self._catalog: Catalog = ctx.catalog
        self._guarded = guarded
        self._width = len(headers.columns)
        self._headers = headers
        targets = headers.targets
        self._pipeline = targets.pop("pipeline", None)
        self._status = targets.pop("status", None)
        self._statuses: dict[tuple[int, str], Parsed] = {}
        self._age_born = (targets.get("date_of_birth"), targets.pop(AGE_STATED, None))
        self._isos: dict[str, Callable[[str], str]] = {}
        self._plan = [(target, cells, self._parser(target, cells, records)) for target, cells in targets.items()]
        self._joins = {target: headers.join(target) for target in targets}
        self._pipelines: dict[str, Parsed] = {}

    # -- one parser per field ------------------------------------------------------------------------------------
    def _parser(self, target: str, cells: Sequence[int], records: Sequence[Record]) -> Parser:
        if target.startswith("custom."):
            name = target.removeprefix("custom.")
            return lambda text: {target: custom_value(name, text)}
        f = BY_KEY[target]
        if target in HISTORY:
            return self._history_parser(f, self._dates(target, cells, records))
        if f.kind == "phone" and target != "brought_in_by_contact":
            return self._phone_parser(target)
        if f.kind in ("date", "when"):
            iso = self._dates(target, cells, records)
            return _remembering(lambda text: parse_value(f, iso(text), self._ctx))
        if target in _UNIQUE:
            return lambda text: parse_value(f, text, self._ctx)
        return _remembering(lambda text: parse_value(f, text, self._ctx))

    def _phone_parser(self, target: str) -> Parser:
        country, e164, raw, parse = self._catalog.country, f"{target}_e164", f"{target}_raw", phones.parse

        def read(text: str) -> Parsed:
            phone = parse(text, country, field=target)
            if not phone.is_valid:
                self.unlikely_phones += 1
            return {e164: phone.e164, raw: phone.raw}

        return read

    def _dates(self, target: str, cells: Sequence[int], records: Sequence[Record]) -> Callable[[str], str]:
        """How this column writes dates, said aloud where it had to be guessed."""
        texts = (r.cells[i] for r in records for i in cells if i < len(r.cells))
        first, guessed = day_first(texts, country=self._catalog.country)
        if guessed:
            order = "day/month" if first else "month/day"
            self.warnings.append(f"dates such as 03/04/2026 in '{self._header(cells[0])}' were read as {order}/year")
        born = target == "date_of_birth"
        self._isos[target] = lambda text: to_iso(text, day_is_first=first, born=born)
        return self._isos[target]

    def _header(self, index: int) -> str:
        return self._headers.columns[index].header

    def _history_parser(self, f: LeadField, iso: Callable[[str], str]) -> Parser:
        key = f"@{f.key}"
        if f.kind != "when":
            return lambda text: {key: clean_block(text, field=f.key, limit=f.limit or 4000)}

        def read(text: str) -> Parsed:
            at = parse_when(iso(text), tz=self._catalog.tz, now=self._ctx.now, field=f.key).at
            if at > self._ctx.now:
                raise Invalid(f"{f.label.lower()} lies ahead", field=f.key, hint="a day that has been")
            return {key: at}

        return _remembering(read)

    # -- rows -----------------------------------------------------------------------------------------------------
    def row(self, record: Record) -> Prepared:
        """One row; never raises for what stands in it."""
        columns: dict[str, Any] = {}
        done = Prepared(record, columns)
        cells = record.cells
        if record.error is not None or (len(cells) > self._width and any(map(str.strip, cells[self._width :]))):
            done.errors.append(self._unreadable(record))
            return done
        count, guarded = len(cells), self._guarded
        for target, indexes, parse in self._plan:
            if len(indexes) == 1:
                index = indexes[0]
                text = cells[index] if index < count else ""
                if guarded and text[:1] == "'":
                    text = unguard(text)
            else:
                text = self._text(cells, indexes, target)
            if not text or text.isspace():
                continue
            try:
                found = parse(text)
            except Invalid as error:
                found = error
            if isinstance(found, dict):
                columns.update(found)
            else:
                done.fail(found, target)
        self._stage(done, cells)
        self._elsewhere(done, cells)
        return done

    def _text(self, cells: Sequence[str], indexes: Sequence[int], target: str) -> str:
        if len(indexes) == 1:
            index = indexes[0]
            text = cells[index] if index < len(cells) else ""
            return unguard(text) if self._guarded and text[:1] == "'" else text
        texts = [t for i in indexes if i < len(cells) and (t := cells[i]).strip()]
        if self._guarded:
            texts = [unguard(t) for t in texts]
        match self._joins.get(target, "first"):
            case "words":
                return " ".join(t.strip() for t in texts)
            case "lines":
                return "\n".join(texts)
            case _:
                return texts[0] if texts else ""

    def texts(self, record: Record) -> dict[str, str]:
        """The row as `leads.edit_row` takes it: field → text, only cells that hold something; dates made ISO."""
        plan = [(target, cells) for target, cells, _ in self._plan if target not in HISTORY]
        plan += [(key, cells) for key, cells in (("status", self._status), ("pipeline", self._pipeline)) if cells]
        found = {target: self._text(record.cells, cells, target).strip() for target, cells in plan}
        return {key: self._isos[key](text) if key in self._isos else text for key, text in found.items() if text}

    def _unreadable(self, record: Record) -> RowError:
        if record.error is not None:
            return RowError(record.line, None, record.error, "mend this line")
        return RowError(
            record.line, None, f"the row has {len(record.cells)} cells, the headings are {self._width}",
            "a cell with a comma in it needs quotes",
        )  # fmt: skip

    def _stage(self, done: Prepared, cells: Sequence[str]) -> None:
        """The pipeline, and the status that it knows."""
        pipeline_id = self._ctx.pipeline_id
        if self._pipeline and (text := self._text(cells, self._pipeline, "pipeline")).strip():
            found = self._pipelines.get(text)
            if found is None:
                found = self._pipelines[text] = _caught(lambda: parse_value(BY_KEY["pipeline"], text, self._ctx))
            if isinstance(found, Invalid):
                done.fail(found)
                return
            done.columns.update(found)
            pipeline_id = found["pipeline_id"]
        if self._status and (text := self._text(cells, self._status, "status")).strip():
            stage = self._statuses.get((pipeline_id, text))
            if stage is None:
                ctx = ValueContext(self._catalog, self._ctx.actor, self._ctx.now, pipeline_id)
                stage = _caught(lambda: parse_value(BY_KEY["status"], text, ctx))
                self._statuses[pipeline_id, text] = stage
            if isinstance(stage, Invalid):
                done.fail(stage)
            else:
                done.columns.update(stage)

    def _elsewhere(self, done: Prepared, cells: Sequence[str]) -> None:
        """What `columns` holds for other tables goes where it belongs."""
        columns = done.columns
        if TAGS in columns:
            done.tags = columns.pop(TAGS)
        if self._age_born[1] and not columns.get("date_of_birth"):
            age = self._text(cells, self._age_born[1], AGE_STATED).strip()
            if age:
                columns[AGE_STATED] = age[:20]
        elsewhere = [key for key in columns if key[0] == "@" or key[:7] == "custom."]
        for key in elsewhere:
            if key in (PERSON_NAME, PERSON_PHONE):
                continue
            value = columns.pop(key)
            if key[0] == "@":
                done.history = {**(done.history or {}), key[1:]: value}
            elif value:
                done.custom = {**(done.custom or {}), key[7:]: value}


def _caught(parse: Callable[[], Parsed]) -> Parsed:
    try:
        return parse()
    except Invalid as error:
        return error


def _remembering(parse: Parser) -> Parser:
    """`parse` that answers a text it has seen from memory, refusals too."""
    seen: dict[str, Parsed] = {}

    def read(text: str) -> Parsed:
        found = seen.get(text)
        if found is None:
            found = _caught(lambda: parse(text))
            if len(seen) < _MEMO_LIMIT:
                seen[text] = found
        return found

    return read
