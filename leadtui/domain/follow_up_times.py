"""When to follow up: the delay of a context, the lead's best hour, working hours and holidays (spec §I2, AJ3)."""

from __future__ import annotations

from typing import Final

DELAYS: Final = "property_inquiry 2h, showing_followup 24h, offer_response 4h, general_nurturing 72h, default 24h"
"""The delays of spec §I2 84, as the setting `follow_up_delays` is written."""
