"""The training router: a real TCP server that speaks the RouterOS API, for training, demos and tests.

No stub: it keeps ids, references, defaults, normalised values, permissions and the exact refusals that RouterOS gives
(facts/mikrotik §b), persists after every change, and can be told to fail in every way a router fails.
"""

from leadtui.router.simulator.commands import SimulatorUser
from leadtui.router.simulator.faults import FaultAction, FaultPlan, FaultRule
from leadtui.router.simulator.server import Simulator, run_simulator

__all__ = ["FaultAction", "FaultPlan", "FaultRule", "Simulator", "SimulatorUser", "run_simulator"]
