"""Which companies a person means: searched in our copy, best first."""

from __future__ import annotations

from django.db.models import QuerySet
from rapidfuzz import fuzz, process

from planeapp.customers.cache import there
from planeapp.customers.models import Company
from planeapp.installations.models import Connection, Installation
from planeapp.lib.domains import domain_of
from planeapp.lib.folding import folded

MOST = 20
LONGEST = 6
"""Words of the longest name that is recognised in a sentence."""
EDGES = ",.;:!?()\"'“”‘’"
CLOSE_ENOUGH = 72.0
"""Least similarity (0 to 100) of a name that is offered though it neither equals nor begins with what was written."""


def search(connection: Connection, query: str, most: int = MOST) -> list[Company]:
    """Companies that fit ``query``: same id or external id, same name, same domain, name that begins so, similar name.

    Equal ranks are ordered by name, then id.
    """
    wanted = folded(query)
    if not wanted:
        return []
    found: dict[int, Company] = {}
    for rows in _ranks(connection, query.strip(), wanted):
        for row in rows.exclude(pk__in=list(found)).order_by("folded", "remote_id")[: most - len(found)]:
            found[row.pk] = row
        if len(found) >= most:
            return list(found.values())
    return [*found.values(), *_similar(connection, wanted, set(found), most - len(found))]


def exact(connection: Connection, query: str) -> list[Company]:
    """Those that the query names exactly, by the first of id or external id, name, and domain that fits any."""
    for rows in _ranks(connection, query.strip(), folded(query))[:-1]:
        if found := list(rows.order_by("folded", "remote_id")[:MOST]):
            return found
    return []


def named_in(installation: Installation, text: str) -> tuple[str, ...]:
    """Names of companies of the workspace that stand in a text, however they are written there."""
    words = [word for word in (part.strip(EDGES) for part in folded(text).split()) if word]
    runs = {" ".join(words[begin:end]) for begin in range(len(words)) for end in range(begin + 1, begin + LONGEST + 1)}
    found = Company.objects.filter(connection__installation=installation, gone_at=None, folded__in=runs)
    return tuple(sorted(set(found.values_list("name", flat=True)[:MOST])))


def _ranks(connection: Connection, query: str, wanted: str) -> list[QuerySet[Company]]:
    rows, domain = there(connection), domain_of(query)
    ids = rows.filter(remote_id=query) | rows.filter(external_id=query)
    by_domain = [rows.filter(domains__domain=domain).distinct()] if domain else []
    return [ids, rows.filter(folded=wanted), *by_domain, rows.filter(folded__startswith=wanted)]


def _similar(connection: Connection, wanted: str, known: set[int], most: int) -> list[Company]:
    names = {pk: name for pk, name in there(connection).values_list("pk", "folded").iterator() if pk not in known}
    hits = process.extract(wanted, names, scorer=fuzz.WRatio, score_cutoff=CLOSE_ENOUGH, limit=max(most, 0))
    rows = Company.objects.in_bulk([pk for _, _, pk in hits])
    ordered = sorted(hits, key=lambda hit: (-hit[1], hit[0], rows[hit[2]].remote_id))
    return [rows[pk] for _, _, pk in ordered]
