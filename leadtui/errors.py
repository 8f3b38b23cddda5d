"""The few kinds of error a person may see, with the codes and exit codes of the command-line contract."""

from __future__ import annotations

from typing import Any


class LeadtuiError(Exception):
    """Something went wrong that a person can understand and act on.

    `message` is one sentence that names what was wrong; `field` the input it concerns; `hint` what would be
    accepted or done next; `code` a stable word for scripts; `exit_code` the process exit code.
    """

    code = "error"
    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        field: str | None = None,
        hint: str | None = None,
        code: str | None = None,
        data: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.hint = hint
        if code is not None:
            self.code = code
        self.data = data or {}

    def as_json(self) -> dict[str, Any]:
        """The error object that `--json` prints on standard error."""
        return {"error": {"code": self.code, "message": self.message, "field": self.field, "hint": self.hint}}


class UsageError(LeadtuiError):
    """The command, option or filter text itself is not understood (exit 2)."""

    code = "usage"
    exit_code = 2


class FilterError(UsageError):
    """A filter text cannot be read. `column` is 1-based; `expected` says what could stand there."""

    code = "filter"

    def __init__(self, message: str, *, column: int, expected: str, text: str = "") -> None:
        super().__init__(f"column {column}: {message}", field="filter", hint=f"expected {expected}")
        self.column = column
        self.expected = expected
        self.text = text


class NotPermitted(LeadtuiError):
    """The acting user may see the thing but not do this with it (exit 3)."""

    code = "not_permitted"
    exit_code = 3


class NotFound(LeadtuiError):
    """No such record, or one outside the acting user's scope: the words are the same (exit 4)."""

    code = "not_found"
    exit_code = 4


class Refused(LeadtuiError):
    """The program understood and will not do it (exit 5)."""

    code = "refused"
    exit_code = 5


class Invalid(Refused):
    """A value is not acceptable; `field` names it."""

    code = "invalid"


class Duplicate(Refused):
    """The thing exists already. `data` may hold `lead_id` or `customer_id` when the actor may see it."""

    code = "duplicate"


class Locked(Refused):
    """The record's state forbids it: a converted lead, a protected record."""

    code = "locked"


class IllegalMove(Refused):
    """This status change is not allowed (or lacks its reason)."""

    code = "illegal_transition"


class EditedElsewhere(Refused):
    """Somebody changed the record since it was read.

    `data["conflicts"]` is a list of `{field, mine, theirs, by, at}`.
    """

    code = "edited_elsewhere"


class PartlyDone(Refused):
    """A bulk act did part of its work; `data` holds the result that names the refused rows."""

    code = "partly_done"


class OtherSide(LeadtuiError):
    """The router, a channel or the database server failed or could not be reached (exit 6)."""

    code = "other_side"
    exit_code = 6


class DatabaseUnreachable(OtherSide):
    """The database cannot be opened."""

    code = "database"


class RouterError(OtherSide):
    """A router refused, failed, or did not answer in time. See `leadtui.router.port` for its kinds."""

    code = "router"
