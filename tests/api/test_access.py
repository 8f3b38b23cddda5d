"""Who is let in, and what each role may do over HTTP (spec AI-c, AK3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from leadtui.services import admin, api_tokens
from tests.api.conftest import Api, phone, problem
from tests.test_permission_matrix import MATRIX

Call = Callable[[Api, httpx.Client, dict[str, Any]], httpx.Response]

CALLS: dict[str, Call] = {
    "create": lambda _api, who, _lead: who.post("/api/leads", json={"phone": phone()}),
    "edit": lambda _api, who, lead: who.put(f"/api/leads/{lead['id']}", json={"location": f"x{lead['id']}"}),
    "log": lambda _api, who, lead: who.post(f"/api/leads/{lead['id']}/activities", json={"type": "call"}),
    "assign": lambda _api, who, lead: who.post(f"/api/leads/{lead['id']}/assign", json={"assigned_to": "boss"}),
    "lose": lambda _api, who, lead: who.post(f"/api/leads/{lead['id']}/mark-as-lost", json={"reason": "x"}),
    "convert": lambda _api, who, lead: who.post(f"/api/leads/{lead['id']}/convert-auto", json={}),
    "delete": lambda _api, who, lead: who.delete(f"/api/leads/{lead['id']}"),
    "export": lambda _api, who, _lead: who.get("/api/leads/export"),
    "stats": lambda _api, who, _lead: who.get("/api/leads/statistics"),
    "campaign": lambda _api, who, _lead: who.get("/api/campaigns"),
    "loans": lambda _api, who, lead: who.post(
        "/api/leads/loan-promise", json={"lead": lead["id"], "amount": 10, "date": "+3d"}
    ),
    "bulk": lambda api, who, lead: who.post(
        "/api/leads/bulk-convert", json={"lead_ids": [lead["id"], api.lead(assigned_to=lead["assigned_to"])["id"]]}
    ),
}  # fmt: skip


@pytest.mark.parametrize("role", ["director", "agent_junior", "collections", "technician"])
def test_each_role_may_what_the_matrix_says(api: Api, role: str) -> None:
    """A lead of one's own and one of somebody else, for each action: permitted, refused, or not even there."""
    grants = MATRIX[role]
    reads = grants["read"]
    for action, call in CALLS.items():
        for owner in (role, "boss"):
            if role == "admin" and owner == role:
                continue
            lead = api.lead(assigned_to=owner)
            answer = call(api, api(role), lead)
            about_a_lead = action not in {"create", "export", "stats", "campaign"}
            scope = grants[action]
            if action == "bulk" and grants["convert"] == "none":
                scope = "none"
            own = owner == role
            sees = reads == "all" or (own and reads == "own")
            may = scope == "all" or (scope == "own" and own)
            if not about_a_lead:
                may = scope != "none"
            if action == "create" and scope == "branch":
                may = False  # this user has no branch
            words = f"{role} {action} of {owner}: {answer.status_code} {answer.text[:200]}"
            if about_a_lead and not sees:
                assert answer.status_code in {404, 403}, words
                assert answer.status_code == 404 or action in {"bulk", "loans"} or scope == "none", words
            elif may:
                assert answer.status_code < 300, words
            else:
                assert answer.status_code == 403, words


def test_a_lead_out_of_scope_is_as_if_it_were_not(api: Api) -> None:
    theirs = api.lead(assigned_to="boss")
    missing = problem(api("agent").get("/api/leads/999999"), 404)
    hidden = problem(api("agent").get(f"/api/leads/{theirs['id']}"), 404)
    assert hidden["message"] == missing["message"].replace("999999", str(theirs["id"]))
    assert theirs["id"] not in {one["id"] for one in api("agent").get("/api/leads?limit=1000").json()["leads"]}


def test_hidden_fields_are_hidden(api: Api) -> None:
    lead = api.lead(assigned_to="technician", monthly_fee="2500")
    shown = api("technician").get(f"/api/leads/{lead['id']}").json()
    assert "monthly_fee" not in shown
    assert "2500" not in str(shown)
    problem(api("technician").get("/api/leads?sort_by=monthly_fee"), 400)
    problem(api("technician").get("/api/leads?filter=monthly_fee:>1"), 400)


WRONG = (None, b"Bearer", b"Bearer lt_nonsense", b"Basic Ym9zczpib3Nz", b"bearer lt_", b"Bearer lt_\xe9\xff")


def test_without_a_token_nothing_is_told(api: Api) -> None:
    for header in WRONG:
        answer = api.stranger.get("/api/leads", headers=[(b"Authorization", header)] if header else [])
        assert problem(answer, 401)["code"] in {"no_token", "bad_token"}
        assert answer.headers["www-authenticate"].startswith("Bearer")
    said = api.stranger.get("/api/openapi.json").json()
    for path, verbs in said["paths"].items():
        for verb, operation in verbs.items():
            if "security" not in operation or path.startswith("/api/intake/"):
                continue
            answer = api.stranger.request(verb.upper(), path.replace("{ref}", "1").replace("{id}", "1"))
            assert answer.status_code == 401, f"{verb} {path} {answer.text}"
    assert {path for path, verbs in said["paths"].items() if any("security" not in one for one in verbs.values())} == {
        "/api/health", "/api/webhooks/whatsapp", "/api/webhooks/africastalking/{word}", "/api/webhooks/twilio",
    }  # fmt: skip


def test_a_key_ends_with_its_revocation_and_its_user(api: Api) -> None:
    made = api_tokens.create(api.office, "agent_junior")
    headers = {"Authorization": f"Bearer {made.token.reveal()}"}
    assert api.stranger.get("/api/leads", headers=headers).status_code == 200
    admin.set_user_active(api.office, "agent_junior", False)
    assert problem(api.stranger.get("/api/leads", headers=headers), 403)["code"] == "disabled_user"
    admin.set_user_active(api.office, "agent_junior", True)
    api_tokens.revoke(api.office, made.row.id)
    assert problem(api.stranger.get("/api/leads", headers=headers), 401)["code"] == "bad_token"


def test_a_role_that_was_changed_counts_at_once(api: Api) -> None:
    lead = api.lead(assigned_to="boss")
    assert api("director").delete(f"/api/leads/{lead['id']}").status_code == 403
    admin.set_role(api.office, "director", "delete", "all")
    assert api("director").delete(f"/api/leads/{lead['id']}").status_code == 200
    admin.set_role(api.office, "director", "delete", "none")
