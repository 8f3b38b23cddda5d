"""What a form for a lead shows: the documents' `GET /leads/create` and `…/edit`, as data (spec AE 202, 203)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from leadtui.domain.fields import LEAD_FIELDS, LeadField
from leadtui.domain.shapes import View, field_json
from leadtui.services import leads
from leadtui.services.office import Office

from . import problems
from .answers import Answer
from .leads import LeadRef
from .requests import Acting, Route

router = APIRouter(prefix="/api/leads", tags=["leads"], route_class=Route, responses=problems.responses())


class FormField(BaseModel):
    """A field of the form. `choices`: what it may be, where that is a list; `value`: what it is, of a lead."""

    key: str
    label: str
    kind: str
    group: str
    required: bool
    visible: bool
    choices: list[str]
    max_length: int | None
    help: str
    value: Any = None


class LeadForm(BaseModel):
    """The form of a pipeline; of a lead, with its version to send back."""

    pipeline: str
    version: int | None
    fields: list[FormField]


@router.get("/create", response_model=LeadForm, summary="What a form for a new lead shows")
def new(office: Acting, pipeline: Annotated[str | None, Query(max_length=60)] = None) -> Answer:
    """The fields of a new lead, by the rules of its pipeline."""
    catalog = office.catalog
    chosen = catalog.find_pipeline(pipeline) if pipeline else catalog.default_pipeline
    return Answer({"pipeline": chosen.key, "version": None, "fields": _fields(office, chosen.key, {})})


@router.get("/{ref}/edit", response_model=LeadForm, summary="What a form for a lead shows")
def edit(office: Acting, ref: LeadRef) -> Answer:
    """The fields of a lead with their values."""
    found = leads.get(office, ref)
    pipeline = office.catalog.find_pipeline(found.row.pipeline)
    fields = _fields(office, pipeline.key, found.fields)
    return Answer({"pipeline": pipeline.key, "version": found.row.version, "fields": fields})


def _fields(office: Office, pipeline: str, values: Any) -> list[dict[str, Any]]:
    states, view = leads.field_rules(office, pipeline, values), View.of(office)
    shown: list[dict[str, Any]] = []
    for field in LEAD_FIELDS:
        if not field.editable or view.hides(field.key):
            continue
        state = states.get(field.key)
        shown.append(
            {
                "key": field.key, "label": field.label, "kind": field.kind, "group": field.group,
                "required": bool(state and state.required), "visible": state is None or state.visible,
                "choices": _choices(office, field, pipeline), "max_length": field.limit, "help": field.help,
                "value": field_json(field.key, values.get(field.key), view),
            }
        )  # fmt: skip
    return shown


def _choices(office: Office, field: LeadField, pipeline: str) -> list[str]:
    """What may be chosen for a field; nothing where anything may be typed."""
    catalog = office.catalog
    match field.lookup:
        case "user":
            return [one.login for one in catalog.users if one.is_active and one.login != "system"]
        case "branch":
            return [one.name for one in catalog.branches if one.is_active]
        case "source":
            return [one.name for one in catalog.sources if one.is_active]
        case "product":
            return [one.name for one in catalog.products if one.is_active]
        case "stage":
            stages = catalog.stages_of(catalog.find_pipeline(pipeline).id)
            return [one.name for one in stages if one.is_active and not (one.is_converted or one.is_lost)]
        case "pipeline":
            return [one.key for one in catalog.pipelines if one.is_active]
        case _:
            return list(field.choices)
