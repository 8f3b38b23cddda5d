"""Every operation of spec §AE over HTTP, on a real port."""

from __future__ import annotations

import csv
import io
import json

import pytest

from leadtui.router.simulator import Simulator
from leadtui.services import admin, leads
from tests.api.conftest import Api, phone, problem
from tests.services.conversion_help import add_router


def test_a_lead_is_added_read_changed_and_deleted(api: Api) -> None:
    number = phone()
    body = {
        "mobile_number": number, "name": "Amina", "Lead Source": "Field Sales", "has_router": True,
        "monthly_fee": 2500, "installation_fee": "1,000", "tags": ["vip", "hot"], "custom": {"gate": "B"},
        "followUpDate": "2026-12-24",
    }  # fmt: skip
    made = api().post("/api/leads", json=body)
    assert made.status_code == 201
    lead = made.json()
    assert made.headers["location"] == f"/api/leads/{lead['number']}"
    assert (lead["phone"], lead["source"], lead["total_amount"], lead["tags"], lead["next_follow_up"]) == (
        number, "Field Sales", "3500.00", ["hot", "vip"], "2026-12-24",
    )  # fmt: skip
    for ref in (lead["id"], lead["number"], number):
        shown = api().get(f"/api/leads/{ref}").json()
        assert shown["number"] == lead["number"]
    assert shown["custom"] == {"gate": "B"}
    assert [entry["status"] for entry in shown["status_history"]] == ["New"]
    assert api().get(f"/api/leads/detail/{lead['id']}/").json() == shown

    changed = api().put(f"/api/leads/{lead['id']}", json={"city": "Nakuru", "status": "Contacted", "monthly_fee": None})
    assert changed.json()["status"] == "Contacted"
    assert changed.json()["monthly_fee"] is None
    assert changed.json()["version"] > lead["version"]
    gone = api().delete(f"/api/leads/{lead['number']}", params={"reason": "test"})
    assert gone.status_code == 200
    assert problem(api().get(f"/api/leads/{lead['id']}"), 404)["field"] == "ref"


def test_a_whole_lead_may_be_sent_back_and_a_newer_one_is_not_overwritten(api: Api) -> None:
    lead = api.lead()
    whole = api().get("/api/leads", params={"search": lead["phone"]}).json()["leads"][0]
    assert api().put(f"/api/leads/update/{lead['id']}/", json=whole).json()["version"] == lead["version"]
    assert api().put(f"/api/leads/{lead['id']}", json={**whole, "location": "Kibera"}).json()["location"] == "Kibera"
    conflict = problem(api().put(f"/api/leads/{lead['id']}", json={**whole, "location": "Westlands"}), 409)
    assert conflict["code"] == "edited_elsewhere"
    assert problem(api().put(f"/api/leads/{lead['id']}", json={"is_converted": True}), 422)["field"] == "is_converted"


def test_lists_filters_pages_and_search(api: Api) -> None:
    number = phone()
    lead = api.lead(name="Zawadi Unique", phone=number, passport="AB 12-34", source="Referral", priority="high")
    for params in (
        {"filter": 'name:"Zawadi Unique"'}, {"search": "zawadi uniq"}, {"search": "zawadi", "priority": "high"},
        {"search": "zawadi", "source_id": "Referral"}, {"search": "zawadi", "status_id": "1", "date_from": "today"},
        {"search": "zawadi", "lead_status": "New", "sort_by": "name", "sort_order": "asc", "per_page": "1"},
        {"search": "zawadi", "assigned_to": "none", "date_to": "today"},
    ):  # fmt: skip
        for path in ("/api/leads", "/api/leads/", "/api/leads/list/"):
            found = api().get(path, params=params).json()
            assert [one["number"] for one in found["leads"]] == [lead["number"]], params
    assert api().get("/api/leads", params={"search": "zawadi", "status_id": "2,3"}).json()["total"] == 0
    assert list(found) == ["total", "page", "limit", "leads"]
    for params in ({"passport": "ab1234"}, {"contact": number[4:]}, {"passport": " AB1234", "contact": number}):
        found = api().get("/api/leads/search/", params=params).json()
        assert [one["number"] for one in found["leads"]] == [lead["number"]], params
    assert problem(api().get("/api/leads/search"), 400)["field"] == "contact"
    bad = problem(api().get("/api/leads", params={"filter": "status:"}), 400)
    assert bad["code"] == "filter"
    assert problem(api().get("/api/leads", params={"stauts": "new"}), 400)["field"] == "stauts"
    assert problem(api().get("/api/leads?page=1&page=2"), 400)["field"] == "page"
    assert problem(api().get("/api/leads", params={"limit": "0"}), 422)["field"] == "limit"
    assert problem(api().get("/api/leads", params={"source_id": "Moon"}), 422)["hint"].startswith("one of: ")


