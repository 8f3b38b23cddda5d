"""What the editor of a campaign reads: at the opening, and each time somebody rests. Everything here runs in a thread.

The services are imported where they are called: the import is part of the work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from leadtui.errors import LeadtuiError, NotFound
from leadtui.screens.lead_pages import FilterWords

if TYPE_CHECKING:
    from leadtui.domain.campaigns import CampaignRow
    from leadtui.services.audience import AudienceCount
    from leadtui.services.channels import ChannelRow
    from leadtui.services.rehearsal import Sample
    from leadtui.services.templates import TemplateRow


@dataclass(frozen=True, slots=True)
class Opened:
    """What is read before anything is typed."""

    row: CampaignRow | None
    channels: Sequence[ChannelRow]
    templates: Sequence[TemplateRow]
    words: FilterWords


def read_opening(office: Any, campaign_id: int | None) -> Opened:
    """The campaign, the channels, the templates, and the words of the filter line."""
    from leadtui.services import admin, campaigns, channels, templates

    row = campaigns.get(office, campaign_id) if campaign_id is not None else None
    tags = [str(one["name"]) for one in admin.items(office, "tag")]
    words = FilterWords(office.catalog, office.actor.hidden_fields, tags)
    return Opened(row, channels.list_all(office), templates.list_all(office), words)


@dataclass(frozen=True, slots=True)
class Looked:
    """A look at a campaign in the making: asked with the first fields, answered with the last ones."""

    where: str
    criteria: Any
    channel: str
    template: str
    """"" while the text cannot be read."""
    subject: str | None
    provider: Any
    """The approved template of a provider that the text was taken from."""
    lead_id: int | None
    """The lead to show the text for; None: the first of the audience. In the answer the one it is shown for."""
    step: int
    """So much further in the audience; then nothing is counted, for nothing has changed."""
    counted: str = ""
    is_wrong: bool = False
    sample: Sample | None = None


def look(office: Any, wanted: Looked, should_stop: Callable[[], bool]) -> Looked:
    """Show the text for a lead, then count who would get it."""
    from leadtui.services import audience, rehearsal

    try:
        lead_id = wanted.lead_id
        if lead_id is None or wanted.step:
            lead_id = audience.neighbour(office, wanted.where, wanted.criteria, lead_id, wanted.step or 1)
        sample = None
        if lead_id is not None and wanted.template.strip():
            sample = _sample(office, wanted, lead_id, rehearsal)
        if wanted.step:
            return replace(wanted, lead_id=lead_id, sample=sample)
        counted = audience.count(
            office, wanted.where, criteria=wanted.criteria, channel=wanted.channel, template=wanted.template,
            subject=wanted.subject, should_stop=should_stop,
        )  # fmt: skip
    except LeadtuiError as error:
        words = f"{error.message} ({error.hint})" if error.hint else error.message
        return replace(wanted, counted=words, is_wrong=True, lead_id=None)
    words = count_words(counted, audience.REASONS) if counted is not None else ""
    return replace(wanted, lead_id=lead_id, sample=sample, counted=words)


def _sample(office: Any, wanted: Looked, lead_id: int, rehearsal: Any) -> Sample | None:
    try:
        found: Sample = rehearsal.preview(
            office, wanted.template, lead_id, subject=wanted.subject, channel=wanted.channel, provider=wanted.provider
        )  # fmt: skip
    except NotFound:  # it was deleted, or handed to somebody else, since it was chosen
        return None
    return found


def count_words(counted: AudienceCount, reasons: Mapping[str, str]) -> str:
    """ "412 will get it; 88 of 500 not: has no address for this channel (60), is lost (28)" """
    if not counted.found:
        return "nobody"
    dropped = counted.found - counted.to_send
    words = f"{counted.to_send:,} will get it"
    if dropped:
        why = ", ".join(
            reasons.get(code, code.replace("_", " ")) + (f" ({count:,})" if count != dropped else "")
            for code, count in counted.by_reason.most_common()
        )
        words += f"; {dropped:,} of {counted.found:,} not: {why}"
    return words
