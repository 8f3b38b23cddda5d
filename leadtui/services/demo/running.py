"""A demo that runs: the database in a folder of its own, and its router served from this process while it is open."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from leadtui.errors import Refused
from leadtui.services.demo.building import DemoInfo, RecordedRouter, build_demo, recorded_router
from leadtui.services.office import Office

if TYPE_CHECKING:
    from leadtui.router.simulator import Simulator


@dataclass
class RunningDemo:
    """The demo beside the screens: `db` to open, `close` to stop its router and throw everything away."""

    db: str
    info: DemoInfo
    _simulator: Simulator | None
    _folder: Path | None

    def close(self) -> None:
        """Stop the router; remove the folder."""
        if self._simulator is not None:
            self._simulator.stop()
            self._simulator = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


def start_demo(*, leads: int = 500, preset: str = "isp", keep: bool = False) -> RunningDemo:
    """Build a demo in a new temporary folder and serve its router. `keep` leaves the folder when it is closed."""
    folder = Path(tempfile.mkdtemp(prefix="leadtui-demo-"))
    try:
        info = build_demo(folder / "demo.db", leads=leads, preset=preset)
        simulator = serve(info.router) if info.router is not None else None
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return RunningDemo(str(info.db), info, simulator, None if keep else folder)


def serve(router: RecordedRouter) -> Simulator:
    """The training router where the demo recorded it, started. Raises Refused when its port is taken."""
    from leadtui.router.simulator import Simulator

    return Simulator(router.state_file, router.host, router.port, identity=router.name).start()


def serve_router(office: Office) -> Simulator | None:
    """The router of an office that is a demo, started; None for any other, or when it is being served already."""
    router = recorded_router(office)
    if router is None:
        return None
    try:
        return serve(router)
    except Refused:
        return None
