"""Calling a channel: outside of any transaction, no longer than its deadline, and never in the way of quitting."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from leadtui.background import log_exception
from leadtui.channels.port import Caps, Channel, Result, Unknown
from leadtui.errors import DatabaseUnreachable, LeadtuiError

from . import sending_claims as claims
from . import sending_outcomes as outcomes
from .channel_accounts import open_for

if TYPE_CHECKING:
    from .office import Office

MayGoOn = Callable[[], bool]

DEADLINE_S = 30.0
"""How long a provider may take for one message."""
LOCAL_DEADLINE_S = 90.0
"""How long a browser of this machine may."""
FROZEN_S = 2.0
"""When more time went by between the mark and the call, the process stood still: then nothing is sent."""
_LEAVE_S = 0.4
"""How long leaving the program waits for an answer."""
_LOOK_S = 0.05
_PROBED_FOR_S = 60.0
_TRIES, _TRY_PAUSE_S = 5, 1.0
"""How often an outcome is tried to be written: a database that is away for a moment must not make it unknown."""

_LOG = logging.getLogger("leadtui.sending")
_probed: dict[str, tuple[float, bool]] = {}


def opened(office: Office, name: str) -> Channel | None:
    """The channel, if this process can serve it: its packages are here and, where it needs a display, that works."""
    try:
        channel = open_for(office, name)
    except LeadtuiError as error:
        _LOG.info("messages on %s are left alone: %s", name, error.message)
        return None
    if channel.caps().is_local and not _works_here(channel):
        channel.close()
        return None
    return channel


def _works_here(channel: Channel) -> bool:
    """What a probe of this machine said, at most a minute ago."""
    at, works = _probed.get(channel.name, (float("-inf"), False))
    if time.monotonic() - at >= _PROBED_FOR_S:
        found = channel.probe()
        works = found.ok
        _probed[channel.name] = (time.monotonic(), works)
        if not works:
            _LOG.info("messages on %s are left alone: %s", channel.name, found.text)
    return works


def deadline_of(caps: Caps) -> float:
    """How many seconds one message may take."""
    return LOCAL_DEADLINE_S if caps.is_local else DEADLINE_S


class Call:
    """One message on its way, in a thread of its own: whoever waits for it may leave, and it still ends as it can."""

    def __init__(self, office: Office, channel: Channel, begun: claims.Begun, deadline_s: float) -> None:
        self._office, self._channel, self._begun = office, channel, begun
        self._deadline_s = deadline_s
        self._done = threading.Event()
        self.state: str | None = None
        """What became of it; None while nobody knows, "held" when it was put back."""

    @property
    def is_over(self) -> bool:
        """Whether the channel is free again; one that hangs must not be used by anybody else."""
        return self._done.is_set()

    def run(self, may_go_on: MayGoOn) -> str | None:
        """Send it and wait for what comes of it; None: we left, or the call took too long and goes on alone."""
        thread = threading.Thread(target=self._work, daemon=True, name="leadtui-call")
        thread.start()
        until, leaving = time.monotonic() + self._deadline_s + _LOOK_S, False
        while not self._done.wait(_LOOK_S):
            now = time.monotonic()
            if not leaving and not may_go_on():
                until, leaving = min(until, now + _LEAVE_S), True
            if now >= until:
                if not leaving:
                    self._write(Unknown("timeout", f"no answer within {self._deadline_s:.0f} s"))
                return self.state
        return self.state

    def _work(self) -> None:
        try:
            if claims.elapsed_s() - self._begun.at_s > FROZEN_S:
                claims.put_back(self._office, self._begun)
                self.state = "held"
                return
            self._write(self._send())
        except LeadtuiError as error:
            _LOG.warning("message %d: %s", self._begun.id, error.message)
        finally:
            self._done.set()

    def _send(self) -> Result:
        try:
            return self._channel.send(self._begun.outgoing, self._deadline_s)
        except Exception as error:  # noqa: BLE001 - whatever a channel raises, nobody knows whether it went
            log_exception(error)
            return Unknown("channel_error", f"{type(error).__name__} in the channel {self._channel.name}")

    def _write(self, result: Result) -> None:
        for tries in range(1, _TRIES + 1):
            try:
                self.state = outcomes.write(self._office, self._begun, result)
                return
            except DatabaseUnreachable as error:
                _LOG.warning("what came of message %d was not written: %s", self._begun.id, error.message)
                if tries == _TRIES:
                    return
                time.sleep(_TRY_PAUSE_S * tries)
