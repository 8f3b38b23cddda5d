"""Channel file: one line for one message, from many processes at once, and what stands in its way in words."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from leadtui.channels import registry
from leadtui.channels.file import PLUGIN
from leadtui.channels.port import Attachment, Pause, Retry, Sent

from .making import PHONE, account, message


def channel(path: Path | str = "") -> Any:
    """The channel of an account with this path."""
    return PLUGIN.open(account("file", {"path": str(path)}))


def lines(path: Path) -> list[dict[str, Any]]:
    """What stands in the file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_has_the_fields_of_the_contract(tmp_path: Path) -> None:
    path = tmp_path / "new" / "out.jsonl"
    text = "Hi \u2028\x85 é 👋\nsecond"
    file = Attachment(tmp_path / "offer.pdf", "offer.pdf", "application/pdf")
    assert channel(path).send(message(text=text, campaign="May", campaign_id=3, attachment=file), 5) == Sent("file:0")
    (line,) = lines(path)
    at = line.pop("at")
    assert at.endswith("Z")
    assert "T" in at
    assert line == {"recipient_id": 7, "campaign": "May", "phone": PHONE, "text": text,
                    "attachment": str(tmp_path / "offer.pdf")}  # fmt: skip
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_campaigns_own_file_goes_first(tmp_path: Path) -> None:
    sender, own = channel(tmp_path / "account.jsonl"), tmp_path / "own.jsonl"
    assert isinstance(sender.send(message(options={"out": str(own)}), 5), Sent)
    assert len(lines(own)) == 1
    assert not (tmp_path / "account.jsonl").exists()


_WRITER = """
import sys
from datetime import UTC, datetime
from leadtui.channels.file import PLUGIN
from leadtui.channels.port import Account, Outgoing
made = PLUGIN.open(Account("file", {"path": sys.argv[1]}))
for number in range(100):
    made.send(Outgoing(number, sys.argv[2], "x" * 9000, datetime.now(UTC)), 5)
"""


def test_lines_of_many_processes_never_mix(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    writers = [subprocess.Popen([sys.executable, "-c", _WRITER, str(path), f"+{n}"]) for n in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    found = sorted((line["phone"], line["recipient_id"]) for line in lines(path))
    assert found == sorted((f"+{n}", number) for n in range(3) for number in range(100))


def test_whoever_holds_the_file_is_waited_for_only_a_moment(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    with path.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        result = channel(path).send(message(), 0.02)
    assert isinstance(result, Retry)
    assert (result.code, result.scope) == ("busy", "message")
    assert path.read_bytes() == b""


def test_a_full_disk_pauses_whom_it_concerns() -> None:
    assert channel().send(message(options={"out": "/dev/full"}), 5) == Pause(
        "disk_full", "no room left for /dev/full", "campaign"
    )
    assert channel("/dev/full").send(message(), 5).scope == "account"


def test_a_line_that_only_half_fits_is_taken_away_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "out.jsonl"
    sender = channel(path)
    sender.send(message(), 5)
    before = path.read_bytes()
    real = os.write
    monkeypatch.setattr("leadtui.channels.file.os.write", lambda handle, line: real(handle, line[:20]))
    assert sender.send(message(), 5).code == "disk_full"
    assert path.read_bytes() == before


def test_what_cannot_be_written_to_is_said_in_words(tmp_path: Path) -> None:
    def code(out: str) -> Any:
        return channel().send(message(options={"out": out}), 5).code

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert code(str(tmp_path / "no" / "folder.jsonl")) == "no_folder"
    assert code(str(tmp_path)) == "file_error"
    assert code(str(pipe)) == "file_error"  # nobody reads: it does not wait for somebody
    assert channel().send(message(), 5).code == "channel_setup"


def test_the_probe_makes_no_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "out.jsonl"
    assert channel(path).probe().ok
    assert not path.parent.exists()
    assert channel(tmp_path).probe().code == "is_folder"
    assert registry.probe("file", account("file", {})).code == "not_set_up"


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_file_that_may_not_be_written_to(tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.touch(0o400)
    assert channel(path).send(message(), 5).code == "not_permitted"
    assert channel(path).probe().code == "not_permitted"
