"""What README and docs say is so: fresh keys, commands and options that exist, links that lead somewhere."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from leadtui import commands, config
from leadtui.cli.tree import root
from leadtui.domain.lead_filters import parse_lead_filter
from leadtui.domain.subscriptions import Suspend
from leadtui.router.port import RouterPermissionDenied
from leadtui.router.simulator import Simulator
from leadtui.router.simulator.commands import SimulatorUser
from leadtui.services import capacity, conversion, leads, router_audit, routers, subscriptions

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
WRITTEN = [page for page in PAGES if page.name != "commands.md"]


def fences(page: Path) -> Iterator[str]:
    """Lines of the code blocks, with lines ending in a backslash joined."""
    for block in re.findall(r"^```\w*\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        yield from block.replace("\\\n", " ").splitlines()


def typed_commands(page: Path) -> Iterator[str]:
    """Every `leadtui …` in code, in blocks and in lines."""
    inline = re.findall(r"`(leadtui [^`]+)`", page.read_text(encoding="utf-8"))
    for line in [*fences(page), *inline]:
        if line.startswith("leadtui ") and "NOUN" not in line and "…" not in line:
            yield line.partition("  #")[0].strip()


def check_command(line: str) -> None:
    """Raise AssertionError when the words name no command, or an option it does not have."""
    words = shlex.split(line)[1:]
    node: Any = root()
    options = {"--db", "--as", "--json", "--help"}
    while True:
        options |= {name for param in node.params for name in (*param.opts, *param.secondary_opts)}
        if not hasattr(node, "list_commands") or not words or words[0] not in node.list_commands(None):
            break
        node = node.get_command(None, words.pop(0))
    default = getattr(node, "default_verb", None)
    if default:
        options |= {name for param in node.get_command(None, default).params for name in param.opts}
    verbless = not hasattr(node, "list_commands") or default or not words
    assert verbless or words[0].startswith("-"), f"{line}: no such command"
    for word in words:
        if word.startswith("--"):
            assert word.partition("=")[0] in options, f"{line}: no option {word}"


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_every_command_that_is_shown_exists(page: Path) -> None:
    for line in typed_commands(page):
        check_command(line)


def test_the_filters_that_are_shown_are_understood() -> None:
    text = (ROOT / "docs" / "agent.md").read_text(encoding="utf-8")
    table = text.partition("| you type | you find |")[2].partition("\n\n")[0]
    shown = [words for row in table.splitlines()[2:] for words in re.findall(r"`([^`]+)`", row.split("|")[1])]
    assert len(shown) > 12
    for words in shown:
        assert parse_lead_filter(words) is not None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        name, _, heading = target.partition("#")
        other = page.parent / name if name else page
        assert other.exists(), f"{page.name}: {target}"
        if heading:
            headings = re.findall(r"^#+ (.+)$", other.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}
            assert heading in anchors, f"{page.name}: {target}"


def test_the_key_table_is_fresh() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert commands.markdown() in text, "run: ./run docs"


def test_keys_named_in_the_docs_are_those_of_the_program() -> None:
    """`c` logs, `C` converts …: the keys an agent is told, against the table."""
    told = {
        "leads.filter": "f", "leads.clear": "F", "list.open": "enter", "app.copy": "y", "leads.log": "c",
        "leads.status": "s", "leads.new": "n", "form.pick": "ctrl+o", "form.link": "ctrl+l", "form.save": "ctrl+s",
        "leads.convert": "C", "leads.lose": "x", "app.undo": "u", "leads.columns": "v", "list.sort_next": ">",
        "list.sort_turn": "<", "leads.search": "/", "convert.reveal": "f3", "convert.again": "t",
        "convert.without": "w", "list.mark": "space", "list.mark_all": "*", "app.palette": "ctrl+p", "app.help": "?",
        "app.history": "6", "history.entries": "v", "history.undo_batch": "x", "leads.protect": "p",
        "leads.restore": "D", "convert.generate": "f5", "convert.link": "l", "convert.change": "e",
        "convert.password": "p", "convert.forward": "ctrl+s", "leads.customer": "O", "app.customers": "2",
        "customers.search": "/", "customers.state": "f", "customers.unseen": "N", "customers.clear": "F",
        "customers.edit": "e", "customers.family": "a", "customers.lead": "l", "customers.suspend": "S",
        "customers.package": "P", "customers.password": "p",
    }  # fmt: skip
    of_routers = {
        "app.routers": "3", "app.office": "5", "routers.new": "n", "routers.trust": "P", "routers.test": "t",
        "routers.show_users": "o", "routers.test_all": "T", "routers.capacity": "c", "office.push": "p",
        "office.drift": "v", "routers.audit": "a", "routers.audit_all": "A", "audit.mend": "f", "audit.mend_all": "F",
        "routers.pending": "p", "pending.resolve": "R",
    }  # fmt: skip
    for pages, keys in ((("agent", "supervisor"), told), (("admin",), of_routers)):
        text = "".join((ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8") for page in pages)
        for command_id, key in keys.items():
            assert key in commands.effective_keys(commands.BY_ID[command_id]), command_id
            assert f"`{key}`" in text, key


def test_every_key_of_the_docs_is_a_key_of_the_program() -> None:
    """A letter or sign alone in code is a key; so is ctrl+ or f with something."""
    known = {key for command in commands.COMMANDS for key in commands.effective_keys(command)} | {"tab"}
    known |= {commands.show_key(key) for key in known}
    for page in ("agent", "supervisor"):
        text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
        prose = re.sub(r"^```.*?^```|^\|.*?$", "", text, flags=re.DOTALL | re.MULTILINE)
        shown = set(re.findall(r"`(\S|ctrl\+\S+|f\d+)`", prose))
        signs = {"+", "~", "="}  # of the plan
        assert shown - signs <= known, page


def named_in_code(page: str) -> Iterator[tuple[str, str]]:
    """The functions that a page names in its Python, each with its module: of the heading, or of the line above."""
    module = ""
    is_code = False
    for line in (ROOT / "docs" / page).read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            is_code = line == "```python"
        elif found := re.match(r"## `(services\.\w+)`|(services\.\w+) +#", line):
            module = found[1] or found[2]
        elif line.startswith("## "):
            module = ""
        elif is_code and module and not line.lstrip().startswith(("#", "@", "def ")):
            for part in re.split(r"\s; ", line.partition("  #")[0]):
                if name := re.match(r"(?: {4})?([a-z]\w+)\(", part.strip("\n")):
                    yield module, name[1]


@pytest.mark.parametrize(("page", "at_least"), [("dev-services.md", 40), ("dev-provisioning.md", 50)])
def test_the_functions_that_developers_are_told_exist(page: str, at_least: int) -> None:
    told = list(named_in_code(page))
    assert len(told) >= at_least
    missing = [f"{module}.{name}" for module, name in told if not hasattr(import_module(f"leadtui.{module}"), name)]
    assert missing == []


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_files_that_are_named_are_there(page: Path) -> None:
    """`router/marks.py`, `tests/test_house.py`: from the clone, the program's folder, or a room of it."""
    rooms = [ROOT, ROOT / "leadtui", *(path for path in (ROOT / "leadtui").iterdir() if path.is_dir())]
    for name in set(re.findall(r"`([\w./]+\.(?:py|toml|txt))(?:`|:)", page.read_text(encoding="utf-8"))):
        assert name in ("config.toml",) or any((room / name).exists() for room in rooms), name