def test_status_assignment_and_loss(api: Api) -> None:
    lead = api.lead()
    moved = api().post(f"/api/leads/{lead['id']}/update-status", json={"status_id": 2, "notes": "called"}).json()
    assert moved["status"] == "Contacted"
    moved = api().post(f"/api/leads/{lead['id']}/update-status/", json={"status": "interested"}).json()
    assert moved["status"] == "Interested"
    refused = problem(api().post(f"/api/leads/{lead['id']}/update-status", json={"status": "Converted"}), 409)
    assert refused["code"] == "illegal_transition"
    assert problem(api().post(f"/api/leads/{lead['id']}/update-status", json={}), 422)["field"] == "status"

    assert api().post(f"/api/leads/{lead['id']}/assign", json={"assigned_to": "agent"}).json()["assigned_to"] == "agent"
    user_id = next(user["id"] for user in admin.users(api.office) if user["login"] == "director")
    given = api().post(f"/api/leads/{lead['id']}/assign", json={"assigned_to": user_id}).json()
    assert given["assigned_to"] == "director"
    assert problem(api().post(f"/api/leads/{lead['id']}/assign", json={"assigned_to": "nobody"}), 422)["field"] == (
        "assigned_to"
    )
    others = [api.lead()["id"], api.lead()["number"]]
    done = api().post("/api/leads/bulk-assign", json={"lead_ids": [lead["id"], *others], "assigned_to": "agent"}).json()
    assert (done["matched"], done["changed"], done["refused"]) == (3, 3, [])
    problem(api().post("/api/leads/bulk-assign", json={"lead_ids": [10**6], "assigned_to": "agent"}), 404)
    alone = {"lead_ids": [lead["id"]], "assigned_to": "agent"}
    problem(api("agent").post("/api/leads/bulk-assign", json=alone), 403)  # its own lead, and still not to give away

    lost = api().post(f"/api/leads/{lead['id']}/mark-as-lost", json={"reason": "too expensive"}).json()
    assert lost["is_lost"]
    assert api().put(f"/api/leads/lost/{others[0]}/", json={"reason": "moved"}).json()["status"] == "Not Interested"
    assert problem(api().put(f"/api/leads/lost/{others[1]}/", json={}), 422) == {
        "code": "required", "message": "reason: field required", "field": "reason", "hint": None,
    }  # fmt: skip


def test_conversions(api: Api) -> None:
    first = api.lead(email="first@example.com")
    body = {"type": "Corporate", "gst_number": "22AAAAA0000A1Z5", "conversion_notes": "signed"}
    done = api().post(f"/api/leads/{first['id']}/convert-auto", json=body).json()
    assert list(done) == ["success", "message", "lead", "customer", "router_user"]
    assert done["success"] is True
    assert done["lead"]["is_converted"] is True
    problem(api().post(f"/api/leads/{first['id']}/convert-auto", json={}), 409)

    second = api.lead()
    link = {"customer_id": done["customer"]["id"], "notes": "the same family"}
    linked = api().post(f"/api/leads/{second['id']}/convert", json=link).json()["customer"]
    assert (linked["id"], linked["leads"]) == (done["customer"]["id"], [first["number"], second["number"]])
    assert problem(api().post(f"/api/leads/{second['id']}/convert", json={}), 422)["field"] == "customer_id"
    third = api.lead()
    assert api().put(f"/api/leads/convert/{third['id']}/").json()["lead"]["is_converted"] is True
    some = [api.lead()["id"], first["id"], api.lead()["id"]]
    bulk = api().post("/api/leads/bulk-convert", json={"lead_ids": some}).json()
    assert bulk["total"] == 3
    assert [one["lead_id"] for one in bulk["successful"]] == [some[0], some[2]]
    assert [list(one) for one in bulk["failed"]] == [["lead_id", "error", "lead_number"]]
    assert bulk["failed"][0]["lead_id"] == first["id"]


