"""Channels on the screen: what is ready and why not, setting one up with secrets unseen; who wants no messages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from leadtui.screens.channels import ChannelsScreen
from leadtui.screens.record_form import RecordForm
from leadtui.screens.suppressions import SuppressionsScreen
from leadtui.services import channels, suppressions
from leadtui.services.office import Office
from tests.screens.conftest import NOW
from tests.screens.dialog_help import copy_of, opened, prepared

Snapshot = Callable[[Any, str], None]
WIDE = (120, 40)


def _fill(made: Office) -> None:
    """An office that sends mail, and whose file has no room."""
    channels.set_account(made, "email", {"host": "mail.example.ke", "from": "office@example.ke", "per_minute": "30"})
    with made.write() as tx:
        channels.stop(tx, "file", "disk_full", "no space left on /srv")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once."""
    return prepared(tmp_path_factory.mktemp("office"), _fill, NOW)


@pytest.fixture
def office(made: Path, tmp_path: Path) -> Office:
    """A copy."""
    return copy_of(made, tmp_path)


async def test_channels_say_whether_they_are_ready(office: Office, snapshot: Snapshot) -> None:
    async with opened(office, ChannelsScreen) as run:
        snapshot(run.app, "channels_80x24")
        assert "no space left on /srv" in run.text
        await run.press("R")
        assert channels.get(office, "file").stopped_code is None
        await run.press("R")
        assert "It is not stopped" in run.toasts


async def test_a_channel_is_set_up_with_its_secret_unseen(office: Office) -> None:
    async with opened(office, ChannelsScreen) as run:
        while run.app.screen.channel.channel != "email":
            await run.press("down")
        await run.press("e")
        form = run.app.screen
        assert isinstance(form, RecordForm)
        fields = {box.spec.key: box for box in form.query("FieldBox")}
        secret = fields["password"].query_one(Input)
        assert secret.password
        secret.focus()
        await run.write("hunter2")
        assert "hunter2" not in run.text
        fields["per_minute"].query_one(Input).value = "12"
        await run.press("ctrl+s")
        one = channels.get(office, "email")
        assert one.per_minute == 12 and one.secret_keys_set == ("password",)
        assert "hunter2" not in run.text and "password is set" in run.text
        await run.press("d")
        assert not channels.get(office, "email").is_active and "switched off" in run.text


async def test_addresses_that_want_nothing(office: Office, snapshot: Snapshot) -> None:
    suppressions.add(office, "0722 000 111", channel="whatsapp", note="said so on the phone")
    suppressions.add(office, "Brian@Example.ke")
    async with opened(office, SuppressionsScreen) as run:
        snapshot(run.app, "suppressions_80x24")
        await run.press("slash")
        await run.write("722 000")
        await run.press("enter")
        assert "0722" in run.text and "brian" not in run.text
        await run.press("d")
        await run.press("ctrl+s")
        assert "Reason is missing" in run.text
        await run.write("asked for offers again")
        await run.press("ctrl+s")
        assert "may be written to again on WhatsApp" in run.text
        await run.press("F", "n")
        await run.write("0799 111 222")
        await run.press("ctrl+s")
        assert [one.address for one in suppressions.list_all(office)[1]] == ["+254799111222", "Brian@Example.ke"]


async def test_addresses_from_a_file(office: Office, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("phone,note\n0722000111,asked\nnobody,\n0733000222,\n")
    async with opened(office, SuppressionsScreen) as run:
        await run.press("I")
        await run.write(str(path))
        await run.press("ctrl+s")
        assert "2 added, 1 not understood" in run.text and "Line 3, nobody" in run.toasts
        await run.press("X")
        run.app.screen.form.set_values({"path": str(path)})
        await run.press("ctrl+s")
        assert "File exists" in run.text
        run.app.screen.form.set_values({"path": str(tmp_path / "again.csv")})
        await run.press("ctrl+s")
        assert "2 addresses written" in run.text
        assert "+254722000111" in (tmp_path / "again.csv").read_text()


async def test_a_wide_terminal(office: Office, snapshot: Snapshot) -> None:
    suppressions.add(office, "0722 000 111", channel="whatsapp", note="said so on the phone")
    async with opened(office, ChannelsScreen, size=WIDE) as run:
        snapshot(run.app, "channels_120x40")
        run.app.push_screen(SuppressionsScreen())
        await run.settle()
        snapshot(run.app, "suppressions_120x40")
