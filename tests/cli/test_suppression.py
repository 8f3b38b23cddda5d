"""`leadtui suppression`."""

from __future__ import annotations

from pathlib import Path

from .conftest import Office


def test_the_list_from_the_command_line(office: Office, tmp_path: Path) -> None:
    one = office.json("suppression", "add", "0722 000 111", "--note", "on the phone")
    assert (one["address"], one["channel"], one["reason"], one["by"]) == ("+254722000111", "", "by_hand", "boss")
    file = tmp_path / "list.csv"
    file.write_text("phone,channel\n0733000111,sms\nnobody,\n", "utf-8")
    dry = office("--json", "suppression", "import", str(file), "--dry-run")
    assert dry.code == 5 and (dry.json["added"], dry.json["failed"]) == (1, 1)
    assert office("suppression", "import", str(file)).code == 5
    found = office.json("suppression", "list", "--channel", "sms")
    assert found["total"] == 1 and found["suppressions"][0]["address"] == "+254733000111"
    out = tmp_path / "out.csv"
    assert office.json("suppression", "export", "--out", str(out)) == {"exported": 2, "out": str(out)}
    assert office.fails("suppression", "lift", "0722000111", "--reason", "", code=5)
    number = office.json("lead", "add", "--phone", "0722000111", "--name", "Jane")["number"]
    office.json("lead", "edit", number, "--set", "consent=refused")
    told = office("--json", "suppression", "lift", "0722000111", "--reason", "asked again")
    lifted = told.json
    assert f"{number} wants no messages all the same" in told.err
    assert lifted["address"] == "+254722000111" and office.json("suppression", "list")["total"] == 1
    assert office.fails("suppression", "lift", "99", "--reason", "x", code=4)
    assert "nobody" in office("suppression", "list", "no such words").out


def test_consent_is_a_field_like_any_other(office: Office) -> None:
    office("lead", "add", "--phone", "0722000111", "--name", "Amina", "--source", "Website", "--set", "consent=given")
    assert office.json("lead", "list", "consent:given")["total"] == 1
    number = office.json("lead", "list")["leads"][0]["number"]
    office("lead", "edit", number, "--set", "consent=refused")
    assert office.json("lead", "list", "consent:refused")["total"] == 1
    assert office.fails("lead", "edit", number, "--set", "consent=maybe", code=5)
    assert office("lead", "edit", number, "--set", "consent=").code == 0
    assert office.json("lead", "list", "missing:consent")["total"] == 1
