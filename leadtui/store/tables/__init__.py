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
from .follow_up import Booking, Intake, LeadMilestone, LoanCommitment, Milestone, Notification, QuickLog, StageAction
from .lead import Activity, Document, Lead, LeadCustom, LeadProduct, LeadTag, StageChange
from .people import Permission, Preference, Role, Team, User
from .work import Event, JobRun, Lease, Worker

__all__ = [
    "Activity",
    "Audit",
    "Batch",
    "Booking",
    "Branch",
    "Counter",
    "Customer",
    "Document",
    "Event",
    "FamilyGroup",
    "ImportRun",
    "Intake",
    "JobRun",
    "Lead",
    "LeadCustom",
    "LeadMilestone",
    "LeadProduct",
    "LeadTag",
    "Lease",
    "LoanCommitment",
    "LostReason",
    "Milestone",
    "Notification",
    "Permission",
    "Person",
    "Pipeline",
    "Preference",
    "Product",
    "ProvisionJob",
    "QuickLog",
    "Role",
    "Router",
    "RouterCapacity",
    "RouterProfile",
    "RouterUser",
    "Secret",
    "Setting",
    "Source",
    "Stage",
    "StageAction",
    "StageChange",
    "Tag",
    "Team",
    "User",
    "Worker",
]
