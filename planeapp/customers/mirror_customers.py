"""Whether a workspace has Plane customers (asked seldom: the answer takes up to three of few calls), and whose they are."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from planeapp.customers import kept
from planeapp.customers.models import Reference
from planeapp.installations.gateways import plane_for
from planeapp.installations.models import Connection
from planeapp.plane.gateway import Availability
from planeapp.plane.scopes import ScopeMissing

KIND = "customers"
GOOD = timedelta(hours=1)


def customers_of(connection: Connection) -> Availability:
    """As Plane told within the last hour: true or false by itself, with the reason for people."""
    known = kept.one(connection, KIND)
    if known is not None and known.at > timezone.now() - GOOD:
        return Availability(**known.value)
    told = plane_for(connection.installation).has_customers()
    if told.code != ScopeMissing.code:  # that is told without asking
        kept.keep(connection, KIND, "", {"code": told.code, "reason": told.reason})
    return told


def ask_again(connection: Connection) -> None:
    """Something told us otherwise: ask Plane next time."""
    kept.forget(connection, KIND)


def customer_of_each(connection: Connection) -> dict[int, Reference]:
    """Company → its Plane customer: one that we made before others, one that is there before those that are gone."""
    rows = Reference.objects.filter(
        connection=connection, kind=Reference.Kind.CUSTOMER, state=Reference.State.MATCHED
    ).exclude(company=None)
    rows = rows.only("company_id", "key", "name", "how", "shown", "gone_at", "created_at")
    best = sorted(rows, key=lambda row: (row.gone_at is None, row.how == Reference.How.CUSTOMER, row.created_at))
    return {row.company_id: row for row in best if row.company_id is not None}
