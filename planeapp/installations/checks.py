"""What has to hold before a process starts: the stored secrets open with the keys that we have."""

from __future__ import annotations

from typing import Any

from django.core.checks import Error, Tags, register
from django.db import DatabaseError
from django.db.models import Max, TextField
from django.db.models.functions import Cast, Substr

from planeapp.installations.models import Credential
from planeapp.lib.crypto import SCHEME, CannotDecrypt

HEAD = len(f"{SCHEME}.") + 8
"""Characters in front of a ciphertext that name its key."""


@register(Tags.database)
def secrets_open(databases: Any = None, **options: Any) -> list[Error]:
    """Open one stored secret of every key in use. Run by ``check --database default`` and by the workers' start."""
    if not databases:
        return []
    try:
        for credential in _one_of_each_key():
            _ = credential.access
    except CannotDecrypt as error:
        hint = "Put the key that sealed it back into ENCRYPTION_KEYS."
        return [Error(f"ENCRYPTION_KEYS does not open the stored secrets: {error}", hint=hint, id="groundcrew.E001")]
    except DatabaseError:
        return []  # not migrated yet; readiness tells of the database itself
    return []


def _one_of_each_key() -> list[Credential]:
    filled = Credential.objects.exclude(access="").annotate(head=Substr(Cast("access", TextField()), 1, HEAD))
    newest = filled.values("head").annotate(latest=Max("updated_at")).values_list("head", "latest")
    found = [filled.filter(head=head, updated_at=latest).first() for head, latest in newest]
    return [credential for credential in found if credential is not None]
