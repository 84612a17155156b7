"""Making the Plane customer of a company so that it never becomes somebody else's: Plane itself merges equal names."""

from __future__ import annotations

from collections.abc import Mapping

from planeapp.customers import kept
from planeapp.customers.models import Company, Reference
from planeapp.installations.models import Connection
from planeapp.lib.errors import FixSettings
from planeapp.lib.folding import folded
from planeapp.plane.bodies import clean_id
from planeapp.plane.gateway import SOURCE, Namesake, Plane
from planeapp.plane.records import Row

LONGEST = 255
MADE = "made"
"""Notes on which customer we made for which company."""


class AwaitsMatching(Exception):
    """There is a customer of which it is not clear whether it is the company's.

    ``unseen``: matching has not looked at it yet; else that is up to a person.
    """

    def __init__(self, unseen: bool) -> None:
        super().__init__()
        self.unseen = unseen


def customer_for(
    connection: Connection, plane: Plane, company: Company, fields: Mapping[str, str | None], among: list[Row] | None
) -> Reference:
    """The customer that we made for the company, or make now; its reference. May be repeated.

    Where another customer has the name, ours gets the company's id behind it. ``among``: all customers, where they were
    read just before; the new one is added to them. Raises AwaitsMatching when it is not clear that this may be done.
    """
    _check_ours(connection, company)
    made = plane.ensure_customer(company.remote_id, fields, among=among)
    if isinstance(made, Namesake):
        _check_matched(connection, made, company)
        made = plane.ensure_customer(company.remote_id, {**fields, "name": longer(company)}, among=among)
    if isinstance(made, Namesake):
        person = f"Plane has two other customers named {company.name} and {longer(company)}. Rename one of them."
        raise FixSettings(f"company {company.pk} has two namesakes", person=person, code="namesake")
    if among is not None:
        among.append(made.record)
    kept.keep(connection, MADE, str(company.pk), {"key": clean_id(made.record)})
    return Reference.objects.update_or_create(
        connection=connection, kind=Reference.Kind.CUSTOMER, key=clean_id(made.record),
        defaults={
            "name": str(made.record.get("name") or "")[:LONGEST], "company": company,
            "state": Reference.State.MATCHED, "how": Reference.How.CUSTOMER,
        },
    )[0]  # fmt: skip


def new_name(plane: Plane, company: Company, reference: Reference) -> str:
    """What a customer of ours is called from now on: the company's name, unless another customer has it."""
    if folded(reference.name) == folded(company.name):
        return company.name
    if folded(reference.name) == folded(longer(company)):
        return longer(company)
    others = [row for row in plane.customers_named(company.name) if clean_id(row) != reference.key]
    return longer(company) if others else company.name


def longer(company: Company) -> str:
    """The company's name with its id, for who has a namesake."""
    end = f" ({company.external_id or company.remote_id})"
    return company.name[: LONGEST - len(end)] + end


def _check_ours(connection: Connection, company: Company) -> None:
    """Raise AwaitsMatching when a person said that the customer which we made stands for something else, or for nothing."""
    made = kept.one(connection, MADE, str(company.pk))
    rows = Reference.objects.filter(connection=connection, kind=Reference.Kind.CUSTOMER).exclude(decided_by="")
    if made is not None and rows.filter(key=made.value["key"]).exists():
        raise AwaitsMatching(unseen=False)


def _check_matched(connection: Connection, namesake: Namesake, company: Company) -> None:
    """Raise AwaitsMatching while the namesake may turn out to be the company's own."""
    if namesake.source == SOURCE:
        return
    rows = Reference.objects.filter(connection=connection, kind=Reference.Kind.CUSTOMER)
    known = rows.filter(key=clean_id(namesake.record)).first()
    if known is None:
        raise AwaitsMatching(unseen=True)
    if known.state == Reference.State.AMBIGUOUS and company.remote_id in known.candidates:
        raise AwaitsMatching(unseen=False)
