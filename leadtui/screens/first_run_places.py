"""Where a new office is: countries, currencies and time zones to choose from, and a guess from this machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

Choices = tuple[tuple[str, str], ...]
"""(value, label) pairs."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an office is. Each may be "" when nothing says."""

    country: str = ""
    currency: str = ""
    timezone: str = ""

    def over(self, other: Place) -> Place:
        """This place, with what it does not know from another."""
        return Place(self.country or other.country, self.currency or other.currency, self.timezone or other.timezone)


@dataclass(frozen=True, slots=True)
class Lists:
    """Everything that can be chosen, in words."""

    countries: Choices
    currencies: Choices
    timezones: Choices


@lru_cache(maxsize=1)
def lists() -> Lists:
    """All countries that have phone numbers, currencies in use, time zones. Slow the first time: in a thread."""
    from zoneinfo import available_timezones

    import phonenumbers
    from babel import Locale
    from babel.numbers import get_territory_currencies

    english = Locale("en")
    regions = sorted(phonenumbers.SUPPORTED_REGIONS, key=lambda code: str(english.territories.get(code, code)))
    countries = tuple((code, f"{english.territories.get(code, code)} ({code})") for code in regions)
    used = {currency for code in regions for currency in get_territory_currencies(code)}
    currencies = tuple((code, f"{code}  {english.currencies.get(code, code)}") for code in sorted(used))
    zones = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "SystemV/")))
    return Lists(countries, currencies, tuple((zone, zone) for zone in ("UTC", *zones)))


def place_of(country: str) -> Place:
    """The currency and the time zone of a country: its zone when it has one, else the one named first."""
    from babel.core import get_global
    from babel.numbers import get_territory_currencies

    currencies = get_territory_currencies(country)
    zones = get_global("territory_zones").get(country, [])
    return Place(country, currencies[0] if currencies else "", zones[0] if zones else "")


def guess(environ: Mapping[str, str] | None = None, root: Path = Path("/")) -> Place:
    """What this machine says: its time zone, and the country of the zone or of the language settings.

    A machine on UTC says nothing about where its people are: servers are.
    """
    environ = os.environ if environ is None else environ
    zone = _zone(environ, root)
    from babel.core import get_global

    country = str(get_global("zone_territories").get(zone, "")) if zone else ""
    country = country or _territory(environ)
    if len(country) != 2 or country == "ZZ":
        return Place("", "", zone)
    known = place_of(country)
    return Place(country, known.currency, zone or known.timezone)


def _zone(environ: Mapping[str, str], root: Path) -> str:
    """The machine's time zone by name; "" for none and for UTC."""
    found = environ.get("TZ", "").lstrip(":")
    if not found:
        try:
            found = (root / "etc/timezone").read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            found = ""
    if not found:
        try:
            found = os.readlink(root / "etc/localtime").partition("zoneinfo/")[2]
        except OSError:
            found = ""
    from zoneinfo import available_timezones

    known = found in available_timezones() and "/" in found and not found.startswith("Etc/")
    return found if known else ""


def _territory(environ: Mapping[str, str]) -> str:
    """The country of the language settings: `KE` of `en_KE.UTF-8`."""
    for name in ("LC_ALL", "LC_MONETARY", "LC_TELEPHONE", "LANG"):
        head = environ.get(name, "").partition(".")[0].partition("@")[0]
        language, under, country = head.partition("_")
        if under and language.isalpha() and len(country) == 2 and country.isalpha():
            return country.upper()
    return ""
