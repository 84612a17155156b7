"""The budget of each token: in Redis where there is one, else in our own database (embedded, one machine)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cache, partial
from typing import TypeVar

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from planeapp.installations.models import CallWindow, Connection, Installation
from planeapp.lib.budget import Budget, Store
from planeapp.lib.budget_redis import RedisStore
from planeapp.plane.quota import TERMS
from planeapp.providers import provider_class
from planeapp.providers.base import BudgetFunction

T = TypeVar("T")
KEPT = timedelta(days=1)


class TableStore:
    """Windows as rows of a table."""

    def change(self, key: str, turn: Callable[[str | bytes | None], tuple[str, T]]) -> T | None:
        """See :class:`planeapp.lib.budget.Store`."""
        with transaction.atomic():
            CallWindow.objects.get_or_create(key=key)
            row = CallWindow.objects.select_for_update().get(key=key)
            row.state, result = turn(row.state)
            row.save()
        return result


@cache
def _redis(url: str) -> RedisStore:
    return RedisStore(url)


def store() -> Store:
    """Where this process keeps count."""
    return _redis(settings.REDIS_URL) if settings.REDIS_URL else TableStore()


def of_installation(installation: Installation, slot: str = "bot") -> Budget:
    """Plane's calls with a token of an installation."""
    return Budget(f"{installation.pk}:{slot}", store(), TERMS)


def _of_connection(connection: Connection, slot: str = "main") -> Budget:
    return Budget(f"{connection.pk}:{slot}", store(), provider_class(connection.provider).terms)


def of_connection(connection: Connection) -> BudgetFunction:
    """A provider's calls with the tokens of a connection, by slot."""
    return partial(_of_connection, connection)


def forget_old() -> int:
    """Delete windows that nobody has used for a day; gives their number."""
    return CallWindow.objects.filter(updated_at__lt=timezone.now() - KEPT).delete()[0]
