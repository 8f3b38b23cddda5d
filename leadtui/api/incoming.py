"""What comes in without anybody at work: forms, behaviour, bookings (spec §O, §S). Kept; the worker applies it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Header, Query, Request
from fastapi import Path as InPath
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from leadtui.domain.dates import iso_z, parse_when
from leadtui.domain.permissions import verb
from leadtui.errors import Invalid, LeadtuiError, NotPermitted, UsageError
from leadtui.services import forms, inbox
from leadtui.services.office import Office
from leadtui.text import scrub

from . import problems, shapes
from .answers import Answer
from .leads import Values
from .requests import Acting, Body, House, MaybeActing, Ref, Route, address_of, read_json

router = APIRouter(prefix="/api", tags=["what comes in"], route_class=Route, responses=problems.responses(429))

FormName = Annotated[str, InPath(max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
Key = Annotated[str | None, Query(max_length=100, description="the form's public key; else a token")]
_KEY_FIELD = "_key"
_MOST_FIELDS = 200


def _must(office: Office, action: str) -> int:
    """The acting user's id. Raises NotPermitted without the right, before anything is kept."""
    if not office.actor.may(action):
        raise NotPermitted(f"you may not {verb(action, many=True)}", hint="another role may")
    return office.user_id


# -- forms ------------------------------------------------------------------------------------------------------------
@router.post(
    "/intake/form/{name}", response_model=shapes.Kept, status_code=202, summary="A website's form",
    openapi_extra={"requestBody": {"required": True, "content": {
        kind: {"schema": {"type": "object", "additionalProperties": True}}
        for kind in ("application/json", "application/x-www-form-urlencoded")
    }}},
    responses={202: {"description": "kept"}, 303: {"description": "kept; on to the form's own page"},
               415: {"model": problems.Problems, "description": "neither JSON nor a plain form"}},
)  # fmt: skip
async def take_form(
    request: Request,
    house: House,
    office: MaybeActing,
    name: FormName,
    key: Key = None,
    idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
) -> Response:
    """Names of fields are those of a lead, by any of their names; what is none is kept as a note.

    A public key names a form of `leadtui form`; with a token any name will do. The same form twice is taken once.
    """
    values = _form_values(request.headers.get("content-type", ""), await request.body())
    origin = request.headers.get("origin")
    given_key = key or (str(values.pop(_KEY_FIELD)) if values.get(_KEY_FIELD) else None)
    address = address_of(request)

    def keep() -> tuple[forms.Form | None, bool]:
        if office is None and given_key is None:
            raise NotPermitted("a key or a token is needed", code="no_token", hint="…/form/NAME?key=KEY")
        form = forms.find(house, name, given_key or "") if office is None else None
        by = None if office is None else _must(office, "create")
        return form, forms.take(house, name, values, form=form, by=by, ref=idempotency_key, address=address)

    form: forms.Form | None = None
    try:
        form, is_new = await run_in_threadpool(keep)
    except LeadtuiError as error:
        answer: Response = problems.answer(error)
    else:
        plain = "application/x-www-form-urlencoded" in request.headers.get("content-type", "")
        if form is not None and form.redirect and plain:
            answer = RedirectResponse(form.redirect, 303)
        else:
            answer = Answer({"accepted": True, "new": int(is_new)}, 202)
    if form is not None and origin and origin.casefold() in form.origins:
        answer.headers.update({"Access-Control-Allow-Origin": origin, "Vary": "Origin"})
    return answer


@router.options("/intake/form/{name}", include_in_schema=False)
def may_post_form(request: Request, house: House, name: FormName, key: Key = None) -> Response:
    """A browser asks whether a script of another website may post this form."""
    origin, headers = request.headers.get("origin", ""), {"Vary": "Origin", "Allow": "POST, OPTIONS"}
    form = forms.find(house, name, key or "")
    if origin.casefold() in form.origins:
        headers |= {
            "Access-Control-Allow-Origin": origin, "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": "Content-Type, Idempotency-Key", "Access-Control-Max-Age": "600",
        }  # fmt: skip
    return Response(status_code=204, headers=headers)


