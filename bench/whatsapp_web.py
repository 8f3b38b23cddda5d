"""What pywhatkit says, and what WhatsApp Web got, in each state its page may be in (facts/messaging §1.3).

Run: python -m bench.whatsapp_web (needs Xvfb, Chromium and the extra whatsapp-web; about two minutes)
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from time import monotonic

from leadtui import clock
from leadtui.channels import registry
from leadtui.channels.port import Account, Outgoing
from tests.channels.whatsapp_web_rig import missing, rig

MODES = ("linked", "qr", "invalid", "slow", "down")


def main() -> None:
    """A table: the page's state, the channel's answer, what the page sent, how long it took."""
    if lacking := missing():
        print(f"not installed here: {lacking}")
        return
    print(f"{'page':10} {'answer':12} {'sent by the page':18} seconds")
    for mode in MODES:
        with tempfile.TemporaryDirectory() as folder, rig(Path(folder), mode) as page:
            os.environ |= page.environment
            channel = registry.open("whatsapp_web", Account("whatsapp_web", {"browser": page.browser, "wait_s": "12"}))
            begun = monotonic()
            answer = channel.send(Outgoing(1, "+254722000111", "Hi Amina é 👋!", clock.now()), 60)
            took = monotonic() - begun
            print(f"{mode:10} {type(answer).__name__:12} {len(page.events('sent')):<18} {took:.1f}")


if __name__ == "__main__":
    main()
