"""The mark that says whose a row on a router is: the first words of its comment. Pure.

`leadtui:LD-202611-0001 office:1a2b3c4d`: the number names the lead (`package:7` a package, on PPP profiles), the
office tells two databases on one router apart. Rows of before offices had an id carry the first word alone.
"""

from __future__ import annotations

import re

TAG_PREFIX = "leadtui:"
OFFICE_PREFIX = "office:"
PACKAGE_PREFIX = "package:"

HOTSPOT_PROFILE_PREFIX = "lt-"
"""How the name of every Hotspot profile of ours begins: there is no comment to mark (facts/mikrotik §0.7)."""

_MARK = re.compile(rf"\s*({TAG_PREFIX}\S+)(?:\s+({OFFICE_PREFIX}\S+))?(?:\s+(.*))?", re.DOTALL)


def tag_for(number: str, office_id: str = "") -> str:
    """The mark of a lead: ASCII, first in the comment (facts/mikrotik §c, better 1)."""
    return f"{TAG_PREFIX}{number} {OFFICE_PREFIX}{office_id}" if office_id else f"{TAG_PREFIX}{number}"


def package_tag(product_id: int, office_id: str = "") -> str:
    """The mark of a package, for its PPP profile."""
    return tag_for(f"{PACKAGE_PREFIX}{product_id}", office_id)


def owner_tag(comment: str) -> str | None:
    """The mark at the beginning of `comment` in its one spelling, else None."""
    found = _MARK.fullmatch(comment)
    return " ".join(word for word in found.group(1, 2) if word) if found else None


def number_of(mark: str | None) -> str:
    """Whom a mark names: `LD-202611-0001` or `package:7`; empty for none."""
    found = _MARK.fullmatch(mark or "")
    return found[1].removeprefix(TAG_PREFIX) if found else ""


def office_of(mark: str | None) -> str:
    """The id of the office that a mark names; empty when it names none."""
    found = _MARK.fullmatch(mark or "")
    return (found[2] or "").removeprefix(OFFICE_PREFIX) if found else ""


def is_of_office(mark: str | None, office_id: str) -> bool:
    """Whether a mark is of this office: it names it, or none. Without an id only marks that name none are."""
    return mark is not None and office_of(mark) in ("", office_id)


def is_marked(comment: str, tag: str) -> bool:
    """Whether a row with this comment is what `tag` names: the same number, and the same office or, on the router,
    none. A comment of another office never is; a tag without an office is matched only by a comment without one.
    """
    return number_of(comment) == number_of(tag) != "" and is_of_office(comment, office_of(tag))


def marked(comment: str, tag: str) -> str:
    """`comment` with `tag` as its mark, what a person wrote behind the old mark kept."""
    found = _MARK.fullmatch(comment)
    note = (found[3] or "") if found else comment.strip()
    return f"{tag} {note}" if note else tag
