"""`python -m bench [--rows 100000] [--million]`: everything that is measured, beside its yardsticks, in one run.

Exit code 1 when a goal was missed. Everything happens in a folder of its own, on this machine alone; about two minutes
for 100,000 leads, and some minutes more for a million.
"""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.customers import customers_and_routers
from bench.hanging import hanging
from bench.import_export import import_export, messy, timed
from bench.provisioning import provisioning
from bench.queries import queries
from bench.starts import keys, starts
from bench.table import Table
from bench.writers import writers


def environment(folder: Path) -> dict[str, str]:
    """Nothing of the person who runs this."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("LEADTUI_", "TEXTUAL", "XDG_"))}
    env.pop("NO_COLOR", None)
    return {
        **env,
        "HOME": str(folder),
        "LEADTUI_DB": str(folder / "leads.db"),
        "LEADTUI_CONFIG": str(folder / "config.toml"),
    }


def init(env: dict[str, str]) -> None:
    """A new database."""
    subprocess.run(
        [sys.executable, "-m", "leadtui", "init", "--preset", "isp", "--admin", "boss"],
        env=env, check=True, capture_output=True,
    )  # fmt: skip


def first_name(path: str) -> str:
    """The first word of the name in the first row of the list."""
    with sqlite3.connect(path) as database:
        query = "select name from lead where deleted_at is null order by created_at desc, id desc limit 1"
        return str(database.execute(query).fetchone()[0]).split()[0]


def main() -> int:
    """Run it all."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=100_000, help="leads in the database (default 100000)")
    parser.add_argument("--million", action="store_true", help="then the same reads with 1,000,000 leads")
    parser.add_argument("--starts", type=int, default=9, help="rounds of starting the program (default 9)")
    options = parser.parse_args()
    table = Table()
    print(
        f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()},"
        f" SQLite {sqlite3.sqlite_version}; load before the run {os.getloadavg()[0]:.1f}"
    )
    with tempfile.TemporaryDirectory(prefix="leadtui-bench-") as name:
        folder = Path(name)
        env = environment(folder)
        init(env)
        import_export(table, folder, env, options.rows)
        path = env["LEADTUI_DB"]
        known = first_name(path)
        starts(table, env, known, options.rows, options.starts)
        queries(table, path, options.rows, 0.010)
        keys(table, env, known, options.rows, 0.050, 200)
        writers(table, path, str(folder / "plain-writers.db"), env)
        provisioning(table, env)
        customers_and_routers(table, env, options.rows, min(20_000, options.rows // 5))
    with tempfile.TemporaryDirectory(prefix="leadtui-bench-") as name:
        env = environment(Path(name))
        init(env)
        hanging(table, env)
    if options.million:
        with tempfile.TemporaryDirectory(prefix="leadtui-bench-") as name:
            folder = Path(name)
            env = environment(folder)
            init(env)
            messy(folder / "messy.csv", 1_000_000)
            file = str(folder / "messy.csv")
            seconds, cpu, _ = timed([sys.executable, "-m", "leadtui", "lead", "import", file, "--json"], env)
            table.head("A million")
            table.row("import of a messy file of 1,000,000 rows", f"{seconds:.0f} s (cpu {cpu:.0f} s)")
            path = env["LEADTUI_DB"]
            queries(table, path, 1_000_000, 0.020, 11)
            keys(table, env, first_name(path), 1_000_000, 0.100, 200)
    print(f"\n{len(table.missed)} goals missed" + "".join(f"\n- {what}" for what in table.missed))
    return 1 if table.missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
