"""Website forms, behaviour and bookings over HTTP: kept at once, applied by the worker."""

from __future__ import annotations

import json

import httpx

from leadtui.services import forms, leads
from tests.api.conftest import Api, phone, problem


def of_lead(api: Api, number: str) -> dict[str, object]:
    """The lead as the API shows it."""
    found: dict[str, object] = api().get(f"/api/leads/{number}").json()
    return found


def test_a_plain_form_of_a_website_makes_a_lead_and_goes_on_to_its_page(api: Api) -> None:
    form = forms.add(api.office, "landing", redirect="https://isp.example/thanks", origins=["https://isp.example"])
    number = phone()
    fields = {"Phone": number, "Name": "Amina & Söhne", "message": "fast <b>please</b>"}
    answer = api.stranger.post(form.path, data=fields, headers={"Origin": "https://isp.example"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "https://isp.example/thanks"
    assert answer.headers["access-control-allow-origin"] == "https://isp.example"
    again = api.stranger.post(form.path, json=fields)
    assert (again.status_code, again.json()) == (202, {"accepted": True, "new": 0})
    assert (
        "access-control-allow-origin"
        not in api.stranger.post(form.path, json=fields, headers={"Origin": "https://evil.example"}).headers
    )
    assert leads.count(api.office, f"phone:{number}") == 0  # the worker's
    api.apply()
    found = of_lead(api, number)
    assert (found["name"], found["source"]) == ("Amina & Söhne", "Website")

    keyed = {**fields, "Phone": phone(), "_key": form.key}
    assert api.stranger.post("/api/intake/form/landing", data=keyed).status_code == 303
    for path in (
        "/api/intake/form/landing",
        "/api/intake/form/landing?key=x",
        f"/api/intake/form/other?key={form.key}",
    ):
        assert api.stranger.post(path, data=fields).status_code in {401, 403}


def test_a_browser_asks_first(api: Api) -> None:
    form = forms.add(api.office, "asked", origins=["https://isp.example"])
    headers = {"Origin": "https://isp.example", "Access-Control-Request-Method": "POST"}
    answer = api.stranger.request("OPTIONS", form.path, headers=headers)
    assert (answer.status_code, answer.headers["access-control-allow-methods"]) == (204, "POST")
    other = api.stranger.request("OPTIONS", form.path, headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers


def test_with_a_token_any_form_of_a_name_will_do(api: Api) -> None:
    number = phone()
    answer = api().post("/api/intake/form/partner-page", json={"phone": number, "assigned_to": "agent"})
    assert answer.status_code == 202
    ref = {"Idempotency-Key": "partner-77"}
    assert api().post("/api/intake/form/partner", json={"phone": phone()}, headers=ref).json()["new"] == 1
    assert api().post("/api/intake/form/partner", json={"phone": phone()}, headers=ref).json()["new"] == 0
    api.apply()
    assert of_lead(api, number)["assigned_to"] == "agent"
    problem(api("collections").post("/api/intake/form/x", json={"phone": number}), 403)


def test_forms_that_are_none(api: Api) -> None:
    assert problem(api().post("/api/intake/form/x", json={}), 422)["code"] == "required"
    problem(api().post("/api/intake/form/x", content=b"{", headers={"Content-Type": "application/json"}), 400)
    problem(api().post("/api/intake/form/x", content=b"[1]", headers={"Content-Type": "application/json"}), 422)
    problem(api().post("/api/intake/form/x", files={"a": b"x"}), 415)
    problem(api().post("/api/intake/form/x", data={f"f{number}": "x" for number in range(300)}), 422)
    form = forms.add(api.office, "bots")
    ignored = api.stranger.post(form.path, data={"phone": phone(), "_gotcha": "yes"})
    assert (ignored.status_code, ignored.json()["new"]) == (202, 0)


def test_an_address_that_sends_too_many_is_told_when_it_may_again(api: Api) -> None:
    form = forms.add(api.office, "busy")

    def post() -> httpx.Response:
        return api.stranger.post(form.path, data={"phone": phone()})

    answers = [post() for _ in range(forms.BURST + 3)]
    assert answers[-1].status_code == 429
    assert problem(answers[-1], 429)["code"] == "too_many"
    assert 0 < int(answers[-1].headers["retry-after"]) <= 7
    assert api().post("/api/intake/form/busy", data={"phone": phone()}).status_code == 202  # a token is no stranger


def test_behaviour_counts_once_by_its_name(api: Api) -> None:
    lead = api.lead(email="viewer@example.com")
    event = {"lead": "viewer@example.com", "event": "property_view", "metadata": {"id": 7}, "external_ref": "view-1"}
    assert api().post("/api/events", json=event).json() == {"accepted": True, "new": 1}
    assert api().post("/api/events", json=event).json()["new"] == 0
    several = {"events": [event | {"external_ref": None, "lead": lead["id"]}, event | {"external_ref": "view-2"}]}
    assert api().post("/api/events/", json=several).json()["new"] == 2
    api.apply()
    assert of_lead(api, lead["number"])["property_views"] == 3
    problem(api("collections").post("/api/events", json=event), 403)
    problem(api().post("/api/events", json={"lead": 1}), 422)
    problem(api().post("/api/events", json=event | {"at": "never"}), 422)


def test_bookings_are_linked_once(api: Api) -> None:
    number = phone()
    body = {"ref": "BK-9", "name": "Amina", "phone": number, "room": "sea view"}
    assert api().post("/api/bookings", json=body).json()["new"] == 1
    assert api().post("/api/bookings", json=body).json()["new"] == 0
    api.apply()
    found = of_lead(api, number)
    assert [(one["ref"], one["details"]["room"]) for one in found["bookings"]] == [("BK-9", "sea view")]  # type: ignore[attr-defined]
    assert problem(api().post("/api/bookings", json={"phone": number}), 422)["field"] == "ref"
    problem(api("technician").post("/api/bookings", json=body), 403)


def test_what_the_worker_keeps_of_a_stranger_names_no_address(api: Api) -> None:
    from leadtui.store import schema as t

    with api.office.read() as tx:
        rows = [tuple(row) for row in tx.conn.execute(t.throttle.select())]
    assert rows
    assert "127.0.0.1" not in json.dumps(rows, default=str)
