"""What has to hold before a process starts: the stored secrets open with the keys that we have."""

from __future__ import annotations

from typing import Any

from django.core.checks import Error, Tags, register
from django.db import DatabaseError

from planeapp.installations.models import Credential
from planeapp.lib.crypto import CannotDecrypt


@register(Tags.database)
def secrets_open(databases: Any = None, **options: Any) -> list[Error]:
    """Open the newest stored secret. Run by ``check --database default`` and by the workers' start."""
    if not databases:
        return []
    try:
        newest = Credential.objects.exclude(access="").order_by("-updated_at").first()
        if newest is not None:
            _ = newest.access
    except CannotDecrypt as error:
        hint = "Put the key that sealed it back into ENCRYPTION_KEYS."
        return [Error(f"ENCRYPTION_KEYS does not open the stored secrets: {error}", hint=hint, id="groundcrew.E001")]
    except DatabaseError:
        return []  # not migrated yet; readiness tells of the database itself
    return []
