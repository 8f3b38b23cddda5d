"""Answers: JSON in the spelling of the contract, whatever the strings hold."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import JSONResponse

from leadtui.domain.shapes import plain


class Answer(JSONResponse):
    """JSON: moments in UTC with `Z`, money as decimal text; nothing here may be kept by a cache."""

    def render(self, content: Any) -> bytes:
        """The document as ASCII, so that every string of a lead can be sent."""
        return json.dumps(content, default=plain, allow_nan=False, separators=(",", ":")).encode("ascii")

    def init_headers(self, headers: Any = None) -> None:
        """Personal data stays out of shared caches."""
        super().init_headers({"Cache-Control": "no-store"} | dict(headers or {}))
