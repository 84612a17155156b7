"""Companies shown as Plane customers: those that work waits for, or all of them.

A customer that we made follows the company's name, website and revenue; one that a person made keeps all of its own. Both get
our properties (phase, health, owner, renewal), and the work items that were tied to the company. Only what differs from what
is shown (``Reference.shown``) is written. Namesakes never become one customer; one that is deleted in Plane is not made anew.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Q
from django.utils import timezone

from planeapp.customers import company_notes, errands, kept, mirror_items
from planeapp.customers.cache import there
from planeapp.customers.figures import CHUNK, Work, work_of
from planeapp.customers.kept import Kept
from planeapp.customers.mirror_customers import ask_again, customer_of_each, customers_of
from planeapp.customers.mirror_values import HALF, Shown, check_again, property_ids, shown_of
from planeapp.customers.models import Company, Reference
from planeapp.customers.namesakes import AwaitsMatching, customer_for, new_name
from planeapp.customers.options import Options, options_of
from planeapp.installations.gateways import plane_for
from planeapp.installations.models import Connection
from planeapp.lib.errors import FixSettings, Gone
from planeapp.plane.gateway import Plane
from planeapp.plane.paging import PER_PAGE
from planeapp.plane.records import Row
from planeapp.sync.models import Tie

KIND = "mirror"
MOST = 20
"""So many companies are shown, or changed, in one turn."""
NEVER = datetime.min.replace(tzinfo=UTC)
OF_THE_WORKSPACE = kept.OF_THE_WORKSPACE | {"permission"}


@dataclass(frozen=True)
class Wish:
    """A company that Plane does not show as it is.

    ``reference``: its customer, where it has one; ``known``: what came of an earlier try; ``work``: what waits for it.
    """

    company: Company
    reference: Reference | None
    shown: Shown
    known: Kept | None
    work: Work

    @property
    def made_by_us(self) -> bool:
        """Whether the customer follows the company in all that we know."""
        return self.reference is None or self.reference.how == Reference.How.CUSTOMER

    @property
    def mark(self) -> str:
        """The fingerprint of what is to be shown."""
        return self.shown.mark(self.made_by_us)

    @property
    def rank(self) -> tuple[Any, ...]:
        """What could not be done yet comes last, urgent work first, and new customers before changed ones."""
        tried = self.known.at if self.known else NEVER
        return tried, -self.work.urgent, -self.work.open, self.reference is not None, self.company.pk

    def is_due(self, now: datetime) -> bool:
        """Whether it has to be written now."""
        if self.reference is not None and (self.reference.gone_at or self.reference.shown == self.mark):
            return False
        return self.known is None or not self.known.rests(self.mark, now)


def work(connection: Connection, key: str = "") -> None:
    """Show a few companies, those with urgent work first, then tie their work items."""
    options = options_of(connection)
    if options.customers not in ("linked", "all") or not customers_of(connection):
        return  # without customers, ``labels`` shows the company on the work item
    plane = plane_for(connection.installation)
    try:
        more = _show_some(connection, plane, options)
        more |= mirror_items.work(connection, plane, MOST)
    except FixSettings as error:
        if error.code in OF_THE_WORKSPACE:
            ask_again(connection)
        raise
    if more:
        errands.ask(connection, "mirror")


def retry(company: Company) -> None:
    """A person wants what was refused to be tried again now."""
    kept.forget(company.connection, KIND, str(company.pk))
    company_notes.settled(company.connection, KIND, [company])
    errands.ask(company.connection, "mirror")


def _show_some(connection: Connection, plane: Plane, options: Options) -> bool:
    """Show at most ``MOST`` companies; true when there are more. What Plane refuses for one does not stop the others."""
    now = timezone.now()
    wishes = (wish for wish in _wishes(connection, options, property_ids(connection, plane)) if wish.is_due(now))
    first = heapq.nsmallest(MOST + 1, wishes, key=lambda wish: wish.rank)
    among = _all_customers(connection, plane, first[:MOST])
    for wish in first[:MOST]:
        try:
            _show(connection, plane, wish, among)
        except AwaitsMatching as waits:
            kept.keep(connection, KIND, str(wish.company.pk), {})
            if waits.unseen:
                errands.ask(connection, "match")
        except (FixSettings, Gone) as error:
            if error.code in OF_THE_WORKSPACE:
                raise
            if kept.refused(connection, KIND, str(wish.company.pk), wish.known, wish.mark, error):
                text = f"It is not shown as a Plane customer: {error.person}"
                company_notes.note(connection, KIND, [(wish.company, error.code, text)])
    return len(first) > MOST and first[MOST].known is None


def _all_customers(connection: Connection, plane: Plane, wishes: list[Wish]) -> list[Row] | None:
    """Every customer, where reading them all takes fewer calls than looking each new name up; else None."""
    fresh = sum(wish.reference is None for wish in wishes)
    there_are = Reference.objects.filter(connection=connection, kind=Reference.Kind.CUSTOMER, gone_at=None).count()
    return list(plane.customers()) if there_are // PER_PAGE + 1 < fresh else None


def _wishes(connection: Connection, options: Options, properties: Mapping[str, str]) -> Iterator[Wish]:
    customers, found, known = customer_of_each(connection), work_of(connection), kept.load(connection, KIND)
    for company in _companies(connection, options, [party for party, work in found.items() if work.open]):
        waits = found.get(company.remote_id, Work())
        shown = shown_of(company, properties)
        yield Wish(company, customers.get(company.pk), shown, known.get(str(company.pk)), waits)


def _companies(connection: Connection, options: Options, waiting: list[str]) -> Iterator[Company]:
    """All companies, or those that work waits for or that have a customer already."""
    rows = there(connection).prefetch_related("domains")
    if options.customers == "linked":
        tied = Tie.objects.filter(connection=connection, state=Tie.State.ACTIVE).values("party_id")
        shown = Reference.objects.filter(connection=connection, kind=Reference.Kind.CUSTOMER).exclude(company=None)
        rows = rows.filter(Q(remote_id__in=waiting) | Q(remote_id__in=tied) | Q(pk__in=shown.values("company")))
    return rows.only("remote_id", "external_id", "name", "values").iterator(chunk_size=CHUNK)


def _show(connection: Connection, plane: Plane, wish: Wish, among: list[Row] | None) -> None:
    """Make or change the customer, then its properties; what is done is remembered after each call."""
    reference = wish.reference
    if reference is None:
        reference = customer_for(connection, plane, wish.company, wish.shown.fields, among)
        _remember(reference, wish.shown.fields_mark)
    try:
        if wish.made_by_us and reference.shown[:HALF] != wish.shown.fields_mark:
            reference.name = new_name(plane, wish.company, reference)
            plane.update_customer(reference.key, **{**wish.shown.fields, "name": reference.name})
            _remember(reference, wish.shown.fields_mark + reference.shown[HALF:])
        if reference.shown[HALF:] != wish.shown.values_mark:
            _fill_in(connection, plane, reference, wish)
    except Gone:
        reference.gone_at = timezone.now()  # somebody deleted it in Plane, so it is not made anew
        reference.save(update_fields=["gone_at"])
    else:
        _remember(reference, wish.mark)
        if wish.known is not None:
            kept.forget(connection, KIND, str(wish.company.pk))
            company_notes.settled(connection, KIND, [wish.company])


def _fill_in(connection: Connection, plane: Plane, reference: Reference, wish: Wish) -> None:
    """Give the customer its values. At first nothing is emptied: a person may have filled it in."""
    filled = bool(reference.shown[HALF:])
    try:
        plane.set_values(reference.key, {name: held for name, held in wish.shown.values.items() if held or filled})
    except FixSettings:
        check_again(connection)
        raise


def _remember(reference: Reference, shown: str) -> None:
    reference.shown = shown
    reference.save(update_fields=["name", "shown"])
