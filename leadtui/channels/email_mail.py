"""A mail as channel `email` sends it: its headers, its plain text, its attachment, which alone is read from outside.

No text of anybody can become a header: line breaks are gone from what stands in one, addresses are checked first.
"""

from __future__ import annotations

import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime
from typing import Final

from leadtui.channels.port import Account, Outgoing
from leadtui.text import shorten, strip_segment

_SUBJECT_WIDTH = 60
AT: Final = re.compile(r"[^@\s]+@[^@\s]+")
"""The least that an address is."""
_WIDE = re.compile(r"[\w+-]+(\.[\w+-]+)*")
"""A part of an address in other scripts: letters, digits, dots between."""


def compose(account: Account, message: Outgoing) -> EmailMessage:
    """The mail. Raises ValueError for an address that is none, OSError for an attachment that cannot be read."""
    address, sender = message.address.strip(), account.get("from")
    # 7 bits: whatever lies between may not know more
    mail = EmailMessage(policy=(SMTP if address.isascii() else SMTPUTF8).clone(cte_type="7bit"))
    mail["From"] = _mailbox(sender, account.get("from_name"))
    mail["To"] = _mailbox(address)
    mail["Subject"] = _one_line(message.subject or "") or shorten(_one_line(message.text), _SUBJECT_WIDTH)
    mail["Date"] = format_datetime(message.at)
    mail["Message-ID"] = id_of(sender, message)
    if reply_to := account.get("reply_to"):
        mail["Reply-To"] = _mailbox(reply_to)
    mail["List-Unsubscribe"] = f"<mailto:{_unsubscribe(account, sender)}?subject=STOP>"
    if message.campaign_id is not None:
        mail["Auto-Submitted"] = "auto-generated"  # no "I am on holiday" in answer
    footer = account.get("footer")
    mail.set_content(message.text + (f"\n\n-- \n{footer}\n" if footer else "\n"))
    if message.attachment is not None:
        kind, _, sub = message.attachment.type.partition("/")
        mail.add_attachment(
            message.attachment.path.read_bytes(), maintype=kind or "application", subtype=sub or "octet-stream",
            filename=_one_line(message.attachment.name),
        )  # fmt: skip
    return mail


def id_of(sender: str, message: Outgoing) -> str:
    """The Message-ID: the same on every try, so that a second copy can be told by whoever gets it."""
    return f"<{message.thread}@{sender.rpartition('@')[2]}>"


def dotted(text: bytes) -> bytes:
    """The mail as DATA wants it: CR LF everywhere, leading dots doubled, a dot at the end (RFC 5321 §4.5.2)."""
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", text)
    return re.sub(rb"(?m)^\.", b"..", lines).removesuffix(b"\r\n") + b"\r\n.\r\n"


def _mailbox(address: str, name: str = "") -> Address:
    if not AT.fullmatch(address):
        raise ValueError(address)
    if address.isascii():
        return Address(display_name=_one_line(name), addr_spec=address)
    local, _, domain = address.rpartition("@")
    if not _WIDE.fullmatch(local) or not _WIDE.fullmatch(domain):
        raise ValueError(address)
    return Address(display_name=_one_line(name), username=local, domain=domain)


def _unsubscribe(account: Account, sender: str) -> str:
    chosen = account.get("unsubscribe", sender)
    return chosen if AT.fullmatch(chosen) and not set(chosen) & set("<>?&\"'") else sender


def _one_line(text: str) -> str:
    """A header cannot be left by a line break in what stands in it."""
    return " ".join(strip_segment(text.replace("\r", " ").replace("\n", " ")).split())
