"""What providers of messages call: proved by what they sign, kept, answered at once (facts/messaging §2.1)."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Query, Request
from fastapi import Path as InPath
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response

from leadtui.errors import Invalid
from leadtui.services import webhooks
from leadtui.text import scrub

from . import problems
from .answers import Answer
from .requests import House, Route, own_url

PREFIX = "/api/webhooks"
router = APIRouter(prefix=PREFIX, tags=["webhooks"], route_class=Route, responses=problems.responses())

_TEXT: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}}
_Hub = Annotated[str, Query(max_length=500)]
Word = Annotated[str, InPath(max_length=200, description="webhook_word of the channel sms")]


@router.get("/whatsapp", response_model=None, responses=_TEXT, summary="WhatsApp asks whether this address is ours")
def whatsapp_challenge(
    house: House,
    mode: Annotated[_Hub, Query(alias="hub.mode")] = "",
    token: Annotated[_Hub, Query(alias="hub.verify_token")] = "",
    challenge: Annotated[_Hub, Query(alias="hub.challenge")] = "",
) -> PlainTextResponse:
    """The challenge comes back when the verify token is the channel's."""
    return PlainTextResponse(webhooks.whatsapp_challenge(house, mode, token, challenge))


@router.post("/whatsapp", summary="Statuses and messages of the WhatsApp Cloud API", openapi_extra={"requestBody": {
    "content": {"application/json": {"schema": {"type": "object"}}}}})  # fmt: skip
async def whatsapp(request: Request, house: House) -> Answer:
    """Signed with the app's secret over the bytes as they are; the same delivery again changes nothing."""
    body, signature = await request.body(), request.headers.get("x-hub-signature-256", "")
    new = await run_in_threadpool(webhooks.whatsapp, house, body, signature)
    return Answer({"accepted": True, "new": new})


@router.post("/africastalking/{word}", summary="What Africa's Talking tells")
async def africastalking(request: Request, house: House, word: Word) -> Answer:
    """Delivery reports, messages that came in, opt-outs: one address for all three."""
    form = _fields(await request.body())
    new = await run_in_threadpool(webhooks.africastalking, house, word, form)
    return Answer({"accepted": True, "new": new})


@router.post("/twilio", summary="Statuses and messages of Twilio")
async def twilio(request: Request, house: House) -> Response:
    """Signed with the account's token over this address and the fields."""
    form, url = _fields(await request.body()), own_url(request)
    signature = request.headers.get("x-twilio-signature", "")
    await run_in_threadpool(webhooks.twilio, house, url, form, signature)
    return Response('<?xml version="1.0" encoding="UTF-8"?><Response/>', media_type="text/xml")


def _fields(body: bytes) -> dict[str, str]:
    """The fields of a plain form. Raises Invalid."""
    try:
        pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=200)
    except ValueError:
        raise Invalid("this is no form", field="body") from None
    return {scrub(name): scrub(text) for name, text in pairs}
