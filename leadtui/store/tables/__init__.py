"""All tables, a file per noun. Importing this fills `SQLModel.metadata`."""

from .audit import Audit, Batch, ImportRun
from .catalog import Branch, Counter, LostReason, Person, Pipeline, Product, Setting, Source, Stage, Tag
from .customer import (
    Customer,
    FamilyGroup,
    ProvisionJob,
    Router,
    RouterCapacity,
    RouterProfile,
    RouterUser,
    Secret,
)
from .lead import Activity, Document, Lead, LeadCustom, LeadProduct, LeadTag, StageChange
from .people import Permission, Preference, Role, Team, User
from .work import Event, Lease

__all__ = [
    "Activity",
    "Audit",
    "Batch",
    "Branch",
    "Counter",
    "Customer",
    "Document",
    "Event",
    "FamilyGroup",
    "ImportRun",
    "Lead",
    "LeadCustom",
    "LeadProduct",
    "LeadTag",
    "Lease",
    "LostReason",
    "Permission",
    "Person",
    "Pipeline",
    "Preference",
    "Product",
    "ProvisionJob",
    "Role",
    "Router",
    "RouterCapacity",
    "RouterProfile",
    "RouterUser",
    "Secret",
    "Setting",
    "Source",
    "Stage",
    "StageChange",
    "Tag",
    "Team",
    "User",
]
