"""What the source documents name by id, and people by name: statuses, sources, users; both are understood."""

from __future__ import annotations

from typing import Any

from leadtui.errors import Invalid
from leadtui.services.office import Office


def _by_id(found: dict[int, Any], given: str | int) -> Any | None:
    text = str(given).strip()
    return found.get(int(text)) if text.isascii() and text.isdigit() and len(text) < 10 else None


def stage_named(office: Office, given: str | int, field: str = "status") -> str:
    """The name of a status. Raises Invalid."""
    stage = _by_id(office.catalog.stage_by_id, given)
    if stage is not None:
        return str(stage.name)
    if not (found := office.catalog.find_stages(str(given))):
        return office.catalog.find_stage(str(given), office.catalog.default_pipeline.id, field=field).name
    return found[0].name


def source_named(office: Office, given: str | int, field: str = "source") -> str:
    """The name of a source. Raises Invalid."""
    source = _by_id(office.catalog.source_by_id, given)
    return str(source.name) if source is not None else office.catalog.find_source(str(given), field=field).name


def user_named(office: Office, given: str | int, field: str = "assigned_to") -> str:
    """The login of a user; `me` is whoever asks. Raises Invalid."""
    text = str(given).strip()
    if text.casefold() == "me":
        return office.actor.login
    user = _by_id(office.catalog.user_by_id, given)
    if user is not None and user.login != "system":
        return str(user.login)
    return office.catalog.find_user(text, field=field).login


def one_of(field: str, *given: Any) -> Any:
    """The one of several names of a value that was given. Raises Invalid when none was."""
    found = next((one for one in given if one is not None), None)
    if found is None:
        raise Invalid(f"{field} is required", field=field, code="required")
    return found
