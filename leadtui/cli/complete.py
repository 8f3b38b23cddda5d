"""What the shell is told after TAB: names of the database, read quickly and silently; a failure completes nothing."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sqlite3
import sys
from pathlib import Path
from typing import Any

PRESETS = ("isp", "insurance", "real-estate", "estate", "travel")
_BASH_SPECIAL = re.compile(r"""([\s'"$`\\&|;<>()*?\[\]#~!{}])""")
_TIMEOUT_S = 0.3


def answer_shell(variable: str) -> int:
    """Answer the shell's completion script: candidates on standard output, never an error."""
    instruction = os.environ.get(variable, "")
    out = io.StringIO()
    code = 0
    try:
        from leadtui.cli.context import reset_options
        from leadtui.cli.tree import root

        reset_options()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            root().main(args=[], prog_name="leadtui", complete_var=variable, standalone_mode=False)
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else 0
    except Exception:  # noqa: BLE001 - whatever it is, the person is in the middle of typing
        return 0
    text = out.getvalue()
    if instruction == "complete_bash":
        text = "".join(_BASH_SPECIAL.sub(r"\\\1", line) + "\n" for line in text.splitlines() if line)
    sys.stdout.write(text)
    return code


def _database() -> str:
    """The database of this command line, without importing the store."""
    from leadtui.cli.context import options
    from leadtui.config import default_db, load_settings

    return options().db or load_settings().db or str(default_db())


def _names(sql: str) -> list[str]:
    """The first column of a query on an SQLite database; nothing when it cannot be had at once."""
    try:
        database = _database()
        if "://" in database:
            return _names_from_server(sql, database)
        path = Path(database).expanduser()
        if not path.is_file():
            return []
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=_TIMEOUT_S)) as connection:
            return [str(row[0]) for row in connection.execute(sql) if row[0]]
    except Exception:  # noqa: BLE001 - see answer_shell
        return []


def _names_from_server(sql: str, database: str) -> list[str]:
    from leadtui.store.unit_of_work import Store

    store = Store(database)
    try:
        with store.engine.connect() as connection:
            return [str(row[0]) for row in connection.exec_driver_sql(sql) if row[0]]
    finally:
        store.close()


def _starting(names: Any, incomplete: str) -> list[str]:
    typed = incomplete.casefold()
    # A candidate that does not begin exactly as typed is dropped by Typer: give it the typed letters.
    return [incomplete + str(name)[len(incomplete) :] for name in names if str(name).casefold().startswith(typed)]


def statuses(incomplete: str) -> list[str]:
    """Statuses of every pipeline that are in use."""
    rows = _names('SELECT name FROM stage WHERE is_active GROUP BY name ORDER BY min("order")')
    return _starting(rows, incomplete)


def sources(incomplete: str) -> list[str]:
    """Sources in use."""
    return _starting(_names('SELECT name FROM source WHERE is_active ORDER BY "order", name'), incomplete)


def lost_reasons(incomplete: str) -> list[str]:
    """Counted reasons for losing a lead, those in use."""
    return _starting(_names("SELECT name FROM lost_reason WHERE is_active ORDER BY id"), incomplete)


def templates(incomplete: str) -> list[str]:
    """Templates in use."""
    return _starting(_names("SELECT name FROM template WHERE is_active ORDER BY name"), incomplete)


def campaigns(incomplete: str) -> list[str]:
    """Broadcasts by id."""
    found = _names(
        "SELECT CAST(id AS TEXT) FROM campaign WHERE kind = 'broadcast' AND deleted_at IS NULL ORDER BY id DESC"
    )
    return _starting(found, incomplete)


def packages(incomplete: str) -> list[str]:
    """Packages in use."""
    return _starting(_names("SELECT name FROM product WHERE is_active ORDER BY name"), incomplete)


def logins(incomplete: str) -> list[str]:
    """Logins of the people who work here."""
    return _starting(_names('SELECT login FROM "user" WHERE is_active ORDER BY login'), incomplete)


def assignees(incomplete: str) -> list[str]:
    """Logins, and the words that stand for nobody or whom the rules choose."""
    return [*logins(incomplete), *_starting(("auto", "none"), incomplete)]


def routers(incomplete: str) -> list[str]:
    """Names of routers in use."""
    return _starting(_names("SELECT name FROM router WHERE is_active ORDER BY name"), incomplete)


def family_groups(incomplete: str) -> list[str]:
    """Names of the family groups."""
    return _starting(_names("SELECT name FROM family_group ORDER BY name"), incomplete)


def customer_states(incomplete: str) -> list[str]:
    """States of a customer."""
    from leadtui.domain.customers import STATES

    return _starting(STATES, incomplete)


def customer_fields(incomplete: str) -> list[str]:
    """Fields of a customer that can be set, with the equals sign."""
    from leadtui.domain.customers import EDITABLE

    return _starting([f"{key}=" for key in EDITABLE], incomplete)


def pipelines(incomplete: str) -> list[str]:
    """Keys of the pipelines."""
    return _starting(_names("SELECT key FROM pipeline ORDER BY key"), incomplete)


def quick_logs(incomplete: str) -> list[str]:
    """Names of the one-key outcomes."""
    rows = _names('SELECT name FROM quick_log WHERE is_active GROUP BY name ORDER BY min("order")')
    return _starting(rows, incomplete)


def stage_actions(incomplete: str) -> list[str]:
    """Names of what happens when a lead gets to a status."""
    return _starting(_names("SELECT name FROM stage_action GROUP BY name ORDER BY name"), incomplete)