def test_a_router_user_is_made_only_by_converting_a_lead(api: Api) -> None:
    with Simulator() as simulator:
        add_router(api.office, simulator)
        lead = api.lead(package="20 Mbps Home")
        wanted = {"router": "WL-RTR-1", "username": "amina.api", "password": "s3cret-word"}
        refused = problem(api().post("/api/mikrotik/users", json=wanted), 409)
        assert refused["code"] == "needs_lead"
        assert problem(api().post("/api/mikrotik/users", json={"lead": lead["id"]}), 409)["field"] == "router"
        made = api().post("/api/mikrotik/users", json={"lead_id": lead["id"], **wanted})
        assert made.status_code == 201, made.text
        assert made.json()["router_user"]["username"] == "amina.api"
        assert "s3cret" not in made.text
        other = api.lead(package="20 Mbps Home", name="Brian")
        shown = api().post(f"/api/leads/convert/{other['id']}", json={"router": "WL-RTR-1", "show_secret": True}).json()
        assert shown["router_user"]["password"]
        assert problem(api().post(f"/api/leads/convert/{other['id']}", json={"ip": "next"}), 422)["field"] == "router"
    third = api.lead(package="20 Mbps Home")
    failed = problem(api().post(f"/api/leads/convert/{third['id']}", json={"router": "WL-RTR-1"}), 502)
    assert failed["code"] == "router_unreachable"
    assert api().get(f"/api/leads/{third['id']}").json()["status"] == "New"


def test_follow_ups_promises_and_contacts(api: Api) -> None:
    lead = api.lead()
    made = api().post("/api/leads/followup/", json={"lead": lead["number"], "at": "today", "subject": "Call back"})
    assert made.status_code == 201
    assert (made.json()["lead_number"], made.json()["subject"]) == (lead["number"], "Call back")
    today = api().get("/api/leads/followup/today/").json()
    assert [one["subject"] for one in today["followups"] if one["lead_number"] == lead["number"]] == ["Call back"]
    assert problem(api().post("/api/leads/followup/", json={"lead": lead["id"]}), 422)["field"] == "at"
    assert problem(api().post("/api/leads/followup/", json={"at": "today"}), 422)["field"] == "lead"

    promise = {"lead_id": lead["id"], "amount": 1500, "promised_clear_date": "2026-01-31"}
    first = api().post("/api/leads/loan-promise/", json=promise).json()
    assert (first["amount"], first["promised_clear_date"], first["status"]) == ("1500.00", "2026-01-31", "pending")
    from leadtui.services import loans

    loans.mark_overdue(api.office)
    overdue = api().get("/api/leads/overdue-loans/").json()
    assert [one["id"] for one in overdue["loans"]] == [first["id"]]
    again = api().post("/api/leads/loan-promise/", json=promise | {"amount": "2,000.50", "promised_clear_date": "+9d"})
    assert again.json()["amount"] == "2000.50"
    assert api().get("/api/leads/overdue-loans/").json()["total"] == 0

    contact = {"type": "Site-Visit", "details": "looked at the roof", "outcome": "follow-up", "next_action_date": "+2d"}
    assert api().post(f"/api/leads/{lead['id']}/interactions", json=contact).status_code == 201
    timeline = api().get(f"/api/leads/{lead['id']}/activities/").json()
    assert {"site_visit", "follow_up"} <= {one["type"] for one in timeline["activities"]}
    plan = next(one for one in timeline["activities"] if one["type"] == "follow_up" and not one["completed_at"])
    done = api().post(f"/api/activities/{plan['id']}/complete", json={"outcome": "positive"}).json()
    assert done["completed_at"]
    pending = api().get("/api/activities", params={"scope": "pending", "type": "follow_up"}).json()
    assert plan["id"] not in {one["id"] for one in pending["activities"]}