def _form_values(kind: str, body: bytes) -> dict[str, Any]:
    """What a form holds. Raises UsageError, Invalid."""
    media = kind.partition(";")[0].strip().casefold()
    if media == "application/json":
        try:
            values = read_json(body)
        except json.JSONDecodeError:
            raise UsageError("the body is no JSON", field="body") from None
        if not isinstance(values, dict):
            raise Invalid("the body is an object of fields", field="body")
    elif media in {"application/x-www-form-urlencoded", ""}:
        try:
            pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
        except ValueError:
            raise Invalid(f"a form has at most {_MOST_FIELDS} fields", field="body") from None
        values = {}
        for name, text in pairs:
            before = values.get(scrub(name))
            values[scrub(name)] = scrub(text) if before is None else f"{before}, {scrub(text)}"
    else:
        raise UsageError("send JSON or a plain form", code="media_type", field="Content-Type")
    if len(values) > _MOST_FIELDS:
        raise Invalid(f"a form has at most {_MOST_FIELDS} fields", field="body")
    return values


# -- behaviour --------------------------------------------------------------------------------------------------------
class EventBody(Body):
    """Something a lead did elsewhere. `external_ref` is what the teller calls it: told twice, it counts once."""

    lead: Ref = Field(description="a lead's number, id, phone or email")
    event: Annotated[str, Field(min_length=1, max_length=40, examples=["property_view", "email_open"])]
    metadata: dict[str, Any] | None = None
    at: Annotated[str, Field(max_length=60)] | None = None
    external_ref: Annotated[str, Field(min_length=1, max_length=100)] | None = None


class EventsBody(Body):
    """Several at once."""

    events: Annotated[list[EventBody], Field(min_length=1, max_length=500)]


@router.post("/events", response_model=shapes.Kept, status_code=202, summary="What leads did elsewhere")
def take_events(office: Acting, house: House, body: EventBody | EventsBody) -> Answer:
    """Views, searches, opened mails …: the worker counts them and looks whether a trigger goes off."""
    by = _must(office, "log")
    told = body.events if isinstance(body, EventsBody) else [body]
    rows = [_event(office, one) for one in told]
    new = inbox.store_many(house, "behaviour", [(key, "event", payload) for key, payload in rows], by=by)
    return Answer({"accepted": True, "new": new}, 202)


def _event(office: Office, one: EventBody) -> tuple[str, Mapping[str, Any]]:
    from leadtui import clock

    now = clock.now()
    at = parse_when(one.at, tz=office.tz, now=now, field="at").at if one.at else now
    payload: dict[str, Any] = {
        "lead": one.lead, "event": one.event, "metadata": one.metadata, "at": min(at, now).isoformat(),
        "external_ref": one.external_ref,
    }  # fmt: skip
    if one.external_ref:
        return one.external_ref, payload
    said = json.dumps([one.lead, one.event, one.metadata, iso_z(at) if one.at else now.isoformat()], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest(), payload


# -- bookings ---------------------------------------------------------------------------------------------------------
@router.post("/bookings", response_model=shapes.Kept, status_code=202, summary="A booking of another program")
def take_booking(office: Acting, house: House, body: Values) -> Answer:
    """`ref` is its number there; the other keys are fields of the lead it is for, by any of their names.

    It is linked to the lead that is there, or makes one; the same `ref` again is the same booking.
    """
    by = _must(office, "create")
    values = dict(body)
    ref = values.pop("ref", None)
    if isinstance(ref, bool) or not isinstance(ref, str | int) or not str(ref).strip():
        raise Invalid("ref is required", field="ref", code="required", hint="what the other program calls it")
    if len(str(ref)) > 100:
        raise Invalid("ref is too long", field="ref", hint="at most 100 characters")
    payload = {"ref": str(ref), "values": values}
    new = inbox.store(house, "booking", str(ref).strip(), "booking", payload, by=by)
    return Answer({"accepted": True, "new": int(new)}, 202)
