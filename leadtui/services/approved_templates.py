"""Templates that a provider approved, taken over as texts of ours: each of its values gets a text with places.

What WhatsApp shows is its own copy; ours is what stands on the timeline and in a rehearsal, made from the same values.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from leadtui.channels.provider_templates import PLACE, ApprovedTemplate, places
from leadtui.errors import Invalid, Refused

from . import channels, templates

if TYPE_CHECKING:
    from .office import Office

_BRACES = re.compile(r"[{}]")


def keep(
    office: Office,
    approved: str,
    *,
    params: Sequence[str] = (),
    header: Sequence[str] = (),
    buttons: Sequence[str] = (),
    language: str | None = None,
    name: str | None = None,
    channel: str = "whatsapp_cloud",
) -> templates.TemplateRow:
    """Keep an approved template as a text of ours, under its own name or another one.

    `params` are the texts for its values in order, such as "{first_name|there}"; `header` and `buttons` likewise.
    Raises Invalid (`template`, `language`, `param`, `header`, `button`), Refused where it is not approved, Duplicate.
    """
    found = find(channels.templates(office, channel), approved, language)
    if found.status.upper() != "APPROVED":
        raise Refused(f"{found.name} is not approved: {found.status.lower()}", code="not_approved", field="template")
    for field, given, wanted in (
        ("param", params, found.params), ("header", header, found.header_params), ("button", buttons, found.buttons)
    ):  # fmt: skip
        if len(given) != wanted:
            texts = f"{wanted} text{'' if wanted == 1 else 's'}"
            raise Invalid(f"{found.name} takes {texts} for its {field}s, not {len(given)}", field=field,
                          hint=found.body)  # fmt: skip
    provider = {
        "name": found.name, "language": found.language, "params": list(params), "names": list(found.names),
        "header": list(header), "buttons": list(buttons),
    }  # fmt: skip
    values = {
        "name": name or found.name, "body": as_text(found.body, params), "channel": channel,
        "provider": {key: value for key, value in provider.items() if value},
    }  # fmt: skip
    return templates.add(office, values)


def find(known: Sequence[ApprovedTemplate], name: str, language: str | None = None) -> ApprovedTemplate:
    """The template of that name, in that language or its only one. Raises Invalid."""
    same = [row for row in known if row.name == name.strip()]
    if not same:
        names = ", ".join(sorted({row.name for row in known})[:8])
        raise Invalid(f"the provider has no template '{name[:60]}'", field="template",
                      hint=f"one of: {names}" if names else "leadtui channel templates --refresh")  # fmt: skip
    wanted = [row for row in same if language is None or row.language == language]
    if len(wanted) != 1:
        languages = ", ".join(row.language for row in same)
        raise Invalid(f"{same[0].name} is there in other languages", field="language", hint=f"one of: {languages}")
    return wanted[0]


def as_text(body: str, params: Sequence[str]) -> str:
    """The provider's text with our texts in its places; braces of its own are braces in ours."""
    texts = dict(zip(places(body), params, strict=True))
    pieces, end = [], 0
    for found in PLACE.finditer(body):
        pieces += [_plain(body[end : found.start()]), texts[found[1]]]
        end = found.end()
    return "".join([*pieces, _plain(body[end:])])


def _plain(text: str) -> str:
    return _BRACES.sub(lambda found: found[0] * 2, text)
