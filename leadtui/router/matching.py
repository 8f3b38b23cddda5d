"""Whose a profile is and where it differs from the wanted one: one judgement for preview and writing. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from leadtui.domain import addresses
from leadtui.router import dialect
from leadtui.router.marks import HOTSPOT_PROFILE_PREFIX, is_marked, owner_tag
from leadtui.router.values import Difference, Profile, WantedProfile
from leadtui.router.wire import shown


def match_profile(wanted: WantedProfile, profiles: Sequence[Profile]) -> tuple[Profile | None, bool]:
    """The profile that stands for `wanted` among all of its service, and whether it is ours.

    On PPP ours is what carries the mark, first under the wanted name. On Hotspot ours is what the store knows it as,
    when that name begins with `lt-`; when nothing is called so any more, the profile of the wanted name is ours only
    if it is exactly as wanted: then our renaming got through and its answer was lost. Else a profile of the wanted
    name is somebody else's: (profile, False). None of either: (None, False).
    """
    named = next((profile for profile in profiles if profile.name == wanted.name), None)
    if wanted.service == "pppoe":
        ours = [profile for profile in profiles if is_marked(profile.comment, wanted.tag)]
        if named in ours:
            return named, True
        return (ours[0], True) if ours else (named, False)
    if (wanted.known_as or "").startswith(HOTSPOT_PROFILE_PREFIX):
        known = next((profile for profile in profiles if profile.name == wanted.known_as), None)
        if known is not None:
            return known, True
        if named is not None and named.name.startswith(HOTSPOT_PROFILE_PREFIX):
            return named, not profile_differences(wanted, named)
    return named, False


def profile_differences(wanted: WantedProfile, profile: Profile) -> tuple[Difference, ...]:
    """Where `profile` is not as wanted, both sides normalised; an absent property reads "".

    The fields are our words: name, rate_limit, pool, gateway, comment (the mark). The last two exist on PPP only.
    """
    limit = addresses.rate_limit(wanted.upload_bps, wanted.download_bps) or ""
    actual = profile.rate_limit or ""
    pairs = [
        ("name", wanted.name, profile.name),
        ("rate_limit", limit, limit if _same_limit(limit, actual) else actual),
        ("pool", wanted.pool or "", dialect.address_or_none(profile.remote_address) or ""),
    ]
    if wanted.service == "pppoe":
        mark = owner_tag(profile.comment) or profile.comment
        pairs += [
            ("gateway", wanted.gateway or "", dialect.address_or_none(profile.local_address) or ""),
            ("comment", wanted.tag, mark),
        ]
    return tuple(Difference(field, mine, shown(theirs)) for field, mine, theirs in pairs if mine != theirs)


def _same_limit(mine: str, theirs: str) -> bool:
    """Two rate limits in any spelling. What follows the first word (bursts) makes one another limit."""
    if len(theirs.split()) > 1:
        return False
    nothing = (None, None)
    read = addresses.read_rate_limit(theirs) if theirs else nothing
    return read is not None and read == (addresses.read_rate_limit(mine) if mine else nothing)
