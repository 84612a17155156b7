"""Re-encryption of every stored secret with the first key, a row at a time, while the app goes on working."""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.db import models, transaction
from django.db.models import Q, TextField
from django.db.models.functions import Cast

from planeapp.lib.crypto import SCHEME, EncryptedTextField, key_ring

BATCH = 200


def encrypted_fields() -> Iterator[tuple[type[models.Model], list[str]]]:
    """Every model that keeps secrets, with its encrypted columns."""
    for model in apps.get_models():
        names = [field.attname for field in model._meta.concrete_fields if isinstance(field, EncryptedTextField)]
        if names:
            yield model, names


def old_rows(model: type[models.Model], names: list[str]) -> models.QuerySet[models.Model]:
    """Rows of a model with a secret that another key than the first one sealed."""
    found = model._default_manager.all()
    old = Q()
    for name in names:
        found = found.annotate(**{f"raw_{name}": Cast(name, TextField())})
        filled = ~Q(**{f"raw_{name}": ""}) & Q(**{f"raw_{name}__isnull": False})
        old |= filled & ~Q(**{f"raw_{name}__startswith": f"{SCHEME}.{key_ring().primary}."})
    return found.filter(old)


def rotate() -> int:
    """Bring every old row to the first key; gives their number. Interrupted, it goes on where it stopped."""
    done = 0
    for model, names in encrypted_fields():
        while keys := list(old_rows(model, names).values_list("pk", flat=True)[:BATCH]):
            done += sum(_reseal(model, names, key) for key in keys)
    return done


def _reseal(model: type[models.Model], names: list[str], key: object) -> int:
    """One row under its lock, read anew: a token that was refreshed meanwhile is not put back."""
    with transaction.atomic():
        row = model._default_manager.select_for_update().filter(pk=key).first()
        if row is None:
            return 0
        for name in names:
            setattr(row, name, getattr(row, name))  # reading opens it, writing seals it with the first key
        row.save(update_fields=names)
    return 1
