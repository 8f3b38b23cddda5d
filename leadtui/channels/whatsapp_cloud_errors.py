"""What the error codes of the WhatsApp Cloud API mean for a message: one table (facts/messaging §2.2). Pure.

The same codes come in answers and, later, in the `failed` status of a webhook.
"""

from __future__ import annotations

from typing import Final

from leadtui.channels.port import Final as Refusal
from leadtui.channels.port import Pause, Result, Retry, Unknown

_MINUTE_S, _DAY_S = 60.0, 86_400.0
_PAIR_MOST_S = 4_096.0

PAIR: Final = 131056
"""Too many messages to one person: only this one waits, 4, 16, 64 … seconds."""

SLOWER: Final = {
    130429: _MINUTE_S,
    80007: 5 * _MINUTE_S,
    4: 5 * _MINUTE_S,
    131057: 5 * _MINUTE_S,
    133016: 60 * _MINUTE_S,
}
"""Throughput, the account's rate, the app's, maintenance, registration: nothing goes on the account for so long."""

LATER: Final = frozenset({1, 2, 131000, 131016, 135000})
"""The service itself failed, with an answer that says so."""

NEXT_DAY: Final = frozenset({131049, 130472})
"""WhatsApp keeps it from this person for now; tried once more, a day later."""

ACCOUNT: Final = frozenset(
    {0, 3, 10, 102, 190, 368, 130497, 131005, 131031, 131037, 131042, 131044, 131045, 131048, 131064, 133010}
    | set(range(200, 300))
)
"""Token, permission, restriction, payment, certificate, spam limit: everybody after this one would fare alike."""

TEMPLATE: Final = frozenset({132000, 132001, 132005, 132007, 132008, 132012, 132015, 132016, 132068, 132069, 131063})
"""The template is missing, does not fit its values, is paused or disabled: this campaign cannot go on."""

RECIPIENT: Final = frozenset({131021, 131026, 131030, 137000})
STOPPED_MARKETING: Final = 131050
WINDOW_CLOSED: Final = 131047
OURS: Final = frozenset({100, 131008, 131009, 131051, 131052, 131053, 131062})
"""What we sent was wrong: logged in full, and not tried again."""

MEDIA: Final = frozenset({100, 131009, 131052, 131053})
"""What an uploaded file that is gone may be answered with."""


_NO_OBJECT = (100, 33)
"""The number's id does not exist, or the token may not see it: a parameter, but of the setup."""


def judge(
    code: int, text: str, *, status: int = 400, attempt: int = 0, is_transient: bool = False, subcode: int = 0
) -> Result:
    """What came of a message that was answered with this code. `status`: of HTTP; `attempt`: tries before this one."""
    name, words = str(code), text or f"WhatsApp answers {code}"
    if code == PAIR:
        return Retry(min(4.0 ** (attempt + 1), _PAIR_MOST_S), name, words)
    if code in SLOWER:
        return Retry(SLOWER[code], name, words, "account")
    if code in LATER or (is_transient and code not in ACCOUNT | TEMPLATE):
        return Retry(_MINUTE_S, name, words)
    if code in NEXT_DAY:
        return Retry(_DAY_S, name, words, most=1)
    if code in ACCOUNT or (code, subcode) == _NO_OBJECT:
        return Pause(name, words, "account")
    if code in TEMPLATE:
        return Pause(name, words, "campaign")
    if code == STOPPED_MARKETING:
        return Refusal(name, words, suppress="stopped_marketing")
    if code in RECIPIENT | OURS | {WINDOW_CLOSED}:
        return Refusal(name, words)
    return by_status(status, name, words)


def by_status(status: int, name: str, words: str) -> Result:
    """A code that is in no table: by the status of the answer that held it."""
    if status == 429:
        return Retry(_MINUTE_S, name, words, "account")
    if status in {401, 403}:
        return Pause(name, words, "account")
    if 400 <= status < 500 and status != 408:
        return Refusal(name, words)
    if status >= 500:
        return Retry(_MINUTE_S, name, words)  # with a proper error in it: it says that it failed
    return Unknown(name, words)


def without_error(status: int) -> Result:
    """An answer that is no answer of the Cloud API: a page of a proxy, or of a gateway in between."""
    name, words = f"http_{status}", f"not the Cloud API answered, but something in between ({status})"
    if status == 429:
        return Retry(_MINUTE_S, name, words, "account")
    if 400 <= status < 500 and status != 408:
        return Pause(name, words, "account")
    return Unknown(name, words)