def test_figures_lists_and_health(api: Api) -> None:
    api.lead()
    found = api().get("/api/leads/statistics", params={"year": 2026}).json()
    assert list(found) == ["total_leads", "new_this_month", "total_converted", "by_status", "by_month", "year"]
    assert len(found["by_month"]) == 12
    assert found["total_leads"] == leads.count(api.office)
    rates = api().get("/api/leads/conversion-stats", params={"source_id": "Manual Entry", "date_from": "today"}).json()
    assert rates["total_leads"] >= 1
    assert rates["by_source"][0]["source_name"] == "Manual Entry"
    report = api().get("/api/leads/report", params={"date_from": "today"}).json()
    assert report["total_leads"] == rates["total_leads"] + sum(
        one["total"] for one in report["leads_by_source"] if one["source_name"] != "Manual Entry"
    )
    assert set(report["revenue_generated"]) == {"installation", "monthly"}
    assert api().get("/api/stats/campaigns").json()["campaigns"] == []
    statuses = api().get("/api/lists/statuses").json()
    assert statuses["statuses"][0]["name"] == "New"
    assert "agent" in {one["login"] for one in api("agent").get("/api/lists/users").json()["users"]}
    well = api.stranger.get("/api/health").json()
    assert (well["status"], well["worker"]) == ("ok", False)


def test_the_way_of_a_lead_and_the_forecast(api: Api) -> None:
    number = api.lead(name="Halima", monthly_fee="2000")["number"]
    way = api().get(f"/api/leads/{number}/journey").json()
    assert (way["lead_number"], way["touchpoints"]) == (number, 0)
    assert [one["status"] for one in way["stage_progression"]] == ["New"]
    assert api().get("/api/leads/LD-209901-0001/journey").status_code == 404
    assert api("agent").get(f"/api/leads/{number}/journey").status_code == 404
    found = api().get("/api/stats/forecast", params={"where": "name:Halima"}).json()
    assert (found["open_leads"], found["value"], found["weighted"]) == (1, "24000.00", "1200.00")
    assert api().get("/api/stats/forecast", params={"where": "nonsense:1"}).status_code in (400, 422)