def test_the_policies_of_the_docs_are_enough(sqlite_office: Any) -> None:
    """The account that admin.md makes on a router can do what the program asks of one; without `write` it cannot."""
    text = (ROOT / "docs" / "admin.md").read_text(encoding="utf-8")
    (policies,) = re.findall(r"^/user group add name=\w+ policy=([\w,]+)$", text, re.MULTILINE)
    told = frozenset(policies.split(","))
    leads.create(sqlite_office, {"phone": "0722000111", "name": "Achieng Odhiambo"})
    order = conversion.ConvertRequest(router=conversion.RouterRequest("R", package="20 Mbps Home"))
    with Simulator(users={"leadtui": SimulatorUser("pw", told), "less": SimulatorUser("pw", told - {"write"})}) as box:
        login = {"name": "R", "host": box.host, "port": str(box.port), "password": "pw"}
        routers.add(sqlite_office, login | {"username": "less"})
        with pytest.raises(RouterPermissionDenied):
            conversion.convert(sqlite_office, "0722000111", order)
        routers.edit(sqlite_office, "R", {"username": "leadtui"})
        assert conversion.convert(sqlite_office, "0722000111", order).success
        assert subscriptions.carry_out(sqlite_office, "0722000111", Suspend(None)).failed == ()
        box.change("/ppp/secret", "achieng.odhiambo", password="changed-by-hand")
        (seen,) = router_audit.audit_all(sqlite_office)
        assert [one.differences[0].field for one in seen.drifted] == ["password"], "it may see passwords"
        assert capacity.poll(sqlite_office)[0].error is None


