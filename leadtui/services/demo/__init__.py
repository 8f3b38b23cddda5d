"""The demo: a throw-away database with believable leads, and its training router (contract `demo`).

info = build_demo(path, leads=500, preset="isp")        # only the database; DemoInfo(db, …, state_file)
demo = start_demo(leads=500, preset="isp")               # in a folder of its own, its router running; demo.close()
recorded_router(office)                                  # where the demo's router is to be served, or None
"""

from leadtui.services.demo.building import DemoInfo, RecordedRouter, build_demo, recorded_router
from leadtui.services.demo.running import RunningDemo, serve_router, start_demo

__all__ = ["DemoInfo", "RecordedRouter", "RunningDemo", "build_demo", "recorded_router", "serve_router", "start_demo"]
