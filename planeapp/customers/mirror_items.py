"""Tied work items stand on the Plane customer of their company.

Only what people and rules tied is put there, once: who takes an item off its customer in Plane is not fought. What we put
there is taken off again when the tie is. Ties that come from Plane's customers themselves stand there already.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from planeapp.customers import kept
from planeapp.customers.cache import there
from planeapp.customers.mirror_customers import customer_of_each
from planeapp.customers.models import Reference
from planeapp.installations.models import Connection
from planeapp.lib.errors import FixSettings, Gone
from planeapp.plane.gateway import Plane
from planeapp.sync.models import Tie

KIND = "items"


def work(connection: Connection, plane: Plane, most: int) -> bool:
    """Bring the work items of at most ``most`` customers up to date; true when there are more."""
    if not plane.offers("customer_items"):
        return False
    known, tied = kept.load(connection, KIND), _tied(connection)
    done = 0
    for reference, party in _customers(connection):
        wanted = tied.get(party, set())
        put = set(known[reference.pk.hex].value["items"]) if reference.pk.hex in known else set()
        if wanted == put:
            continue
        if done == most:
            return True
        done += 1
        _put(plane, reference.key, wanted - put)
        for item in sorted(put - wanted):
            plane.unlink_item(reference.key, item)
        kept.keep(connection, KIND, str(reference.pk), {"items": sorted(wanted)})
    return False


def _tied(connection: Connection) -> dict[str, set[str]]:
    ties = Tie.objects.filter(connection=connection, state=Tie.State.ACTIVE).exclude(origin=Tie.Origin.CUSTOMER)
    found: defaultdict[str, set[str]] = defaultdict(set)
    for party, item in ties.values_list("party_id", "item_id").iterator(chunk_size=2000):
        found[party].add(str(item))
    return found


def _customers(connection: Connection) -> list[tuple[Reference, str]]:
    """Customers that are there, each with its company's id over there."""
    parties = dict(there(connection).filter(references__kind=Reference.Kind.CUSTOMER).values_list("pk", "remote_id"))
    rows = customer_of_each(connection).items()
    return [(row, parties[company]) for company, row in rows if company in parties and row.gone_at is None]


def _put(plane: Plane, customer: str, items: Collection[str]) -> None:
    """Plane takes all or none, so where one of them is gone each is put there by itself."""
    try:
        plane.link_items(customer, sorted(items))
    except (FixSettings, Gone) as error:
        if error.code in kept.OF_THE_WORKSPACE:
            raise
        for item in sorted(items) if len(items) > 1 else ():
            _put(plane, customer, [item])
