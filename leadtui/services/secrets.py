"""Passwords at rest: encrypted in the database, with the key in a file outside of it (spec AH14, AJ19).

The key lies beside an SQLite database (`leads.db.key`), in the user's config folder for a server, or where
`LEADTUI_KEY_FILE` or `secrets.key_file` of the config file say. A backup of the database alone opens nothing.
"""

from __future__ import annotations

import contextlib
import os
import secrets as _random
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from leadtui.errors import Refused
from leadtui.router.port import Secret
from leadtui.store import schema as t
from leadtui.store.unit_of_work import ReadTx, WriteTx

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

    from .office import Office

_KEY_MODE = 0o600
_MANY = 500
"""How many secrets one statement reads."""


class SecretKeyError(Refused):
    """The key file is missing, unreadable, or not the one the secrets were stored with."""

    code = "secret_key"


def new_ref(kind: str) -> str:
    """A fresh name for a secret: `kind:` and random letters."""
    return f"{kind}:{_random.token_hex(12)}"


def key_path(office: Office) -> Path:
    """Where the key of this database lies."""
    from leadtui.config import load_settings

    if chosen := load_settings().secrets_key_file:
        return Path(chosen).expanduser()
    if (database := office.store.path) is not None:
        return database.with_name(database.name + ".key")
    from platformdirs import user_config_path

    return user_config_path("leadtui", appauthor=False) / "secrets.key"


def put(tx: WriteTx, office: Office, ref: str, text: str | Secret) -> None:
    """Store or replace a secret. Makes the key with the first secret of a database. Raises SecretKeyError."""
    first = tx.conn.execute(select(t.secret.c.ref).limit(1)).first() is None
    value = text.reveal() if isinstance(text, Secret) else text
    token = _fernet(office, may_create=first).encrypt(value.encode("utf-8", "surrogatepass")).decode("ascii")
    changed = tx.conn.execute(update(t.secret).where(t.secret.c.ref == ref).values(token=token)).rowcount
    if not changed:
        tx.conn.execute(insert(t.secret).values(ref=ref, token=token))


def get(tx: ReadTx, office: Office, ref: str) -> Secret:
    """The secret named `ref`. Raises SecretKeyError when it cannot be opened."""
    from cryptography.fernet import InvalidToken

    token = tx.conn.execute(select(t.secret.c.token).where(t.secret.c.ref == ref)).scalar()
    if token is None:
        raise SecretKeyError("the password is not stored any more", hint="type it again")
    try:
        value = _fernet(office, may_create=False).decrypt(token.encode("ascii"))
    except InvalidToken:
        raise SecretKeyError(
            f"the key {key_path(office)} does not open the stored passwords",
            field="secrets.key_file",
            hint="put back the key file that belongs to this database, or type the passwords again",
        ) from None
    return Secret(value.decode("utf-8", "surrogatepass"))


def get_many(tx: ReadTx, office: Office, refs: Iterable[str]) -> dict[str, Secret]:
    """Those of the secrets that are stored and that the key opens, by name. Raises nothing: the rest is left out."""
    from cryptography.fernet import InvalidToken

    wanted = list(refs)
    try:
        opener = _fernet(office, may_create=False) if wanted else None
    except SecretKeyError:
        return {}
    found: dict[str, Secret] = {}
    for start in range(0, len(wanted), _MANY):
        query = select(t.secret.c.ref, t.secret.c.token).where(t.secret.c.ref.in_(wanted[start : start + _MANY]))
        for ref, token in tx.conn.execute(query):
            with contextlib.suppress(InvalidToken):
                if opener is not None:
                    found[ref] = Secret(opener.decrypt(token.encode("ascii")).decode("utf-8", "surrogatepass"))
    return found


def drop(tx: WriteTx, ref: str | None) -> None:
    """Forget a secret; nothing happens when there is none."""
    if ref:
        tx.conn.execute(delete(t.secret).where(t.secret.c.ref == ref))


def _fernet(office: Office, *, may_create: bool) -> Fernet:
    from cryptography.fernet import Fernet

    path = key_path(office)
    try:
        key = path.read_bytes().strip()
    except FileNotFoundError:
        if not may_create:
            raise SecretKeyError(
                f"the key of the stored passwords is missing: {path}",
                field="secrets.key_file",
                hint="put the key file back (it is not part of the database), or name it with LEADTUI_KEY_FILE",
            ) from None
        key = _create(path)
    except OSError as error:
        raise SecretKeyError(
            f"the key {path} cannot be read: {error.strerror}", field="secrets.key_file", hint="check its rights"
        ) from None
    try:
        return Fernet(key)
    except ValueError:
        raise SecretKeyError(
            f"{path} is not a key file", field="secrets.key_file", hint="put back the key file of this database"
        ) from None


def _create(path: Path) -> bytes:
    """Make the key file, complete from the moment it is visible; another process may be first, then its key is ours."""
    from cryptography.fernet import Fernet

    key = Fernet.generate_key()
    draft = path.with_name(f"{path.name}.{_random.token_hex(6)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _KEY_MODE)
        try:
            os.write(handle, key + b"\n")
            os.fsync(handle)
        finally:
            os.close(handle)
        try:
            os.link(draft, path)  # fails when the name exists, unlike a rename
        except FileExistsError:
            return path.read_bytes().strip()
        finally:
            with contextlib.suppress(OSError):
                draft.unlink()
    except OSError as error:
        raise SecretKeyError(
            f"the key {path} cannot be made: {error.strerror}",
            field="secrets.key_file",
            hint="choose another place with LEADTUI_KEY_FILE",
        ) from None
    return key
