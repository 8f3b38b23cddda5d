"""Rules tried on the office's own past before they go live (field M12): the front of both rehearsals.

`scores` tries scoring rules, `assignment` the rules for who gets a lead. Both go through the leads of the last months
and see of each only what was in the database at its date; neither writes anything.
"""

from __future__ import annotations

from .rehearsal_leads import Stopped as Stopped
from .rehearsal_records import AssignmentRehearsal as AssignmentRehearsal
from .rehearsal_records import Candidate as Candidate
from .rehearsal_records import Change as Change
from .rehearsal_records import RoutingCandidate as RoutingCandidate
from .rehearsal_records import ScoreCandidate as ScoreCandidate
from .rehearsal_records import ScoreRehearsal as ScoreRehearsal
from .rehearsal_routing import rehearse as assignment
from .rehearsal_scores import rehearse as scores

__all__ = [
    "AssignmentRehearsal", "Candidate", "Change", "RoutingCandidate", "ScoreCandidate", "ScoreRehearsal", "Stopped",
    "assignment", "scores",
]  # fmt: skip
