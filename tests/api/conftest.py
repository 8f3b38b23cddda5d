"""A server of the HTTP face on a real port, over a tiny office with a user of each role; one for each test module."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx
import pytest

from leadtui.api.app import create_app
from leadtui.api.server import Server
from leadtui.services import api_tokens, inbox
from leadtui.services.office import Office
from tests.conftest import _copy_of_template
from tests.services.lead_help import add_users

ROLES = ("director", "agent", "agent_junior", "collections", "branch_user", "technician", "admin")
_phones = count(1)


@dataclass
class Api:
    """The server's address, its office, and a client for each user."""

    office: Office
    base: str
    server: Server
    tokens: dict[str, str] = field(default_factory=dict)
    clients: dict[str, httpx.Client] = field(default_factory=dict)

    def __call__(self, login: str = "boss") -> httpx.Client:
        """A client that acts as a user."""
        if login not in self.clients:
            self.tokens[login] = api_tokens.create(self.office, login).token.reveal()
            headers = {"Authorization": f"Bearer {self.tokens[login]}"}
            self.clients[login] = httpx.Client(base_url=self.base, headers=headers, timeout=30, trust_env=False)
        return self.clients[login]

    @property
    def stranger(self) -> httpx.Client:
        """A client without a token."""
        if "" not in self.clients:
            self.clients[""] = httpx.Client(base_url=self.base, timeout=30, trust_env=False)
        return self.clients[""]

    def lead(self, **values: Any) -> dict[str, Any]:
        """A new lead, with a phone of its own."""
        made = self().post("/api/leads", json={"phone": phone(), "name": "Amina", **values})
        assert made.status_code == 201, made.text
        found: dict[str, Any] = made.json()
        return found

    def apply(self) -> dict[str, int]:
        """What the worker does with what came in."""
        return dict(inbox.apply_open(self.office, limit=500, may_go_on=lambda: True))


def phone() -> str:
    """A phone nobody has yet."""
    return f"+25472{next(_phones):07d}"


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The error of an answer, which has the one shape."""
    assert answer.status_code == status, answer.text
    found = answer.json()
    assert list(found) == ["error"]
    assert list(found["error"]) == ["code", "message", "field", "hint"]
    error: dict[str, Any] = found["error"]
    return error


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The server, running."""
    office = _copy_of_template(str(tmp_path_factory.mktemp("api") / "office.db"), None)
    add_users(office, *(f"{role}:{role}" for role in ROLES))
    server = Server(create_app(office), "127.0.0.1", 0)
    server.start()
    running = Api(office, f"http://{server.address}", server)
    yield running
    for client in running.clients.values():
        client.close()
    server.stop()
    office.close()
