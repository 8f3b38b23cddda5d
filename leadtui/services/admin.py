"""The door to the office's own things: small tables, users, roles, settings, preferences. The work is in the rooms."""

from __future__ import annotations

from .catalogue import add, add_preset, edit, find, items, preset_choices, retire
from .catalogue_nouns import NOUNS, fields_of
from .office import clean_login
from .settings import SETTINGS, preference, set_preference, set_setting, settings
from .users import add_user, edit_user, role, roles, set_role, set_user_active, users

__all__ = [
    "NOUNS",
    "SETTINGS",
    "add",
    "add_preset",
    "add_user",
    "clean_login",
    "edit",
    "edit_user",
    "fields_of",
    "find",
    "items",
    "preference",
    "preset_choices",
    "retire",
    "role",
    "roles",
    "set_preference",
    "set_role",
    "set_setting",
    "set_user_active",
    "settings",
    "users",
]
