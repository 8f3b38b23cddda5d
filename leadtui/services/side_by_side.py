"""Asking many routers at once: a thread for each, so that one that hangs delays no other (facts/mikrotik §c)."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from leadtui.router.port import CancelToken

T = TypeVar("T")
A = TypeVar("A")


def side_by_side(
    items: Sequence[T], ask: Callable[[T], A], *, cancel: CancelToken, within_s: float, name: str = "ask"
) -> Iterator[tuple[T, A | Exception]]:
    """Each item with what `ask`, in a thread of its own, answered or raised: handed to the caller's as they come.

    Ends at once when cancelled, without those that have not answered. What has not come within `within_s` seconds is a
    TimeoutError; its thread is left to its own deadline. Leaving the loop early cancels nothing.
    """
    arrived: queue.SimpleQueue[tuple[int, A | Exception] | None] = queue.SimpleQueue()

    def bring(index: int) -> None:
        try:
            arrived.put((index, ask(items[index])))
        except Exception as error:  # noqa: BLE001 - handed to the caller, who decides
            arrived.put((index, error))

    def wake() -> None:
        arrived.put(None)

    cancel.on_cancel(wake)
    waiting = set(range(len(items)))
    end = time.monotonic() + within_s
    try:
        for index in sorted(waiting):
            threading.Thread(target=bring, args=(index,), daemon=True, name=f"leadtui-{name}").start()
        while waiting and not cancel.cancelled:
            try:
                came = arrived.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                index = min(waiting)
                came = index, TimeoutError(f"no answer within {within_s:g} s")
            if came is None or came[0] not in waiting:  # woken; or an answer after its time was over
                continue
            waiting.discard(came[0])
            yield items[came[0]], came[1]
    finally:
        cancel.forget(wake)