def test_the_export_is_what_can_be_imported(api: Api) -> None:
    lead = api.lead(name="=cmd|x", location="Exportville")
    answer = api().get("/api/leads/export", params={"filter": "location:Exportville"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    (row,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert (row["number"], row["name"]) == (lead["number"], "'=cmd|x")
    lines = (
        api().get("/api/leads/export", params={"filter": "location:Exportville", "format": "jsonl"}).text.splitlines()
    )
    assert json.loads(lines[0])["number"] == lead["number"]
    problem(api("agent").get("/api/leads/export"), 403)


def test_the_same_key_adds_one_lead(api: Api) -> None:
    body, key = {"phone": phone()}, {"Idempotency-Key": "abc"}
    first = api().post("/api/leads", json=body, headers=key)
    again = api().post("/api/leads", json=body, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json()["number"] == first.json()["number"]
    assert again.headers["idempotency-replayed"] == "true"
    assert problem(api().post("/api/leads", json={"phone": phone()}, headers=key), 409)["code"] == "key_reused"
    assert problem(api().post("/api/leads", json=body), 409)["code"] == "duplicate"
    assert api("director").post("/api/leads", json={"phone": phone()}, headers=key).status_code == 201  # their own


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400), (b"[" * 5000, "application/json", 400),
        (b'{"phone": NaN}', "application/json", 400), (b'{"phone": 1e999}', "application/json", 400),
        (b"\xff\xfe", "application/json", 400), (b"[]", "application/json", 422), (b"phone=1", "text/plain", 415),
        (b'{"phone": "07' + b"2" * 1_000_000 + b'"}', "application/json", 413),
        (b'{"phone": "0722\\ud800\\u0000"}', "application/json", 422),
        (b'{"number": "LD-1", "phone": "0722000999"}', "application/json", 422),
        (b'{"phone": "0722000999", "mobile": "0722000998"}', "application/json", 422),
    ],
)  # fmt: skip
def test_what_is_no_lead_is_refused_in_one_shape(api: Api, body: bytes, kind: str, status: int) -> None:
    answer = api().post("/api/leads", content=body, headers={"Content-Type": kind})
    error = problem(answer, status)
    assert error["message"]
    assert answer.headers["cache-control"] == "no-store"


def test_a_body_that_never_ends_is_cut_off(api: Api) -> None:
    def parts() -> object:
        for _ in range(40):
            yield b"x" * 50_000

    headers = {"Content-Type": "application/json"}
    problem(api().post("/api/leads", content=parts(), headers=headers), 413)  # type: ignore[arg-type]


def test_addresses_that_are_none(api: Api) -> None:
    assert problem(api().get("/api/nothing"), 404)["code"] == "not_found"
    wrong = api().patch("/api/leads")
    assert problem(wrong, 405)["code"] == "method_not_allowed"
    assert "allow" in wrong.headers
    problem(api().get("/api/leads/a%00b"), 400)
    problem(api().get("/api/leads?filter=a%00b"), 400)
    problem(api().get("/api/leads/" + "x" * 101), 422)


def test_what_a_form_shows(api: Api) -> None:
    lead = api.lead(has_router=True, package="20 Mbps Home", monthly_fee="2500", next_follow_up="2027-01-05")
    new = api().get("/api/leads/create/").json()
    fields = {one["key"]: one for one in new["fields"]}
    assert new["pipeline"] == "isp"
    assert fields["phone"]["required"] is True
    assert fields["router_type"]["visible"] is False
    assert "Field Sales" in fields["source"]["choices"]
    assert "Converted" not in fields["status"]["choices"]
    edited = api().get(f"/api/leads/{lead['id']}/edit").json()
    values = {one["key"]: one["value"] for one in edited["fields"]}
    assert edited["version"] == lead["version"]
    assert (values["phone"], values["monthly_fee"], values["has_router"]) == (lead["phone"], "2500.00", True)
    assert next(one for one in edited["fields"] if one["key"] == "router_type")["visible"] is True
    assert "monthly_fee" not in {one["key"] for one in api("technician").get("/api/leads/create").json()["fields"]}
    assert problem(api().get("/api/leads/create?pipeline=moon"), 422)["field"] == "pipeline"


def test_the_page_of_operations_loads_nothing_from_elsewhere(api: Api) -> None:
    page = api.stranger.get("/api/docs/")
    assert page.status_code == 200
    assert "http" not in page.text.replace("HTTP operations", "")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    said = api.stranger.get("/api/openapi.json").json()
    assert {"/api/leads", "/api/leads/list", "/api/leads/{ref}", "/api/leads/create", "/api/mikrotik/users"} <= set(
        said["paths"]
    )
    assert said["components"]["securitySchemes"]
    described = said["components"]["schemas"]["LeadBody"]["properties"]
    assert {"phone", "name", "package", "custom"} <= set(described)


def test_several_ask_at_once(api: Api) -> None:
    """Threads, not the loop: a slow one does not hold up the others, and no two draw one number."""
    from concurrent.futures import ThreadPoolExecutor

    client = api()
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: client.post("/api/leads", json={"phone": phone()}), range(24)))
    assert {one.status_code for one in made} == {201}
    assert len({one.json()["number"] for one in made}) == 24


def test_campaigns_are_shown_as_the_command_line_shows_them(api: Api) -> None:
    from leadtui.services import campaigns

    api.lead(location="Campaignville")
    values = {
        "name": "Hello all",
        "template": "Hello {name|there}",
        "channel": "file",
        "where": "location:Campaignville",
    }
    made = campaigns.create(api.office, values).campaign
    shown = api().get(f"/api/campaigns/{made.id}").json()
    assert list(shown)[:4] == ["id", "name", "status", "channel"]
    assert {"total_leads", "sent_count", "pending_count", "unknown_count", "success_rate", "read_rate"} <= set(shown)
    listed = api().get("/api/campaigns", params={"status": "draft"}).json()
    assert [one["id"] for one in listed["campaigns"]] == [made.id]
    campaigns.start(api.office, made.id, confirm=1)
    recipients = api().get(f"/api/campaigns/{made.id}/recipients").json()
    assert recipients["total"] == 1
    assert {"lead_number", "phone", "status", "sent_at", "delivered_at", "read_at", "retry_count", "error"} <= set(
        recipients["recipients"][0]
    )
    problem(api().get("/api/campaigns/99999"), 404)
    problem(api("agent").get("/api/campaigns"), 403)
