"""What every operation shares: who asks, bodies that databases can hold, addresses with and without a last slash."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any, Final

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field, StrictInt
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from leadtui.errors import NotPermitted, UsageError
from leadtui.services import api_tokens
from leadtui.services.office import Office
from leadtui.text import scrub_all, shorten

from .problems import bug, plain

MOST_BYTES: Final = 1_000_000
"""The longest body of an operation …"""
MOST_BYTES_OF_HOOKS: Final = 4_000_000
"""… and of a provider's delivery: WhatsApp sends up to 3 MB at once."""

_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"), (b"x-frame-options", b"DENY"),
)  # fmt: skip

_bearer = HTTPBearer(auto_error=False, description="a key of: leadtui user key add LOGIN")

Ref = Annotated[
    Annotated[str, Field(min_length=1, max_length=100)] | StrictInt,
    Field(description="a lead's number, id or phone", examples=["LD-202611-0001", 12]),
]
"""What names a lead in a body."""


class Body(BaseModel):
    """A body of an operation: what it does not know is refused, not passed over."""

    model_config = ConfigDict(extra="forbid")


# -- who asks ---------------------------------------------------------------------------------------------------------
def house(request: Request) -> Office:
    """The office that the server opened: nobody in particular is at work in it."""
    office: Office = request.app.state.office
    return office


House = Annotated[Office, Depends(house)]


def acting(office: House, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Office:
    """The office with the token's user at work. Raises NotPermitted."""
    if given is None:
        raise NotPermitted(
            "a token is needed", code="no_token", hint="send it as: Authorization: Bearer TOKEN (leadtui user key add)"
        )
    return api_tokens.enter(office, given.credentials)


Acting = Annotated[Office, Depends(acting)]


def acting_if_known(
    office: House, given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Office | None:
    """The same, where a token is not needed; a wrong one is refused all the same."""
    return acting(office, given) if given is not None else None


MaybeActing = Annotated[Office | None, Depends(acting_if_known)]


# -- bodies -----------------------------------------------------------------------------------------------------------
class _CleanRequest(Request):
    """JSON as databases can hold it: no NUL, no half characters, no numbers that are none."""

    async def json(self) -> Any:
        if not hasattr(self, "_json"):
            self._json = read_json(await self.body())
        return self._json


class Route(APIRoute):
    """A route whose JSON bodies are read by `read_json`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The usual handler, with the request read our way."""
        usual = super().get_route_handler()

        async def handle(request: Request) -> Response:
            if (known := request.app.state.parameters.get((self.path_format, request.method))) is not None:
                _refuse_unknown(request, known)
            if self.body_field is not None:
                _must_be_json(request)
            return await usual(_CleanRequest(request.scope, request.receive))

        return handle


def _must_be_json(request: Request) -> None:
    """A body of another type would not be read at all. Raises UsageError."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().casefold()
    is_json = media == "application/json" or (media.startswith("application/") and media.endswith("+json"))
    has_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    if has_body and not is_json:
        raise UsageError(
            "the body must be JSON, and say so", code="media_type", field="Content-Type",
            hint="send the header Content-Type: application/json",
        )  # fmt: skip


def _refuse_unknown(request: Request, known: frozenset[str]) -> None:
    """What would be passed over: a parameter that is none (a misspelt filter finds everything), one that comes twice.

    Raises UsageError.
    """
    given = [name for name, _ in request.query_params.multi_items()]
    if (twice := next((name for name in given if given.count(name) > 1), None)) is not None:
        raise UsageError(f"{shorten(twice, 40)} is given twice", field=twice[:80], hint="several values: with commas")
    strange = next((name for name in given if name not in known), None)
    if strange is not None:
        hint = "one of: " + ", ".join(sorted(known)) if known else "none is taken here"
        raise UsageError(f"there is no parameter '{shorten(strange, 40)}'", field=strange[:80], hint=hint)


def read_json(body: bytes) -> Any:
    """A JSON document. Raises json.JSONDecodeError for what is none, or nested beyond all use."""
    try:
        read = json.loads(
            body.decode("utf-8"), parse_constant=_no_number, parse_float=_number, object_pairs_hook=_object
        )
        return scrub_all(read)
    except json.JSONDecodeError:
        raise
    except (ValueError, RecursionError) as error:  # not UTF-8, a number of 5,000 digits, a thousand brackets
        raise json.JSONDecodeError(type(error).__name__, "", 0) from None


def _no_number(word: str) -> Any:
    raise json.JSONDecodeError(f"{word} is no number", "", 0)


def _number(word: str) -> float:
    number = float(word)
    if math.isinf(number):  # 1e999
        raise json.JSONDecodeError("a number is too large", "", 0)
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; a name that stands in it twice would be passed over once."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise json.JSONDecodeError("a name stands twice in one object", "", 0)
    return found


# -- addresses and sizes ----------------------------------------------------------------------------------------------
class Door:
    """Outside of everything: a last slash is no difference, bodies have an end, addresses hold no NUL."""

    def __init__(self, app: ASGIApp, hooks: str) -> None:
        """`hooks` is how the addresses begin that may get longer bodies."""
        self._app = app
        self._hooks = hooks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        if "\0" in path or b"%00" in scope.get("query_string", b"") or not _is_text(path):
            await plain(400, "usage", "the address holds what is no text")(scope, receive, send)
            return
        if len(path) > 1 and path.endswith("/"):
            scope = {**scope, "path": path.rstrip("/") or "/"}
        most = MOST_BYTES_OF_HOOKS if path.startswith(self._hooks) else MOST_BYTES
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > most:
            words = f"the body is longer than {most // 1_000_000} MB"
            await plain(413, "too_large", words, {"Connection": "close"})(scope, receive, send)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > most:
                raise HTTPException(413)
            return message

        begun = False

        async def dressed(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                have = {name.lower() for name, _ in message["headers"]}
                more = [(name, value) for name, value in _HEADERS if name not in have]
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        try:
            await self._app(scope, counted, dressed)
        except Exception as error:  # noqa: BLE001 - the server would write it with all its words to standard error
            answer = bug(error)
            if not begun:
                await answer(scope, receive, dressed)


def _is_text(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def address_of(request: Request) -> str:
    """Where a request comes from: behind our own proxy, the last address that this proxy wrote down."""
    told = request.headers.get("x-forwarded-for", "") if request.app.state.behind_proxy else ""
    last = told.rpartition(",")[2].strip()
    return last or (request.client.host if request.client else "")


def own_url(request: Request) -> str:
    """The address as the other side called it: what it signed."""
    base: str | None = request.app.state.public_url
    if base is None:
        scheme, host = request.url.scheme, request.headers.get("host", "")
        if request.app.state.behind_proxy:
            scheme = request.headers.get("x-forwarded-proto", scheme).partition(",")[0].strip()
            host = request.headers.get("x-forwarded-host", host).partition(",")[0].strip()
        base = f"{scheme}://{host}"
    path = request.scope.get("raw_path", b"").decode("latin-1").partition("?")[0] or request.url.path
    query = request.url.query
    return base.rstrip("/") + path + (f"?{query}" if query else "")


def as_text(values: Mapping[str, Any]) -> dict[str, str]:
    """Values of a body as people type them, by key; null clears."""
    from leadtui.services.intake_rows import as_text as text_of

    return {key: text_of(value) for key, value in values.items()}


__all__ = [
    "Acting", "Body", "Door", "House", "MaybeActing", "Ref", "Route", "acting", "address_of", "as_text",
    "own_url", "read_json",
]  # fmt: skip
