"""Figures as files: the table, the page, the picture; hostile names, permissions, files that are there already."""

from __future__ import annotations

import builtins
import csv
import html.parser
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from leadtui.domain.figures import Question
from leadtui.errors import Invalid, NotPermitted, Refused
from leadtui.services import admin, figure_export, figures, leads
from leadtui.services.office import Office
from tests.services.lead_help import acting_as

HOSTILE = "=cmd|' <script>alert(1)</script> $x$ \"&"


class Page(html.parser.HTMLParser):
    """What a browser would see: tags with attributes, and the text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Anything that would be fetched is remembered."""
        self.tags.append(tag)
        self.links += [
            name for name, value in attributes if name in ("src", "href", "action") or "url(" in (value or "")
        ]
        assert not [name for name, _ in attributes if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        """The text."""
        self.text += data


@pytest.fixture
def planted(sqlite_office: Office) -> Office:
    """Three leads, two of a source with a hostile name."""
    admin.add(sqlite_office, "source", {"name": HOSTILE})
    for n, source in enumerate((HOSTILE, HOSTILE, "Website")):
        leads.create(sqlite_office, {"name": f"L{n}", "phone": f"07221001{n:02}", "source": source})
    return sqlite_office


def test_the_table_has_every_figure_with_its_filter(planted: Office, tmp_path: Path) -> None:
    file = tmp_path / "figures.csv"
    size = figure_export.write(planted, Question(), file)
    assert size == file.stat().st_size
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    assert list(rows[0]) == ["section", "label", "figure", "unit", "filter"]
    assert {"section": "cards", "label": "Total leads", "figure": "3", "unit": "leads", "filter": ""} in rows
    found = figures.ask(planted)
    assert len(rows) == len(list(figure_export.sections(found)))
    mine = next(row for row in rows if row["section"] == "sources" and "script" in row["label"])
    assert mine["label"] == f"'{HOSTILE}: total" and mine["figure"] == "2"  # no spreadsheet runs it
    assert leads.count(planted, mine["filter"]) == 2
    fees = next(row for row in rows if row["label"] == "Monthly fees")
    assert (fees["figure"], fees["unit"]) == ("0.00", "KES")


def test_the_page_stands_alone_and_runs_nothing(planted: Office, tmp_path: Path) -> None:
    file = tmp_path / "page"
    figure_export.write(planted, Question(filter='source:"Website" or -missing:source'), file, format="html")
    source = file.read_text()
    page = Page(source)
    assert not {"script", "link", "img", "iframe", "object", "embed", "form"} & set(page.tags)
    assert not page.links and "http" not in source.replace("http-equiv", "")
    assert "svg" in page.tags and "default-src 'none'" in source
    assert HOSTILE in page.text
    assert 'source:"Website" or -missing:source' in page.text and "made " in page.text and "by boss" in page.text
    assert page.tags.count("section") >= 7


def test_the_picture_is_a_picture(planted: Office, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    file = tmp_path / "charts.png"
    figure_export.write(planted, Question(), file)
    assert file.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_without_matplotlib_the_person_is_told_what_to_install(
    planted: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual: Callable[..., Any] = builtins.__import__

    def without(name: str, *arguments: Any, **options: Any) -> Any:
        if name.startswith("matplotlib"):
            raise ModuleNotFoundError(name)
        return usual(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(Refused) as caught:
        figure_export.write(planted, Question(), tmp_path / "charts.png")
    assert "leadtui[charts]" in (caught.value.hint or "")
    assert not list(tmp_path.glob("*charts*"))


def test_what_is_refused(planted: Office, tmp_path: Path) -> None:
    file = tmp_path / "figures.csv"
    file.write_text("mine")
    with pytest.raises(Refused, match="exists"):
        figure_export.write(planted, Question(), file)
    assert file.read_text() == "mine"
    figure_export.write(planted, Question(), file, force=True)
    assert file.read_text().startswith("section,")
    with pytest.raises(Invalid, match="format"):
        figure_export.write(planted, Question(), tmp_path / "x", format="pdf")
    with pytest.raises(Invalid):
        figure_export.write(planted, Question(date_from="2026-13"), tmp_path / "y.csv")
    assert figure_export.about(planted, Question(filter="source:website", year=2020)) == (
        "Figures of 1 lead: 2020 · source:website"
    )
    admin.set_role(planted, "agent", "stats", "none")
    admin.add_user(planted, {"login": "brian", "name": "Brian", "role": "agent"})
    with acting_as(planted, "brian") as brian, pytest.raises(NotPermitted):
        figure_export.write(brian, Question(), tmp_path / "z.csv")
    assert not (tmp_path / "z.csv").exists()
