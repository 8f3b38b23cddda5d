"""The app: every operation of spec §AE under `/api`, its description, its page, and what stands around all of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import Any, Final

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.responses import HTMLResponse

from leadtui import __version__
from leadtui.services.office import Office

from . import acts, figures, hooks, incoming, lead_form, leads, problems, work
from .answers import Answer
from .requests import Door

THREADS: Final = 16
"""So many requests are worked on at once, each in a thread of its own; the others wait for one."""
_PAGE_POLICY: Final = "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'"
_SENTENCE: Final = (
    "Leads over HTTP. Each request acts as the user whose key it brings (`leadtui user key add LOGIN`), with that"
    " user's rights. What comes in from websites and providers is kept at once; the worker applies it."
)


def create_app(office: Office, *, behind_proxy: bool = False, public_url: str | None = None) -> FastAPI:
    """The app over an office, which the server opened and closes.

    `behind_proxy`: the proxy's word on addresses is believed. `public_url` is how the world calls this server.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        current_default_thread_limiter().total_tokens = THREADS
        yield

    app = FastAPI(
        lifespan=lifespan,
        title="leadtui", version=__version__, description=_SENTENCE, docs_url=None, redoc_url=None, openapi_url=None,
        redirect_slashes=False, default_response_class=Answer,
    )  # fmt: skip
    app.state.office = office
    app.state.behind_proxy = behind_proxy
    app.state.public_url = public_url
    problems.install(app)
    # What stands under a fixed word goes before a lead's name in the same place.
    fixed = (figures.router, work.router, acts.mikrotik, lead_form.router, acts.router)
    for router in (*fixed, leads.router, incoming.router, hooks.router):
        app.include_router(router)
    _describe(app)
    app.state.parameters = _parameters(app)

    app.add_middleware(Door, hooks=hooks.PREFIX)
    return app


def _describe(app: FastAPI) -> None:
    """The OpenAPI document and the page that shows it; neither needs a token, neither loads anything from elsewhere."""

    @app.get("/api/openapi.json", include_in_schema=False)
    def document() -> Answer:
        return Answer(description(app))

    @app.get("/api/docs", include_in_schema=False)
    def page() -> HTMLResponse:
        text = (files("leadtui.api") / "docs.html").read_text(encoding="utf-8")
        return HTMLResponse(text, headers={"Content-Security-Policy": _PAGE_POLICY})


def _parameters(app: FastAPI) -> dict[tuple[str, str], frozenset[str]]:
    """The query parameters of each operation; providers may add theirs to what they call."""
    return {
        (path, verb.upper()): frozenset(one["name"] for one in said.get("parameters", ()) if one["in"] == "query")
        for path, verbs in description(app)["paths"].items()
        if not path.startswith(hooks.PREFIX)
        for verb, said in verbs.items()
    }


def description(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document."""
    if app.openapi_schema is None:
        app.openapi_schema = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
    return app.openapi_schema
