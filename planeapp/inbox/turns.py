"""Whose turn it is: claims a batch of due deliveries so that every workspace gets its share.

One workspace is in one worker's hands at a time, so ten thousand deliveries of one keep nobody else waiting, and the
deliveries of one work item are worked in their order; one that failed steps aside until its next try. Deliveries behind
which a person waits go first: they are taken even while another worker has their workspace, unless it has their very item.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from planeapp.inbox.models import Delivery

BATCH = 24
LEASE = timedelta(seconds=30)  # a batch takes a fraction of a second; whoever holds one for so long is dead
CLAIM_LOCK = 0x6C61_6E65  # any number that no other advisory lock of ours has

TABLE = Delivery._meta.db_table
OPEN = "state IN ('waiting', 'failed')"
# Steps from one lane to the next along the index instead of reading every waiting row.
LANES = f"""
WITH RECURSIVE turn(lane) AS (
    SELECT min(lane) FROM {TABLE} WHERE {OPEN} AND {{rank}}
    UNION ALL
    SELECT (SELECT min(lane) FROM {TABLE} WHERE {OPEN} AND {{rank}} AND lane > turn.lane) FROM turn
    WHERE turn.lane IS NOT NULL
)
SELECT lane FROM turn WHERE lane IS NOT NULL
"""  # noqa: S608 - made of our own table's name
TALK, ANY = "rank = 0", "rank >= 0"
IN_HAND = f"SELECT DISTINCT lane FROM {TABLE} WHERE claimed_at >= %s AND rank > 0"  # noqa: S608
HEAD = f"""
SELECT lane, id FROM (
    SELECT d.lane, d.id FROM {TABLE} d
    WHERE d.{OPEN} AND d.lane = %s AND d.rank <= %s AND d.due_at <= %s AND (d.claimed_at IS NULL OR d.claimed_at < %s)
    AND NOT EXISTS (
        SELECT 1 FROM {TABLE} h
        WHERE h.lane = d.lane AND h.subject = d.subject AND h.subject <> '' AND h.claimed_at >= %s
    )
    ORDER BY d.rank, d.id LIMIT %s
) AS head_{{number}}
"""  # noqa: S608


def claim_turns(limit: int = BATCH) -> list[Delivery]:
    """At most ``limit`` due deliveries that are now ours alone, those behind which a person waits first."""
    now = timezone.now()
    with transaction.atomic():
        _one_claim_at_a_time()
        rows = Delivery.objects.filter(pk__in=_heads(_lanes(limit), limit, now))
        skip = connection.features.has_select_for_update_skip_locked
        found = list(rows.select_for_update(skip_locked=skip, of=("self",) if skip else ()).order_by("rank", "id"))
        Delivery.objects.filter(pk__in=[row.pk for row in found]).update(claimed_at=now)
    for row in found:
        row.claimed_at = now
    return found


def _one_claim_at_a_time() -> None:
    """Two claims at once could each take a delivery of the same item. SQLite's write transactions exclude each other."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CLAIM_LOCK])


def _lanes(limit: int) -> list[str]:
    """Workspaces with deliveries that wait; when there are more than a batch can serve, those where people wait and some
    others at random."""
    lanes = _lanes_with(ANY)
    if len(lanes) <= limit:
        return lanes
    talk = _lanes_with(TALK)
    rest = [lane for lane in lanes if lane not in set(talk)]
    return (random.sample(talk, len(talk)) + random.sample(rest, len(rest)))[:limit]


def _lanes_with(rank: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(LANES.format(rank=rank))
        return [row[0] for row in cursor.fetchall()]


def _heads(lanes: list[str], limit: int, now: datetime) -> list[Any]:
    """Ids of the first due deliveries: one of each lane in turn, until there are ``limit``."""
    if not lanes:
        return []
    values: list[Any] = []
    dead = now - LEASE
    busy = _in_hand(dead)
    for lane in lanes:
        most = Delivery.Rank.TALK if lane in busy else Delivery.Rank.REST
        values += [lane, most.value, *(_adapted(moment) for moment in (now, dead, dead)), limit]
    union = " UNION ALL ".join(HEAD.format(number=number) for number in range(len(lanes)))
    waiting: dict[str, list[Any]] = {}
    with connection.cursor() as cursor:
        cursor.execute(union, values)
        for lane, found in cursor.fetchall():
            waiting.setdefault(lane, []).append(found)
    turns = [one for round_ in zip_longest(*waiting.values()) for one in round_ if one is not None]
    return turns[:limit]


def _in_hand(dead: datetime) -> set[str]:
    """Workspaces that a living worker has just now."""
    with connection.cursor() as cursor:
        cursor.execute(IN_HAND, [_adapted(dead)])
        return {row[0] for row in cursor.fetchall()}


def _adapted(moment: datetime) -> Any:
    return Delivery._meta.get_field("due_at").get_db_prep_value(moment, connection)  # type: ignore[union-attr]