def milestones(incomplete: str) -> list[str]:
    """Names of what is noted when a lead reaches it."""
    return _starting(_names('SELECT name FROM milestone ORDER BY "order"'), incomplete)


def triggers(incomplete: str) -> list[str]:
    """Names of the rules about what leads do."""
    return _starting(_names('SELECT name FROM trigger ORDER BY "order"'), incomplete)


def assignment_rules(incomplete: str) -> list[str]:
    """Names of the rules of who gets leads."""
    return _starting(_names('SELECT name FROM assignment_rule ORDER BY "order"'), incomplete)


def assignment_kinds(incomplete: str) -> list[str]:
    """What rules of who gets leads can do."""
    from leadtui.domain.routing import KINDS

    return _starting(KINDS, incomplete)


def scoring_rules(incomplete: str) -> list[str]:
    """Names of the rules that make scores."""
    return _starting(_names('SELECT name FROM scoring_rule ORDER BY "order"'), incomplete)


def counted_fields(incomplete: str) -> list[str]:
    """Fields that a scoring rule may count."""
    from leadtui.domain.scoring import NUMBER_FIELDS

    return _starting(list(NUMBER_FIELDS), incomplete)


def drips(incomplete: str) -> list[str]:
    """Keys of the drips."""
    query = "SELECT key FROM campaign WHERE kind = 'drip' AND deleted_at IS NULL ORDER BY key"
    return _starting(_names(query), incomplete)


def enrollment_states(incomplete: str) -> list[str]:
    """States of a lead in a drip."""
    from leadtui.domain.drips import STATES

    return _starting((*STATES, "open"), incomplete)


def behaviors(incomplete: str) -> list[str]:
    """What leads do elsewhere."""
    from leadtui.domain.triggers import EVENTS

    return _starting(EVENTS, incomplete)


def branches(incomplete: str) -> list[str]:
    """Names of the branches."""
    return _starting(_names("SELECT name FROM branch ORDER BY name"), incomplete)


def tags(incomplete: str) -> list[str]:
    """Tags that exist."""
    return _starting(_names("SELECT name FROM tag ORDER BY name"), incomplete)


def roles(incomplete: str) -> list[str]:
    """Keys of the roles."""
    return _starting(_names("SELECT key FROM role ORDER BY key"), incomplete)


def presets(incomplete: str) -> list[str]:
    """The presets that ship with the program."""
    return _starting(PRESETS, incomplete)


def actions(incomplete: str) -> list[str]:
    """What a role may or may not do."""
    from leadtui.domain.permissions import ACTIONS

    return _starting(ACTIONS, incomplete)


def scopes(incomplete: str) -> list[str]:
    """With which leads."""
    from leadtui.domain.permissions import SCOPES

    return _starting(SCOPES, incomplete)


def setting_keys(incomplete: str) -> list[str]:
    """Names of settings: the program's and the office's."""
    from leadtui.config import KEYS

    return _starting([*KEYS, *_names("SELECT key FROM setting ORDER BY key")], incomplete)


def field_names(incomplete: str) -> list[str]:
    """Fields of a lead that can be set, with the equals sign."""
    from leadtui.domain.fields import EDITABLE

    return _starting([f"{field.key}=" for field in EDITABLE], incomplete)


def columns(incomplete: str) -> list[str]:
    """Columns of a list, after the commas typed already."""
    from leadtui.cli.render import COLUMNS

    head, comma, last = incomplete.rpartition(",")
    return [head + comma + name for name in _starting(COLUMNS, last)]


def filter_terms(incomplete: str) -> list[str]:
    """What could stand in a filter."""
    from leadtui.domain.filters import complete
    from leadtui.domain.lead_filters import filter_fields

    found = complete(incomplete, len(incomplete), filter_fields(), _filter_values)
    return [incomplete[: item.start] + item.text + incomplete[item.end :] for item in found]


def _filter_values(field: str, prefix: str) -> list[str]:
    by_field = {
        "status": statuses, "source": sources, "assigned_to": logins, "manager": logins, "package": packages,
        "branch": branches, "tags": tags, "pipeline": pipelines, "reached": statuses, "lost_reason": lost_reasons,
    }  # fmt: skip
    return by_field[field](prefix) if field in by_field else []


def log_types(incomplete: str) -> list[str]:
    """Kinds of contact that can be logged."""
    return _starting(("call", "email", "meeting", "site_visit", "whatsapp", "sms", "note", "quotation", "other"),
                     incomplete)  # fmt: skip


def activity_scopes(incomplete: str) -> list[str]:
    """Which activities."""
    words = ("scheduled", "completed", "pending", "overdue", "today", "upcoming", "cancelled")
    return _starting(words, incomplete)


def follow_up_lists(incomplete: str) -> list[str]:
    """Which follow-ups."""
    return _starting(("due", "overdue", "today", "upcoming", "all"), incomplete)


def contexts(incomplete: str) -> list[str]:
    """Contexts that have a delay of their own as the program ships."""
    from leadtui.domain.follow_up_times import DELAYS

    return _starting([part.split()[0] for part in DELAYS.split(",")], incomplete)


def outcomes(incomplete: str) -> list[str]:
    """How a contact went."""
    return _starting(("positive", "neutral", "negative", "follow_up", "no_answer"), incomplete)


def intake_states(incomplete: str) -> list[str]:
    """What became of something that came in."""
    return _starting(("created", "linked", "failed", "dropped"), incomplete)
