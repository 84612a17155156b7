"""People, as Plane knows them."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """A person who signed in with Plane. ``username`` is Plane's user id: addresses and names change, it does not."""

    plane_id = models.UUIDField(null=True, unique=True, editable=False)
    display_name = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return self.display_name or self.email or self.username
