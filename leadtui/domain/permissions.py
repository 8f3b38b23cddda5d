"""Who may do what with which leads: actions × scopes (spec §AA, §AI-c)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ACTIONS: tuple[str, ...] = (
    "read",
    "create",
    "edit",
    "status",
    "log",
    "assign",
    "convert",
    "lose",
    "reopen",
    "delete",
    "purge",
    "protect",
    "bulk",
    "export",
    "import",
    "campaign",
    "loans",
    "stats",
    "config",
    "users",
    "backups",
    "impersonate",
)

SCOPES: tuple[str, ...] = ("all", "branch", "team", "own", "none")

# Actions that mean nothing for a single lead: any scope but `none` permits them.
OFFICE_ACTIONS = frozenset({"config", "users", "backups", "impersonate"})


@dataclass(frozen=True, slots=True)
class Grant:
    """One cell of the matrix. `stages` (keys) narrows `status` to moves from or to one of them (spec AI14)."""

    scope: str = "none"
    stages: tuple[str, ...] = ()


NONE = Grant()


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, as every service sees it: the role's grants and what ties this user to leads."""

    user_id: int
    login: str
    name: str
    role: str
    branch_id: int | None = None
    team_id: int | None = None
    # Users whose leads count as the team's; the actor is among them.
    team_user_ids: tuple[int, ...] = ()
    grants: Mapping[str, Grant] = field(default_factory=dict)
    hidden_fields: frozenset[str] = frozenset()
    is_owner: bool = False

    def grant(self, action: str) -> Grant:
        """The grant for `action`; `none` where the matrix is silent."""
        return self.grants.get(action, NONE)

    def scope(self, action: str) -> str:
        """One of SCOPES."""
        return self.grant(action).scope

    def may(self, action: str) -> bool:
        """Whether the action is permitted on anything at all."""
        return self.scope(action) != "none"

    def may_on(self, action: str, *, assigned_to_id: int | None, branch_id: int | None) -> bool:
        """Whether the action is permitted on a lead with this assignee and branch.

        The same rule as the scope clause of the store (`leadtui.store.scope`), for one lead already read.
        """
        match self.scope(action):
            case "all":
                return True
            case "branch":
                return branch_id is not None and branch_id == self.branch_id
            case "team":
                return assigned_to_id is not None and assigned_to_id in (*self.team_user_ids, self.user_id)
            case "own":
                return assigned_to_id == self.user_id
            case _:
                return False


# Each action as a sentence says it of one lead, and of leads or the office at large.
_VERBS: dict[str, tuple[str, str]] = {
    "read": ("see", "see leads"),
    "create": ("add", "add leads"),
    "edit": ("edit", "edit leads"),
    "status": ("change the status of", "change the status of leads"),
    "log": ("log a contact with", "log contacts"),
    "assign": ("assign", "assign leads"),
    "convert": ("convert", "convert leads"),
    "lose": ("mark as lost", "mark leads as lost"),
    "reopen": ("reopen", "reopen leads"),
    "delete": ("delete", "delete leads"),
    "purge": ("purge", "purge leads"),
    "protect": ("protect", "protect leads"),
    "bulk": ("change", "change many leads at once"),
    "export": ("export", "export leads"),
    "import": ("import", "import leads"),
    "campaign": ("message", "run campaigns"),
    "loans": ("note loans of", "manage loans"),
    "stats": ("count", "see statistics"),
    "config": ("configure", "change the office's settings"),
    "users": ("manage", "manage users"),
    "backups": ("back up", "make backups"),
    "impersonate": ("act for", "act as another user"),
}


def verb(action: str, *, many: bool = False) -> str:
    """The action in words: "you may not …" (this lead, or at large with `many`)."""
    one, at_large = _VERBS.get(action, (action, action))
    return at_large if many else one
