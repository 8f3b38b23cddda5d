"""The tables as SQLAlchemy Core sees them: `schema.lead.c.stage_id`. Queries use these; the classes only describe."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import Table
from sqlmodel import SQLModel

from . import tables


def _table(model: Any) -> Table:
    return cast(Table, model.__table__)


activity = _table(tables.Activity)
audit = _table(tables.Audit)
batch = _table(tables.Batch)
branch = _table(tables.Branch)
counter = _table(tables.Counter)
customer = _table(tables.Customer)
document = _table(tables.Document)
family_group = _table(tables.FamilyGroup)
import_run = _table(tables.ImportRun)
lead = _table(tables.Lead)
lead_custom = _table(tables.LeadCustom)
lead_product = _table(tables.LeadProduct)
lead_tag = _table(tables.LeadTag)
lost_reason = _table(tables.LostReason)
permission = _table(tables.Permission)
person = _table(tables.Person)
pipeline = _table(tables.Pipeline)
preference = _table(tables.Preference)
product = _table(tables.Product)
provision_job = _table(tables.ProvisionJob)
role = _table(tables.Role)
router = _table(tables.Router)
router_user = _table(tables.RouterUser)
secret = _table(tables.Secret)
setting = _table(tables.Setting)
source = _table(tables.Source)
stage = _table(tables.Stage)
stage_change = _table(tables.StageChange)
tag = _table(tables.Tag)
team = _table(tables.Team)
user = _table(tables.User)

metadata = SQLModel.metadata
