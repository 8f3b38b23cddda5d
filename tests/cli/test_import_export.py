"""`lead import`, `lead export`, `demo` as a person and a script see them: documents, exit codes, streams."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

GOOD = "Name,Phone,Source\nAsha,0722000111,Website\nBen,0722000222,Referral\n"


def test_a_file_is_imported_and_undone(office: Any) -> None:
    file = office.folder / "good.csv"
    file.write_text(GOOD)
    done = office("lead", "import", str(file), "--json")
    assert done.code == 0
    assert {k: done.json[k] for k in ("rows", "created", "updated", "skipped", "failed")} == {
        "rows": 2, "created": 2, "updated": 0, "skipped": 0, "failed": 0,
    }  # fmt: skip
    again = office("lead", "import", str(file), "--json")
    assert (again.code, again.json["created"], again.json["skipped"], again.json["batch"]) == (0, 0, 2, None)
    assert office("undo", str(done.json["batch"])).code == 0
    assert office("lead", "list", "--json").json["total"] == 0


def test_bad_rows_are_named_and_exit_5(office: Any) -> None:
    file, rejects = office.folder / "bad.csv", office.folder / "rejects.csv"
    file.write_text(GOOD + "Bad,12,Nowhere\n")
    refused = office("lead", "import", str(file), "--json")
    assert (refused.code, refused.json["created"], refused.json["failed"]) == (5, 0, 1)
    assert refused.error["code"] == "bad_rows"
    assert {(e["line"], e["field"]) for e in refused.json["errors"]} == {(4, "phone"), (4, "source")}
    assert "line 4, phone" in office("lead", "import", str(file)).out
    partly = office("lead", "import", str(file), "--good-rows-only", "--rejects", str(rejects), "--json")
    assert (partly.code, partly.json["created"], partly.json["failed"]) == (5, 2, 1)
    assert next(csv.DictReader(io.StringIO(rejects.read_text())))["Name"] == "Bad"
    mended = rejects.read_text().replace("Bad,12,Nowhere", "Bad,0722000333,Website")
    rejects.write_text(mended)
    assert office("lead", "import", str(rejects), "--json").json["created"] == 1


def test_options_that_name_nothing(office: Any) -> None:
    file = office.folder / "good.csv"
    file.write_text(GOOD)
    for options, field, code in (
        (["--on-duplicate", "eat"], "on_duplicate", 5), (["--map", "Nix=name"], "map", 5),
        (["--map", "Name"], "map", 2),
    ):  # fmt: skip
        found = office("lead", "import", str(file), *options, "--json")
        assert (found.code, found.error["field"]) == (code, field)
    missing = office("lead", "import", str(office.folder / "nothing.csv"), "--json")
    assert (missing.code, missing.error["field"]) == (5, "file")


def test_a_column_is_mapped_and_standard_input_is_read(office: Any) -> None:
    command = ("lead", "import", "-", "--map", "Simu=phone", "--dry-run", "--json")
    done = office.process(*command, stdin="Simu\n0722000111\n")
    assert (done.code, done.json["created"], done.json["batch"]) == (0, 1, None)
    assert office("lead", "list", "--json").json["total"] == 0


def test_export_to_a_file_and_to_standard_output(office: Any) -> None:
    office("lead", "add", "--phone", "0722000111", "--name", "=Asha", "--source", "Website", "--tag", "vip")
    office("lead", "add", "--phone", "0722000222", "--name", "Ben", "--source", "Website")
    out = office.folder / "out.jsonl"
    done = office("lead", "export", "-tag:vip", "--out", str(out), "--json")
    assert done.json == {"exported": 1, "format": "jsonl", "out": str(out)}
    assert [json.loads(line)["name"] for line in out.read_text().splitlines()] == ["Ben"]
    streamed = office.process("lead", "export", "tag:vip")
    rows = list(csv.DictReader(io.StringIO(streamed.out)))
    assert [(r["name"], r["phone"], r["tags"]) for r in rows] == [("'=Asha", "+254722000111", "vip")]
    assert office("lead", "export", "--json").code == 2
    assert office("lead", "export", "status:nonsense", "--out", str(out), "--json").code == 2
    assert office("lead", "export", "--format", "pdf", "--out", str(out), "--json").error["field"] == "format"


def test_the_demo_says_where_it_is(office: Any, tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "demo.db"
    made = office("--db", str(path), "demo", "--leads", "40", "--no-tui", "--json")
    assert (made.code, made.json["db"], made.json["leads"]) == (0, str(path), 40)
    assert made.json["router"]["port"] > 0
    assert office("--db", str(path), "lead", "list", "--json").json["total"] == 40
    assert office("--db", str(path), "db", "check").code == 0
    assert office("--db", str(path), "demo", "--no-tui", "--json").code == 5
    assert office("--db", str(tmp_path / "x.db"), "demo", "--leads", "0", "--no-tui", "--json").code == 5
    assert office("demo", "--json").code == 2


def test_progress_and_warnings_stay_off_standard_output(office: Any, tmp_path: Path) -> None:
    file = tmp_path / "junk.csv"
    file.write_bytes("Name;Phone;Blood\nJosé;0722000111;A\n".encode("cp1252"))
    done = office.process("lead", "import", str(file), "--json")
    assert json.loads(done.out)["created"] == 1
    assert "Windows-1252" in done.err
    assert "Blood" in done.err
