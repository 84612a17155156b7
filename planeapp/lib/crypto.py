"""Secrets at rest: AES-256-GCM, the key's id in the ciphertext, bound to table, column and row.

A ciphertext that is copied to another row or column does not open. The first key of ``ENCRYPTION_KEYS`` encrypts, all
of them decrypt, so keys rotate with no downtime. Text form: ``g1.<key id>.<base64url(nonce + ciphertext + tag)>``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

SCHEME = "g1"
NONCE_BYTES = 12


class CannotDecrypt(Exception):
    """The stored secret does not open: its key is missing from ENCRYPTION_KEYS, or it was moved or changed."""


def key_id(key: bytes) -> str:
    """Short public name of a key: eight hex digits of its hash."""
    return hashlib.sha256(b"groundcrew key id" + key).hexdigest()[:8]


class KeyRing:
    """The keys of this process, newest first."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise CannotDecrypt("no encryption key; set ENCRYPTION_KEYS")
        self.primary = key_id(keys[0])
        self._ciphers = {key_id(key): AESGCM(key) for key in keys}

    def seal(self, text: str, place: str) -> str:
        """Encrypt ``text`` for ``place`` (table, column and row) with the first key."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = nonce + self._ciphers[self.primary].encrypt(nonce, text.encode(), place.encode())
        return f"{SCHEME}.{self.primary}.{base64.urlsafe_b64encode(sealed).decode()}"

    def open(self, sealed: str, place: str) -> str:
        """Decrypt, or raise CannotDecrypt."""
        scheme, _, rest = sealed.partition(".")
        name, _, body = rest.partition(".")
        if scheme != SCHEME or name not in self._ciphers:
            raise CannotDecrypt(f"no key {name!r} for {place}; add it to ENCRYPTION_KEYS")
        try:
            raw = base64.urlsafe_b64decode(body)
            return self._ciphers[name].decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], place.encode()).decode()
        except (InvalidTag, binascii.Error, ValueError) as error:
            raise CannotDecrypt(f"the secret at {place} does not open with key {name}") from error


def key_ring() -> KeyRing:
    """The ring of the settings in force."""
    return KeyRing(settings.ENCRYPTION_KEYS)


@dataclass(frozen=True)
class Sealed:
    """A value as the database holds it, not yet opened."""

    text: str

    @property
    def key(self) -> str:
        """Id of the key that sealed it."""
        return self.text.split(".")[1] if self.text.count(".") == 2 else ""


class _Opener:
    """Descriptor: opens the value at the first look, for this row alone."""

    def __init__(self, field: EncryptedTextField) -> None:
        self.field = field

    def __get__(self, instance: models.Model | None, owner: type | None = None) -> Any:
        if instance is None:
            return self
        if self.field.attname not in instance.__dict__:
            instance.refresh_from_db(fields=[self.field.attname])
        value = instance.__dict__[self.field.attname]
        if isinstance(value, Sealed):
            value = key_ring().open(value.text, self.field.place(instance)) if value.text else ""
            instance.__dict__[self.field.attname] = value
        return value

    def __set__(self, instance: models.Model, value: object) -> None:
        instance.__dict__[self.field.attname] = value


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Text that is encrypted in the database and plain on the instance. ``""`` stays ``""``.

    The row's primary key must be known before it is saved (uuid keys are), since the ciphertext is bound to it.
    """

    def contribute_to_class(self, cls: type[models.Model], name: str, private_only: bool = False) -> None:
        """Put the opener in the place of the plain attribute."""
        super().contribute_to_class(cls, name, private_only)
        setattr(cls, self.attname, _Opener(self))

    def place(self, instance: models.Model) -> str:
        """What a ciphertext is bound to."""
        if instance.pk is None:
            raise ValueError("an encrypted field needs a row with a primary key of its own making")
        return f"{instance._meta.db_table}.{self.column}.{instance.pk}"

    def from_db_value(self, value: str | None, expression: object, connection: BaseDatabaseWrapper) -> Sealed | None:
        """Keep what the database gave, sealed."""
        return None if value is None else Sealed(value)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Seal a plain value; write back a sealed one as it is."""
        value = model_instance.__dict__.get(self.attname, "")
        if isinstance(value, Sealed) or not value:
            return value
        return Sealed(key_ring().seal(value, self.place(model_instance)))

    def value_to_string(self, obj: models.Model) -> str:
        """What a dump (``dumpdata``) shows: the sealed form."""
        value = self.pre_save(obj, add=False)
        return value.text if isinstance(value, Sealed) else ""

    def get_prep_value(self, value: Any) -> Any:
        """Only sealed or empty values reach the database: a bulk update with plain text is a mistake."""
        if isinstance(value, Sealed):
            return value.text
        if value in ("", None):
            return value
        raise TypeError("encrypted fields are written by saving the row")
