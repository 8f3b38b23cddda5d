"""Templates that a provider approves before they may be sent, as it lists them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol, runtime_checkable

PLACE = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")


@dataclass(frozen=True, slots=True)
class ApprovedTemplate:
    """One template in one language, and how many values it takes."""

    name: str
    language: str
    category: str
    status: str
    """APPROVED, PENDING, REJECTED, PAUSED, DISABLED …"""
    body: str
    header_kind: str = ""
    """text, image, document, video, or "" for none."""
    params: int = 0
    header_params: int = 0
    buttons: int = 0
    """Buttons whose address has a changing end."""
    names: tuple[str, ...] = ()
    """Names of the body's places where it has named ones."""

    def as_json(self) -> dict[str, Any]:
        """As it is kept and shown."""
        return asdict(self) | {"names": list(self.names)}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> ApprovedTemplate:
        """As it was kept."""
        return cls(**{**data, "names": tuple(data.get("names") or ())})


@runtime_checkable
class CanListTemplates(Protocol):
    """A channel whose provider approves templates."""

    def approved_templates(self) -> tuple[ApprovedTemplate, ...]:
        """All of them, approved or not. Raises OtherSide."""


def places(text: str) -> tuple[str, ...]:
    """The places of a text of the provider, `{{1}}` or `{{name}}`, each once, in order."""
    return tuple(dict.fromkeys(PLACE.findall(text)))
