"""What routers are being asked from the list: tests, load, certificates; and what a person decides about the answers.

Nothing here waits: every question has a thread of its own, a router that hangs holds up neither another nor a key, and
esc gives all of it up at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from leadtui.router.port import CancelToken

if TYPE_CHECKING:
    from leadtui.screens.routers import RoutersScreen
    from leadtui.services.capacity import Capacity
    from leadtui.services.routers import RouterAnswer

ASKING = "asking"
READING = "reading load"
CERTIFICATE = "certificate"
_WHERE = "The router itself shows it with /certificate print detail."


class RouterAsking:
    """The questions under way of one screen."""

    def __init__(self, screen: RoutersScreen) -> None:
        self.screen = screen
        self.asked: dict[str, tuple[str, CancelToken]] = {}
        """Router name → what is being asked, and how to give it up."""

    def words(self, name: object) -> str:
        """What is being asked of a router; empty for nothing."""
        found = self.asked.get(str(name))
        return found[0] if found else ""

    def stop(self) -> bool:
        """Give up everything. False when nothing is being asked."""
        tokens = {id(token): token for _, token in self.asked.values()}
        self.asked.clear()
        for token in tokens.values():
            token.cancel()
        if tokens:
            self.screen.asking_changed()
            self.screen.done("Given up; what has answered stays")
        return bool(tokens)

    # Questions

    def test(self, name: str) -> None:
        """Ask a router who it is."""
        office = self.screen.office

        def ask(token: CancelToken) -> RouterAnswer:
            from leadtui.services import routers

            return routers.test(office, name, cancel=token)

        self._run([name], ASKING, ask, then=partial(self._tested, name))

    def test_all(self, names: Sequence[str]) -> None:
        """Ask routers who they are, side by side; each answer is shown as it comes."""
        office = self.screen.office

        def ask(token: CancelToken) -> dict[str, RouterAnswer]:
            from leadtui.services import routers

            return routers.probe_all(office, lambda name, _: self._came(token, name), names=names, cancel=token)

        def told(answers: dict[str, RouterAnswer]) -> None:
            silent = [name for name, answer in answers.items() if not answer.ok]
            others = [name for name, answer in answers.items() if answer.known_as is not None]
            words = f"{len(answers) - len(silent)} of {len(answers)} answered"
            words += f"; not {', '.join(silent)}" if silent else ""
            words += f"; {', '.join(others)}: another name than before, t shows it" if others else ""
            self.screen.done(words)

        self._run(names, ASKING, ask, then=told)

    def read_load(self, names: Sequence[str]) -> None:
        """Ask routers how busy they are, side by side."""
        office = self.screen.office

        def ask(token: CancelToken) -> list[Capacity]:
            from leadtui.services import capacity

            return capacity.poll(office, names, cancel=token, on_answer=lambda one: self._came(token, one.router))

        def told(found: list[Capacity]) -> None:
            silent = [one.router for one in found if one.error]
            words = f"The load of {len(found) - len(silent)} of {len(found)} is known"
            self.screen.done(f"{words}; not of {', '.join(silent)}" if silent else words)

        self._run(names, READING, ask, then=told)

    def show_certificate(self, name: str) -> None:
        """Read the certificate of a router, for a person to compare and pin."""
        office = self.screen.office

        def ask(token: CancelToken) -> str:
            from leadtui.services import routers

            return routers.fingerprint(office, name, cancel=token)

        self._run([name], CERTIFICATE, ask, then=lambda shown: self._offer_pin(name, "", shown))

    def _run(
        self, names: Sequence[str], words: str, ask: Callable[[CancelToken], Any], *, then: Callable[[Any], object]
    ) -> None:
        token = CancelToken()
        self.asked |= dict.fromkeys(names, (words, token))
        self.screen.asking_changed()

        def ended(call: Callable[[Any], object], value: Any) -> None:
            self._forget(token)
            if not token.cancelled:  # who gave it up wants no answer
                call(value)

        self.screen.run_blocking(
            lambda: ask(token), then=partial(ended, then), failed=partial(ended, self.screen.lead_app.report),
            cancel=token.cancel,
        )  # fmt: skip

    def _came(self, token: CancelToken, name: str) -> None:
        """In the thread: one of several has answered."""
        self.screen.call_later(self._forget, token, name)

    def _forget(self, token: CancelToken, name: str | None = None) -> None:
        """A question is answered: of this router, or all that were asked together. Its row is read again."""
        for one in [name] if name is not None else list(self.asked):
            if self.asked.get(one, ("", None))[1] is token:
                del self.asked[one]
        self.screen.asking_changed()
        self.screen.load()

    # Answers

    @property
    def _may_decide(self) -> bool:
        """Whether a question to the person fits: who may change routers, and still looks at them."""
        screen = self.screen
        return bool(screen.office.actor.may("config")) and screen.app.screen is screen

    def _tested(self, name: str, answer: RouterAnswer) -> None:
        if not answer.ok:
            if answer.fingerprint and self._may_decide:
                self._offer_pin(name, answer.error or "", answer.fingerprint)
                return
            words = "\n".join(part for part in (answer.error, answer.hint) if part)
            self.screen.app.notify(words, severity="error", timeout=10)
            return
        if answer.known_as is not None and self._may_decide:
            self._offer_identity(name, answer)
            return
        if answer.warnings:
            self.screen.app.notify("\n".join(answer.warnings), severity="warning", timeout=10)
        said = f'{answer.latency_ms:g} ms, RouterOS {answer.version}, "{answer.identity}", {answer.board}'
        self.screen.done(f"{name}: {said}")

    def _offer_pin(self, name: str, error: str, shown: str) -> None:
        """Trust on first use, decided by a person who compares."""
        from leadtui.screens.confirm import Confirm

        words = (
            f"{error}\n\nThe certificate that {name} shows has the SHA-256\n{shown}\n\n{_WHERE} "
            "If it is the same, pin it: only this certificate is accepted then."
        ).lstrip()
        office = self.screen.office

        def write() -> Any:
            from leadtui.services import routers

            return routers.trust(office, name, shown)

        def pinned(_: Any) -> None:
            self.screen.changed_record(None, f"Router {name}: its certificate is pinned")
            self.test(name)  # what it was refused for is mended: whether it answers now

        self._decide(Confirm(words, yes="Pin it", no="No"), write, pinned)

    def _offer_identity(self, name: str, answer: RouterAnswer) -> None:
        """Another name may be another box: a person says whether that is right."""
        from leadtui.screens.confirm import Confirm

        words = (
            f"{name} calls itself “{answer.identity}” now, and “{answer.known_as}” before: it was renamed or replaced, "
            "or another router answers there. Nothing is written to it until that is accepted."
        )
        office = self.screen.office

        def write() -> Any:
            from leadtui.services import routers

            return routers.accept_identity(office, name, answer)

        def accepted(_: Any) -> None:
            self.screen.changed_record(None, f"Router {name} is “{answer.identity}” from now on")

        question = Confirm(words, yes="Accept it", no="Leave it", danger=True)
        self._decide(question, write, accepted)

    def _decide(self, question: Any, write: Callable[[], Any], done: Callable[[Any], object]) -> None:
        def decided(yes: bool | None) -> None:
            if yes:
                self.screen.run_blocking(write, then=done)

        self.screen.app.push_screen(question, decided)
