"""Errors as other programs read them: `{"error": {code, message, field, hint}}`, with a status for each kind."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from leadtui.background import log_exception
from leadtui.errors import (
    DatabaseUnreachable,
    Invalid,
    LeadtuiError,
    NotFound,
    NotPermitted,
    OtherSide,
    Refused,
    UsageError,
)

from .answers import Answer

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request

UNKNOWN_CALLER: Final = frozenset({"bad_token", "no_token"})
"""Codes that say nobody knows who asks: 401, not 403."""

_STATUS: Final[tuple[tuple[type[LeadtuiError], int], ...]] = (
    (UsageError, 400),
    (NotPermitted, 403),
    (NotFound, 404),
    (Invalid, 422),
    (Refused, 409),
    (DatabaseUnreachable, 503),
    (OtherSide, 502),
)
_KIND: Final = re.compile(r"^(str|int|float|bool|dict|list)$|^constrained-|[\[(]|Body$")
"""What pydantic puts into a place for each kind of value that might have stood there: no name of an input."""

_OF_CODE: Final[Mapping[str, int]] = {"too_many": 429, "too_large": 413, "media_type": 415}
_WORDS: Final[Mapping[int, tuple[str, str]]] = {
    404: ("not_found", "there is no such address"),
    405: ("method_not_allowed", "this address does not take that method"),
    400: ("usage", "the body cannot be read"),
    413: ("too_large", "the body is too long"),
}


class Problem(BaseModel):
    """What went wrong: a word for programs, a sentence for people, the input it is about, what would be accepted."""

    code: str
    message: str
    field: str | None = None
    hint: str | None = None


class Problems(BaseModel):
    """Every answer that is no success."""

    error: Problem = Field(description="one problem")


def responses(*more: int) -> dict[int | str, dict[str, Any]]:
    """What the operations of a router may answer besides success, for the description."""
    said = {
        400: "not understood", 401: "no valid token", 403: "not permitted", 404: "no such record",
        409: "refused: duplicate, locked, changed by somebody else", 413: "too long", 415: "no JSON",
        422: "a value is not acceptable", 429: "too often", 502: "the router or channel failed",
        503: "the database cannot be reached",
    }  # fmt: skip
    usual = (400, 401, 403, 404, 409, 413, 415, 422, 502, 503)
    return {status: {"model": Problems, "description": said[status]} for status in (*usual, *more)}


def status_of(error: LeadtuiError) -> int:
    """The HTTP status of an error."""
    if error.code in UNKNOWN_CALLER:
        return 401
    if error.code in _OF_CODE:
        return _OF_CODE[error.code]
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def answer(error: LeadtuiError) -> Answer:
    """The error as a response."""
    status = status_of(error)
    headers = {}
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="leadtui"'
    if (after := error.data.get("after_s")) is not None:
        headers["Retry-After"] = str(math.ceil(after))
    return Answer(error.as_json(), status, headers)


def plain(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Answer:
    """A problem that is no error of a service."""
    return Answer({"error": {"code": code, "message": message, "field": None, "hint": None}}, status, headers)


def bug(error: Exception) -> Answer:
    """An error of the program: its words go to the log, not to the other side."""
    log_exception(error)
    return plain(500, "bug", "an error of the program; its log has more")


def install(app: FastAPI) -> None:
    """Let every error of the app be answered in the one shape."""

    @app.exception_handler(LeadtuiError)
    async def _known(_request: Request, error: LeadtuiError) -> Answer:
        return answer(error)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_request: Request, error: RequestValidationError) -> Answer:
        return answer(_first(error))

    @app.exception_handler(HTTPException)
    async def _http(_request: Request, error: HTTPException) -> Answer:
        code, message = _WORDS.get(error.status_code, ("error", str(error.detail)))
        return plain(error.status_code, code, message, error.headers)


def _first(error: RequestValidationError) -> LeadtuiError:
    """The first thing that the description of an operation does not allow."""
    one: Mapping[str, Any] = error.errors()[0]
    where = [str(part) for part in one.get("loc", ())[1:] if not _KIND.search(str(part))]
    field = ".".join(where)[:80] or None
    if one.get("type") == "json_invalid":
        return UsageError(
            "the body is no JSON", field="body", hint=str(one.get("ctx", {}).get("error", ""))[:200] or None
        )
    words = str(one.get("msg", "is not acceptable"))[:200]
    code = "required" if one.get("type") == "missing" else "invalid"
    return Invalid(f"{field or 'the body'}: {words[:1].lower()}{words[1:]}", field=field, code=code)
