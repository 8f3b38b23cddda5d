"""Channel email against a real SMTP server: refusals of each kind, a lost connection, logins, what stands in a mail."""

from __future__ import annotations

import asyncio
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
from hypothesis import given, settings
from hypothesis import strategies as st

from leadtui.channels import registry
from leadtui.channels.email import PLUGIN, EmailChannel
from leadtui.channels.email_mail import compose
from leadtui.channels.port import Accepted, Attachment, Final, Pause, Retry, Unknown

from .making import account, message

ADDRESS = "amina@lead.example"


class Server:
    """Answers as it is told: `on` is a command → what it says; "hang up" closes the connection instead."""

    def __init__(self) -> None:
        self.on: dict[str, str] = {}
        self.mails: list[EmailMessage] = []
        self.connections = 0

    def answer(self, server: SMTP, command: str) -> str | None:
        if self.on.get(command) == "hang up":
            server.transport.close()
        return self.on.get(command)

    async def handle_EHLO(self, server: SMTP, session: Any, envelope: Any, hostname: str, responses: list[str]) -> Any:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, server: SMTP, session: Any, envelope: Any, address: str, options: Any) -> str:
        if said := self.answer(server, "MAIL"):
            return said
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: Any) -> str:
        if said := self.answer(server, "RCPT"):
            return said
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        self.mails.append(message_from_bytes(envelope.content, policy=default))  # type: ignore[arg-type]
        if (said := self.answer(server, "DATA")) == "hang":
            await asyncio.sleep(3600)
        return said or "250 2.0.0 queued as 42"


def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    """Only this name and this password."""
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (b"safi", b"pass-of-safi")
    return AuthResult(success=right, handled=right)


