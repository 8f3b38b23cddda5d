"""`stats export`: formats, the file that is there, filters that cannot be read."""

from __future__ import annotations

from .conftest import Office


def test_figures_go_to_a_file(office: Office) -> None:
    office.json("lead", "add", "--name", "Asha", "--phone", "0722 000 111", "--source", "Website")
    out = office.folder / "figures.html"
    assert office.json("stats", "export", "--out", str(out), "--year", "2026", "--pipeline", "isp") == {
        "out": str(out), "format": "html", "bytes": out.stat().st_size,
    }  # fmt: skip
    again = office("--json", "stats", "export", "--out", str(out))
    assert (again.code, again.error["code"], again.error["field"]) == (5, "file_exists", "out")
    done = office("stats", "export", "--out", str(out), "--format", "csv", "--force", "--where", "source:website")
    assert (done.code, done.out) == (0, f"Figures written to {out}\n")
    assert "cards,Total leads,1,leads,source:website" in out.read_text()
    wrong = office("--json", "stats", "export", "--out", str(out), "--force", "--where", "statuss:new")
    assert (wrong.code, wrong.error["field"]) == (2, "filter")
    assert office("stats", "export", "--out", str(out), "--force", "--format", "pdf").code == 5
    assert office("stats", "export").code == 2
