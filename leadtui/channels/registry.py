"""Which channels there are: those of the house, and those that other packages bring (entry points `leadtui.channels`).

A plug-in that is broken is listed with what is wrong with it; it never stops the others.
"""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Final

from leadtui.channels.port import Account, Caps, Channel, Plugin, Probe, Spec
from leadtui.errors import LeadtuiError, NotFound, Refused

GROUP: Final = "leadtui.channels"

BUILT_IN: Final = {
    "file": "leadtui.channels.file",
    "manual": "leadtui.channels.manual",
    "whatsapp_web": "leadtui.channels.whatsapp_web",
    "whatsapp_cloud": "leadtui.channels.whatsapp_cloud",
    "sms": "leadtui.channels.sms",
    "email": "leadtui.channels.email",
    "http": "leadtui.channels.http",
}
"""Name → the module that holds its `PLUGIN`."""

_NAME_LIMIT = 20


@dataclass(frozen=True, slots=True)
class Found:
    """A channel by name: its plug-in, or what is wrong with it."""

    name: str
    plugin: Plugin | None = None
    error: str = ""
    origin: str = "leadtui"
    """The package it comes from."""

    @property
    def spec(self) -> Spec:
        """How it is called and set up; of a broken one only the name."""
        return self.plugin.spec if self.plugin is not None else Spec(self.name, self.name)


@lru_cache(maxsize=1)
def _all() -> dict[str, Found]:
    found: dict[str, Found] = {}
    for name, module in BUILT_IN.items():
        if importlib.util.find_spec(module) is not None:
            found[name] = Found(name, importlib.import_module(module).PLUGIN)
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        if point.name not in found:  # a name of the house cannot be taken
            found[point.name] = _foreign(point)
    return found


def _foreign(point: EntryPoint) -> Found:
    origin = point.dist.name if point.dist is not None else point.value
    if not point.name.isidentifier() or len(point.name) > _NAME_LIMIT:
        return Found(point.name[:_NAME_LIMIT], None, f"a channel cannot be called {point.name[:60]!r}", origin)
    try:
        plugin = point.load()
        if not isinstance(plugin, Plugin):
            return Found(point.name, None, f"{point.value} is no Plugin of leadtui.channels.port", origin)
        if plugin.spec.name != point.name:
            return Found(point.name, None, f"{point.value} calls itself {plugin.spec.name}", origin)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a plug-in does, the others work
        return Found(point.name, None, f"{origin} cannot be loaded: {type(error).__name__}: {error}"[:500], origin)
    return Found(point.name, plugin, "", origin)


def forget() -> None:
    """Look for plug-ins again (tests)."""
    _all.cache_clear()


def names() -> tuple[str, ...]:
    """Every channel by name, broken plug-ins too; those of the house first."""
    return tuple(_all())


def found(name: str) -> Found:
    """The channel of that name. Raises NotFound listing those there are."""
    channel = _all().get(name.strip().lower().replace("-", "_"))
    if channel is None:
        raise NotFound(f"there is no channel '{name}'", field="channel", hint="one of: " + ", ".join(names()))
    return channel


def plugin(name: str) -> Plugin:
    """The plug-in of a channel. Raises NotFound, and Refused `channel_broken` for one that cannot be loaded."""
    channel = found(name)
    if channel.plugin is None:
        raise Refused(f"the channel {channel.name} is broken: {channel.error}", code="channel_broken", field="channel",
                      hint=f"ask whoever made {channel.origin}")  # fmt: skip
    return channel.plugin


def spec(name: str) -> Spec:
    """How a channel is called and set up. Raises NotFound."""
    return found(name).spec


def caps(name: str, account: Account | None = None) -> Caps:
    """What a channel can do with an account, without opening it; a broken one can nothing. Raises NotFound."""
    channel = found(name)
    if channel.plugin is None:
        return Caps()
    return channel.plugin.caps(account or Account(channel.name))


def open(name: str, account: Account) -> Channel:
    """Open a channel; no network is touched. Raises NotFound, Refused: `channel_missing` (its extra is not installed),
    `channel_setup` (something of its account is missing), `channel_broken`.
    """
    made = plugin(name)
    try:
        return made.open(account)
    except ImportError as error:
        raise missing(made.spec, error.name or "") from None
    except LeadtuiError:
        raise
    except Exception as error:  # noqa: BLE001 - a plug-in of others; ours raise the above only
        raise Refused(
            f"the channel {name} cannot be opened: {type(error).__name__}", code="channel_broken", field="channel"
        ) from None


def missing(of: Spec, package: str = "") -> Refused:
    """That a channel's package is not installed here, and how to install it."""
    what = f"needs the package {package}, which" if package else "needs a package that"
    return Refused(
        f"the channel {of.name} {what} is not installed here", code="channel_missing", field="channel",
        hint=f"pip install 'leadtui[{of.extra}]'" if of.extra else None,
    )  # fmt: skip


def probe(name: str, account: Account) -> Probe:
    """Whether a channel would work now. Raises NotFound; everything else is an answer."""
    try:
        channel = open(name, account)
    except Refused as refused:
        return Probe(False, _PROBE_CODES.get(refused.code, refused.code), refused.message, refused.hint or "")
    try:
        return channel.probe()
    except LeadtuiError as error:
        return Probe(False, error.code, error.message, error.hint or "")
    except Exception as error:  # noqa: BLE001 - a plug-in of others; ours answer
        return Probe(False, "broken", f"{type(error).__name__} in the channel {name}")
    finally:
        channel.close()


_PROBE_CODES: Final = {"channel_missing": "not_installed", "channel_setup": "not_set_up", "channel_broken": "broken"}