@pytest.fixture(scope="module")
def smtp() -> Iterator[tuple[Server, int]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Server()
    controller = Controller(
        server, "127.0.0.1", port, authenticator=check, auth_require_tls=False, enable_SMTPUTF8=True
    )
    controller.start()
    yield server, port
    controller.stop()


@pytest.fixture
def server(smtp: tuple[Server, int]) -> Server:
    smtp[0].on.clear()
    smtp[0].mails.clear()
    smtp[0].connections = 0
    return smtp[0]


@pytest.fixture
def channel(smtp: tuple[Server, int]) -> Iterator[EmailChannel]:
    made = made_for(smtp[1])
    yield made
    made.close()


def made_for(port: int, **changes: str) -> Any:
    config = {"host": "127.0.0.1", "port": str(port), "security": "none", "from": "sales@safi.example", **changes}
    return PLUGIN.open(account("email", config, {"password": "pass-of-safi"}))


def send(channel: Any, deadline_s: float = 5, **changes: Any) -> Any:
    return channel.send(message(**{"address": ADDRESS, "subject": "Fibre for you", **changes}), deadline_s)


def test_a_mail_as_it_arrives(server: Server, channel: EmailChannel, tmp_path: Path) -> None:
    path = tmp_path / "offer.pdf"
    path.write_bytes(b"%PDF")
    text = "Habari Amina é\n.hidden dot\nYours"
    result = send(channel, text=text, campaign_id=3, attachment=Attachment(path, "öffer.pdf", "application/pdf"))
    assert result == Accepted("<c.3.7@safi.example>", "2.0.0 queued as 42")
    (mail,) = server.mails
    assert mail["To"] == ADDRESS
    assert mail["From"] == "sales@safi.example"
    assert mail["Subject"] == "Fibre for you"
    assert mail["Message-ID"] == "<c.3.7@safi.example>"
    assert mail["List-Unsubscribe"] == "<mailto:sales@safi.example?subject=STOP>"
    assert mail["Auto-Submitted"] == "auto-generated"
    body, attached = mail.iter_parts()
    assert body.get_content().replace("\r\n", "\n") == text + "\n"
    assert (attached.get_filename(), attached.get_content()) == ("öffer.pdf", b"%PDF")


def test_one_connection_for_many_and_a_new_one_when_it_is_gone(server: Server, channel: EmailChannel) -> None:
    assert [type(send(channel, message_id=n)) for n in range(3)] == [Accepted] * 3
    assert server.connections == 1
    assert channel._open is not None
    assert channel._open.sock is not None
    channel._open.sock.shutdown(socket.SHUT_RDWR)
    assert isinstance(send(channel), Accepted)
    assert server.connections == 2


@pytest.mark.parametrize(
    ("on", "kind", "code"),
    [
        ({"RCPT": "450 4.2.1 greylisted"}, Retry, "450"), ({"RCPT": "550 5.1.1 no such user"}, Final, "550"),
        ({"RCPT": "550 5.7.1 relaying denied"}, Pause, "sender_refused"),
        ({"MAIL": "550 go away"}, Pause, "sender_refused"),
        ({"MAIL": "451 4.3.0 later"}, Retry, "451"), ({"DATA": "554 5.7.0 spam"}, Final, "554"),
        ({"DATA": "452 4.3.1 full"}, Retry, "452"), ({"DATA": "552 too big"}, Pause, "too_large"),
        ({"RCPT": "hang up"}, Retry, "broke_off"), ({"DATA": "hang up"}, Unknown, "no_answer"),
        ({"RCPT": "421 4.3.2 closing"}, Retry, "421"),
    ],
)  # fmt: skip
def test_each_refusal_has_its_class(server: Server, channel: EmailChannel, on: Any, kind: Any, code: str) -> None:
    server.on = on
    result = send(channel)
    assert isinstance(result, kind)
    assert result.code == code
    server.on = {}
    assert isinstance(send(channel), Accepted)


def test_only_an_address_that_does_not_exist_is_suppressed(server: Server, channel: EmailChannel) -> None:
    server.on = {"RCPT": "550 5.1.1 no such user"}
    assert send(channel).suppress == "bounced"
    server.on = {"RCPT": "552 5.2.2 mailbox full"}
    assert send(channel).suppress == ""


def test_a_server_that_took_the_text_and_says_nothing_leaves_it_unknown(server: Server, channel: EmailChannel) -> None:
    server.on = {"DATA": "hang"}
    assert isinstance(send(channel, deadline_s=0.3), Unknown)
    assert len(server.mails) == 1


def test_closing_lets_a_mail_through_that_is_under_way(server: Server, channel: EmailChannel) -> None:
    server.on = {"DATA": "hang"}
    results: list[Any] = []
    sending = threading.Thread(target=lambda: results.append(send(channel, deadline_s=0.5)))
    sending.start()
    while not server.mails:
        sending.join(0.01)
    channel.close()
    assert isinstance(send(channel, deadline_s=0.05), Retry)  # nor does another one disturb it
    assert channel._open is not None
    sending.join()
    assert [type(result) for result in results] == [Unknown]
    assert channel._open is None


def test_logins(server: Server, smtp: tuple[Server, int]) -> None:
    right = made_for(smtp[1], username="safi")
    assert isinstance(send(right), Accepted)
    assert registry.probe("email", right._account).code == "ready"
    right.close()
    wrong = made_for(smtp[1], username="somebody")
    result = send(wrong)
    assert isinstance(result, Pause)
    assert (result.code, result.scope) == ("login", "account")
    assert "pass-of-safi" not in repr(result)
    assert wrong.probe().code == "login"
    no_tls = made_for(smtp[1], security="starttls")
    assert isinstance(send(no_tls), Pause)
    assert no_tls.probe().code == "no_starttls"


def test_who_cannot_be_reached(server: Server) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        channel = made_for(taken.getsockname()[1])
        result = send(channel)
        assert isinstance(result, Retry)
        assert (result.code, result.scope, channel.probe().code) == ("unreachable", "account", "unreachable")


def test_a_certificate_that_nobody_vouches_for_stops_the_account(server: Server, tmp_path: Path) -> None:
    key, pem = tmp_path / "k.pem", tmp_path / "c.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(pem)],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(server, "127.0.0.1", port, tls_context=context)
    controller.start()
    try:
        stranger = made_for(port, security="starttls")
        result = send(stranger)
        assert isinstance(result, Pause)
        assert result.code == "certificate"
        known = made_for(port, security="starttls", ca=str(pem))
        assert isinstance(send(known), Accepted)
        known.close()
    finally:
        controller.stop()


def test_another_script_before_the_at_needs_a_server_that_knows_it(server: Server, channel: EmailChannel) -> None:
    assert isinstance(send(channel, address="améline@lead.example"), Accepted)


@pytest.mark.parametrize("address", ["", "amina", "a@b\r\nRCPT TO:<x@y>", "a b@c", "a@b@c", "@x", '"@x', "a@", "<a@b>"])
def test_what_is_no_address_never_reaches_the_server(server: Server, channel: EmailChannel, address: str) -> None:
    result = send(channel, address=address)
    assert isinstance(result, Final)
    assert result.code == "bad_address"
    assert server.connections == 0


@settings(max_examples=40)
@given(subject=st.text(max_size=60), text=st.text(max_size=60), name=st.text(max_size=30))
def test_no_text_can_become_a_header(subject: str, text: str, name: str) -> None:
    channel = made_for(25, from_name=name)
    raw = compose(
        channel._account, message(address=ADDRESS, subject=subject, text=text.encode("utf-8", "replace").decode())
    )
    parsed = message_from_bytes(raw.as_bytes(), policy=default)
    assert set(parsed.keys()) == {"From", "To", "Subject", "Date", "Message-ID", "List-Unsubscribe", "Content-Type",
                                  "Content-Transfer-Encoding", "MIME-Version"}  # fmt: skip
    assert "Bcc: x" not in [str(value) for value in parsed.values()]
    assert len(parsed["To"].addresses) == len(parsed["From"].addresses) == 1
