"""Completion in the live filter line: names, values, quotes, and the middle of a line."""

from __future__ import annotations

import pytest

from leadtui.domain.filters import Catalogue, FilterField, complete, parse

FIELDS = Catalogue(
    [
        FilterField("status", "choice", help="where it stands"),
        FilterField("score", "number"),
        FilterField("priority", "choice", choices=("low", "medium", "high")),
        FilterField("follow_up", "datetime", aliases=("due",)),
        FilterField("assigned_to", "user", aliases=("assigned",)),
        FilterField("has_router", "bool"),
        FilterField("is", "is", choices=("hot", "lost")),
        FilterField("missing", "missing"),
        FilterField("custom", "custom", choices=("rooms",)),
    ]
)
STATUSES = ["New", "Site Survey Scheduled", 'The "odd" one']


def offers(line: str) -> list[str]:
    """The lines that accepting each completion at `|` would make."""
    cursor = line.index("|")
    text = line.replace("|", "", 1)
    found = complete(text, cursor, FIELDS, lambda field, prefix: STATUSES if field == "status" else ["jane"])
    return [text[: one.start] + one.text + text[one.end :] for one in found]


@pytest.mark.parametrize(
    ("line", "first"),
    [
        ("st|", "status:"),
        ("DU|", "due:"),
        ("jane pri|", "jane priority:"),
        ("-(pri|", "-(priority:"),
        ("(is:hot or sc|", "(is:hot or score:"),
        ("cus|", "custom.rooms:"),
        ("status:s|", 'status:"Site Survey Scheduled"'),
        ('status:"Site S|', 'status:"Site Survey Scheduled"'),
        ("status:survey|", 'status:"Site Survey Scheduled"'),
        ("status:odd|", r'status:"The \"odd\" one"'),
        ("status:New,Si|", 'status:New,"Site Survey Scheduled"'),
        ('status:"Site Survey Scheduled",N|', 'status:"Site Survey Scheduled",New'),
        ("status:!=n|", "status:!=New"),
        ("priority:|", "priority:low"),
        ("priority:hi| is:hot", "priority:high is:hot"),
        ("due:<=tod|", "due:<=today"),
        ("due:-7d..tod|", "due:-7d..today"),
        ("due:ov|", "due:overdue"),
        ("assigned:m|", "assigned:me"),
        ("assigned:j|", "assigned:jane"),
        ("is:l|", "is:lost"),
        ("missing:fol|", "missing:follow_up"),
        ("has_router:y|", "has_router:yes"),
    ],
)
def test_the_first_offer_continues_the_line(line: str, first: str) -> None:
    assert offers(line)[0] == first


@pytest.mark.parametrize("line", ["jane doe|", '"sta|', "nofield:x|", "12:3|", "status:zzz|", "a b) @|"])
def test_nothing_is_offered_where_nothing_fits(line: str) -> None:
    assert offers(line) == []


def test_an_empty_line_offers_every_field() -> None:
    found = complete("", 0, FIELDS)
    assert [one.text for one in found] == [
        "status:", "score:", "priority:", "follow_up:", "assigned_to:", "has_router:", "is:", "missing:",
        "custom.rooms:",
    ]  # fmt: skip
    assert found[0].help == "where it stands"


def test_accepted_values_can_be_read() -> None:
    for line in ("status:|", "due:|", "priority:|", "is:|", "assigned:|", "missing:|", "has_router:|", "score:|"):
        for text in offers(line):
            parse(text, fields=FIELDS)
