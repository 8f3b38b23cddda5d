"""Rules of assignment, claims and offers on the command line; what users are to them."""

from __future__ import annotations

from .conftest import Office


def test_rules_are_listed_changed_and_switched(office: Office) -> None:
    listed = office.json("rule", "assign", "list")
    assert [one["kind"] for one in listed["rules"]] == ["area", "workload", "performance"]
    assert set(listed["rules"][0]) == {
        "id", "key", "name", "pipeline", "order", "kind", "users", "sources", "rate", "minutes", "condition",
        "only_if_any", "is_active", "does", "problem",
    }  # fmt: skip
    tried = office.json("rule", "assign", "add", "--kind", "language", "--strict", "--dry-run")
    assert (tried["id"], tried["only_if_any"]) == (0, False)
    made = office.json(
        "rule", "assign", "add", "--kind", "first-to-claim", "--minutes", "30", "--where", "source:Referral"
    )
    assert (made["kind"], made["minutes"], made["name"], made["order"]) == ("first_to_claim", 30, "First to claim", 4)
    assert office.json("rule", "assign", "edit", "first to claim", "--where", "")["condition"] is None
    assert office.json("rule", "assign", "disable", "first_to_claim")["is_active"] is False
    assert office.json("rule", "assign", "enable", "first_to_claim")["is_active"] is True
    assert "offers it to all that are left for 30 min" in office("rule", "assign", "show", "First to claim").out
    office.json("rule", "assign", "remove", "First to claim")
    assert office.fails("rule", "assign", "show", "First to claim", code=4)["field"] == "rule"
    office.json("undo")
    assert office.json("rule", "assign", "show", "First to claim")["minutes"] == 30
    assert office.fails("rule", "assign", "add", "--kind", "luck", code=5)["field"] == "kind"
    assert office.fails("rule", "assign", "add", "--kind", "area", "--where", "colour:red", code=2)["code"]
    assert office.fails("rule", "assign", "edit", "Area", code=2)["code"] == "missing_option"


def test_a_lead_is_offered_claimed_and_explained(office: Office) -> None:
    for login in ("wanjiku", "peter"):
        office.json("user", "add", "--login", login, "--name", login.title(), "--role", "agent")
    changed = office.json(
        "user", "edit", "wanjiku", "--areas", "Westlands, Karen,karen", "--types", "fibre", "--languages", "Swahili",
        "--min-price", "1,000", "--max-price", "9000", "--capacity", "5", "--not-available",
    )  # fmt: skip
    told = {key: changed[key] for key in ("service_areas", "specializations", "languages", "min_price", "capacity")}
    assert told == {
        "service_areas": ["Westlands", "Karen"], "specializations": ["fibre"], "languages": ["Swahili"],
        "min_price": "1000.00", "capacity": 5,
    }  # fmt: skip
    assert changed["is_available"] is False
    assert office.fails("user", "edit", "wanjiku", "--max-price", "10", code=5)["field"] == "min_price"
    office.json("user", "edit", "wanjiku", "--available")
    number = office.lead("0722000001", set="city=Westlands")["number"]
    shown = office.json("lead", "assign", number, "--to", "auto", "--dry-run")
    assert shown["explanation"][0] == "area Westlands: 1 of 2 serve it: wanjiku"
    assert shown["explanation"][-1] == "so wanjiku gets it"
    office.json("rule", "assign", "add", "--kind", "first_to_claim", "--order", "0")
    done = office("lead", "assign", number, "--to", "auto", "--json")
    assert done.code == 0
    assert done.json["assigned_to"] is None
    assert "offered to" in done.err
    assert [one["lead_number"] for one in office.json("lead", "offers", "--all")["offers"]] == [number]
    (mine,) = office.json("lead", "offers", "--as", "peter")["offers"]
    assert (mine["lead_name"], mine["area"], sorted(mine["to"])) == (None, "Westlands", ["peter", "wanjiku"])
    assert office.json("lead", "claim", number, "--as", "peter")["assigned_to"] == "peter"
    late = office.fails("lead", "claim", number, "--as", "wanjiku", code=5)
    assert (late["code"], late["message"]) == ("taken", "peter was faster")
    assert office.json("lead", "offers", "--all") == {"total": 0, "offers": []}
    assert office.fails("lead", "claim", "LD-209901-0001", "--as", "peter", code=4)["code"] == "not_found"


def test_a_lead_added_with_auto_and_the_settings(office: Office) -> None:
    office.json("user", "add", "--login", "ann", "--name", "Ann", "--role", "agent", "--areas", "Karen")
    added = office.json("lead", "add", "--phone", "0722000001", "--source", "Website", "--assign", "auto")
    assert (added["assigned_to"], added["version"]) == ("ann", 1)
    assert added["next_follow_up"]
    office.json("config", "set", "auto_assign", "intake")
    booked = office.json("booking", "add", "--ref", "B-1", "--name", "Zuri", "--phone", "0722000002")
    assert office.json("lead", "show", booked["lead"]["number"])["assigned_to"] == "ann"
    office.json("user", "edit", "ann", "--not-available")
    office.json("booking", "add", "--ref", "B-2", "--name", "Juma", "--phone", "0722000003")
    assert office.json("lead", "list", "is:unassigned")["total"] == 1
    office.json("user", "edit", "ann", "--available")
    assert office.json("worker", "--once")["assigned"] == 1
    assert office.json("lead", "list", "assigned:ann")["total"] == 3
    assert office.fails("config", "set", "auto_assign", "always", code=5)["field"] == "auto_assign"
