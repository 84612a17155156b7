"""Which connections have companies, and each one's book."""

from __future__ import annotations

from django.db.models import QuerySet

from planeapp.customers.models import Book
from planeapp.installations.models import Connection, Installation

ABILITY = "companies"


def has_companies(connection: Connection) -> bool:
    """Whether the last probe found companies that may be read."""
    return ABILITY in (connection.report.get("abilities") or ())


def book_of(connection: Connection) -> Book:
    """The connection's book, made when it is missing."""
    return Book.objects.get_or_create(connection=connection)[0]


def connections() -> QuerySet[Connection]:
    """Connections that may be used now, of whichever provider; filter them with :func:`has_companies`."""
    return Connection.objects.filter(
        status=Connection.Status.ACTIVE, installation__status=Installation.Status.ACTIVE
    ).select_related("installation")