def test_every_picture_is_made_by_the_script_and_shown() -> None:
    script = (ROOT / "scripts" / "screenshots.py").read_text(encoding="utf-8")
    made = set(re.findall(r'save\(pilot, folder, "(\w+)"\)', script))
    there = {image.stem for image in (ROOT / "docs" / "images").glob("*.svg")}
    assert there == {f"{name}-{size}" for name in made for size in ("80x24", "120x40")}


def test_the_settings_of_the_docs_are_those_of_the_program() -> None:
    text = (ROOT / "docs" / "admin.md").read_text(encoding="utf-8")
    for key, (_, _, variable, _) in config.KEYS.items():
        if not key.startswith("channels."):
            assert f"`{key}`" in text, key
            assert variable is None or f"`{variable}`" in text, variable
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "leadtui").rglob("*.py"))
    for variable in set(re.findall(r"\bLEADTUI_[A-Z_]+\b", text)) - {"LEADTUI_TEST_PG_URL"}:
        assert f'"{variable}"' in source, variable


def test_the_roles_of_the_docs_are_those_of_a_new_office(sqlite_office: Any) -> None:
    text = (ROOT / "docs" / "admin.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in text.splitlines() if row.startswith("| `")]
    shown = {row[0].strip("`"): row[1:] for row in rows if len(row) == 13}
    roles = {role.key: role for role in sqlite_office.catalog.roles}
    assert set(shown) == set(roles)
    columns = [
        "read",
        "create",
        "edit",
        "assign",
        "convert",
        "lose",
        "delete",
        "protect",
        "bulk",
        "export",
        "import",
        "users",
    ]
    letters = {"all": "A", "branch": "B", "team": "T", "own": "O", "none": "–"}
    for key, cells in shown.items():
        told = [letters[roles[key].grants[action].scope] for action in columns]
        if key == "technician":
            assert cells[2].startswith("log;")
            cells[2] = told[2]
        assert cells == told, key


def test_the_pictures_are_there_and_fetch_nothing() -> None:
    for image in sorted((ROOT / "docs" / "images").glob("*.svg")):
        text = image.read_text(encoding="utf-8")
        assert "@font-face" not in text
        assert set(re.findall(r"https?://[^\s\"')<]+", text)) <= {
            "http://www.w3.org/2000/svg",
            "https://www.textualize.io",  # a comment of the maker
        }


def test_the_commands_page_is_fresh() -> None:
    script = (
        "import sys; sys.path[:0] = ['scripts', '.']; import gen_commands; sys.stdout.write(gen_commands.document())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (ROOT / "docs" / "commands.md").read_text(encoding="utf-8"), "run: ./run docs"
