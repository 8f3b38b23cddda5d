"""Channels that other packages bring: found by their entry points, named when they are broken, never in the way."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from leadtui.channels import registry
from leadtui.channels.port import Channel, Sent
from leadtui.errors import NotFound, Refused

from .making import account, message

DOC = Path(__file__).parents[2] / "docs" / "dev-channels.md"
CARRIER = (
    DOC.read_text().split("```python\n")[1].split("```")[0]
    + """
NOTHING = 5
IMPOSTOR = Plugin(Spec(name="email", title="E-mail"), Pigeons, caps)
"""
)
"""The example of the documentation, and two that are none."""

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a package with these entry points."""

    def installed(**points: str) -> None:
        (tmp_path / "carrier_plugin.py").write_text(CARRIER)
        (tmp_path / "carrier_broken.py").write_text("raise SystemExit('no birds')\n")
        info = tmp_path / "carrier-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: carrier\nVersion: 1.0\n")
        named = "".join(f"{name} = {value}\n" for name, value in points.items())
        (info / "entry_points.txt").write_text(f"[leadtui.channels]\n{named}")
        monkeypatch.syspath_prepend(str(tmp_path))
        registry.forget()

    yield installed
    for name in ("carrier_plugin", "carrier_broken"):
        sys.modules.pop(name, None)
    registry.forget()


def test_a_plug_in_is_a_channel_like_those_of_the_house(install: Install) -> None:
    install(pigeon="carrier_plugin:PLUGIN")
    assert registry.names()[-1] == "pigeon"
    channel = registry.open("pigeon", account("pigeon", {"loft": "the roof"}))
    assert isinstance(channel, Channel)
    assert channel.send(message(), 5) == Sent("bird-7")
    assert registry.found("pigeon").origin == "carrier"
    assert registry.caps("pigeon").per_minute == 2
    assert registry.probe("pigeon", account("pigeon", {})).code == "not_set_up"
    assert registry.probe("pigeon", account("pigeon", {"loft": "x"})).text == "all birds are in x"


def test_a_broken_one_is_named_and_stops_nobody(install: Install) -> None:
    install(
        gone="carrier_missing:PLUGIN", broken="carrier_broken:PLUGIN", nothing="carrier_plugin:NOTHING",
        other="carrier_plugin:IMPOSTOR", email="carrier_plugin:IMPOSTOR", pigeon="carrier_plugin:PLUGIN",
    )  # fmt: skip
    assert registry.open("pigeon", account("pigeon", {"loft": "x"}))
    assert registry.spec("email").title == "E-mail (SMTP)"  # a name of the house cannot be taken
    for name, words in (("gone", "ModuleNotFoundError"), ("broken", "no birds"), ("nothing", "is no Plugin"),
                        ("other", "calls itself email")):  # fmt: skip
        assert words in registry.found(name).error
        assert registry.probe(name, account(name, {})).code == "broken"
        with pytest.raises(Refused) as raised:
            registry.open(name, account(name, {}))
        assert raised.value.code == "channel_broken"
        assert registry.caps(name).media == ()


def test_there_is_no_such_channel() -> None:
    with pytest.raises(NotFound) as raised:
        registry.open("fax", account("fax", {}))
    assert "whatsapp_cloud" in (raised.value.hint or "")


@pytest.mark.parametrize(
    ("name", "package", "extra", "config", "secrets"),
    [
        ("whatsapp_cloud", "pywa", "cloud", {"phone_id": "1"}, {"token": "t"}),
        ("sms", "africastalking", "sms", {"provider": "africastalking", "username": "u"}, {"api_key": "k"}),
        ("sms", "twilio", "sms", {"provider": "twilio", "from": "+1", "account_sid": "A"}, {"auth_token": "t"}),
    ],
)
def test_a_missing_extra_is_said_with_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    package: str,
    extra: str,
    config: dict[str, str],
    secrets: dict[str, str],
) -> None:
    for loaded in [module for module in sys.modules if module == package or module.startswith(f"{package}.")]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(Refused) as raised:
        registry.open(name, account(name, config, secrets))
    assert (raised.value.code, raised.value.hint) == ("channel_missing", f"pip install 'leadtui[{extra}]'")
    assert registry.probe(name, account(name, config, secrets)).code == "not_installed"


def test_the_registry_loads_no_providers_library() -> None:
    import subprocess

    heavy = "{'pywa', 'httpx', 'twilio', 'africastalking', 'requests', 'pywhatkit', 'sqlalchemy'}"
    code = (
        f"import sys; from leadtui.channels import registry; registry.names();print(sorted({heavy} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
