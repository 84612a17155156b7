"""Which companies a person means: pure ranking of names and ids, best first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rapidfuzz import fuzz, process

from planeapp.lib.domains import domain_of
from planeapp.lib.folding import folded
from planeapp.providers.planhat.models import Json, Record, record_id

MOST = 20
CLOSE_ENOUGH = 72.0
"""Least similarity (0 to 100) of a name that is offered though it neither equals nor begins with what was written."""

EXACT_ID, EXACT_NAME, EXACT_DOMAIN, PREFIX, FUZZY = range(5)


def best(query: str, companies: Iterable[Json], most: int = MOST) -> list[Record]:
    """The companies that fit ``query``: same id or external id, same name, same domain, name that begins so, similar
    name.

    Equal ranks are ordered by similarity, then name, then id, so that the order never depends on the list's.
    """
    wanted, rows = folded(query), [dict(one) for one in companies if record_id(one)]
    if not wanted:
        return []
    scores = _similar(wanted, rows)
    ranked = []
    for number, row in enumerate(rows):
        rank = _rank(query.strip(), wanted, row)
        score = scores.get(number, 0.0)
        if rank < FUZZY or score >= CLOSE_ENOUGH:
            ranked.append((rank, -score, folded(str(row.get("name") or "")), record_id(row), number))
    return [rows[entry[-1]] for entry in sorted(ranked)[:most]]


def exact(query: str, found: Sequence[Json]) -> list[Json]:
    """Those of ``found`` that the query names exactly, by id, external id, name or domain."""
    return [row for row in found if _rank(query.strip(), folded(query), row) < PREFIX]


def _rank(query: str, wanted: str, row: Json) -> int:
    name = folded(str(row.get("name") or ""))
    if query in (record_id(row), str(row.get("externalId") or "")):
        return EXACT_ID
    if name == wanted:
        return EXACT_NAME
    domain = domain_of(query)
    if domain and domain in {folded(str(one)) for one in row.get("domains") or ()}:
        return EXACT_DOMAIN
    return PREFIX if name.startswith(wanted) else FUZZY


def _similar(wanted: str, rows: Sequence[Json]) -> dict[int, float]:
    names = [folded(str(row.get("name") or "")) for row in rows]
    found = process.extract(wanted, names, scorer=fuzz.WRatio, score_cutoff=1.0, limit=None)
    return {number: score for _, score, number in found}
