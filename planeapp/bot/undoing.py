"""``undo``: takes back the last thing that the bot did on this item, as far as nobody changed it since."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import date, timedelta
from typing import Any

from django.utils import timezone

from planeapp.bot.carrying import bring
from planeapp.bot.context import Reply, Talk
from planeapp.bot.deeds import Doing
from planeapp.bot.models import Deed
from planeapp.bot.times import Span
from planeapp.customers import ties
from planeapp.customers.cache import by_ids, take
from planeapp.installations.gateways import provider_for
from planeapp.installations.models import Connection
from planeapp.plane.mentions import literal
from planeapp.sync.models import ProjectPair, SyncRun
from planeapp.sync.undo import take_back
from planeapp.sync.values import spoken

GOOD_FOR = timedelta(days=90)
NOTHING = "There is nothing of mine to take back on this item."
NO_CONNECTION = "The connection is gone."
Taker = Callable[[Talk, Deed], list[str]]
"""Takes one deed back; gives what was left as it is, as sentences."""


def undo(talk: Talk, args: dict[str, Any], doing: Doing) -> Reply:
    """Take the last deed on this item back that still stands."""
    deed = Deed.objects.filter(pk=doing.row.plan["deed"]).first() if doing.again else _last(talk, doing.row)
    if deed is None:
        return Reply(NOTHING)
    doing.decide(lambda: {"deed": deed.pk})
    left = TAKERS[deed.name](talk, deed)
    Deed.objects.filter(pk=deed.pk).update(state=Deed.State.UNDONE)
    what = literal(NAMES[deed.name])
    if left:
        return Reply("\n".join([f"I took back {what}, except:", *(f"- {literal(text)}" for text in left)]))
    return Reply(f"Taken back: {what}.")


def _last(talk: Talk, mine: Deed) -> Deed | None:
    """The last one that wrote something, of whoever asked for it."""
    deeds = Deed.objects.filter(turn__installation=talk.installation, turn__item_id=talk.item_id, name__in=TAKERS)
    recent = deeds.filter(state__in=[Deed.State.DONE, Deed.State.FAILED], begun_at__gt=timezone.now() - GOOD_FOR)
    return recent.exclude(plan={}).exclude(pk=mine.pk).order_by("-begun_at", "-pk").first()


def _planned(talk: Talk, deed: Deed) -> list[str]:
    """The dates on the item and the block."""
    pair = ProjectPair.objects.filter(connection__installation=talk.installation, pk=deed.plan["pair"]).first()
    left = _dates(talk, deed, pair.zone if pair else talk.installation.zone)
    for run in _runs(talk, deed, pair) if pair else []:
        left += take_back(run).kept
    return left


def _runs(talk: Talk, deed: Deed, pair: ProjectPair) -> list[SyncRun]:
    """The runs over this item that the deed made, last one first."""
    until = deed.ended_at or timezone.now()
    runs = SyncRun.objects.filter(
        pair=pair, whole=False, kind=SyncRun.Kind.SYNC, changes__item_id=talk.item_id, changes__undone_at=None,
        started_at__gte=deed.begun_at, started_at__lte=until,
    )  # fmt: skip
    return list(runs.distinct().order_by("-started_at"))


def _dates(talk: Talk, deed: Deed, zone: str) -> list[str]:
    """Put the item's own dates back, unless a person changed them since."""
    item = talk.side.get(talk.project, talk.item_id)
    if item is None:
        return ["The work item is archived or deleted."]
    span = Span.from_data(deed.plan["span"], zone) if deed.plan.get("span") else None
    wrote = {"start": span.start if span else None, "end": span.end if span else None}
    now = {name: item.values.get(name) for name in wrote}
    before = {name: date.fromisoformat(text) if text else None for name, text in deed.before["dates"].items()}
    if now == before:
        return []
    if now != wrote:
        return [f"The dates were changed since, so they stay: {spoken(now['start'])} to {spoken(now['end'])}."]
    talk.side.update(talk.project, item, before)
    return []


def _linked(talk: Talk, deed: Deed) -> list[str]:
    connection = _connection(talk, deed)
    if connection is None:
        return [NO_CONNECTION]
    for party_id in deed.plan["tied"]:
        ties.untie(connection, talk.item_id, party_id)
    return _look(talk, connection)


def _unlinked(talk: Talk, deed: Deed) -> list[str]:
    connection = _connection(talk, deed)
    if connection is None:
        return [NO_CONNECTION]
    known = by_ids(connection, deed.plan["untied"])
    for company in known.values():
        ties.tie(connection, talk.project, talk.item_id, company)
    return _look(talk, connection)


def _look(talk: Talk, connection: Connection) -> list[str]:
    """Carry the ties over."""
    pair = talk.pair(connection)
    failed = bring(pair, talk.item_id).failed.get(talk.item_id) if pair else None
    return [failed.person] if failed else []


def _phase(talk: Talk, deed: Deed) -> list[str]:
    return _company(talk, deed, {"phase": deed.before.get("phase") or None})


def _tagged(talk: Talk, deed: Deed) -> list[str]:
    return _company(talk, deed, {"remove_tags": (deed.plan["tag"],)})


def _company(talk: Talk, deed: Deed, values: dict[str, Any]) -> list[str]:
    connection = _connection(talk, deed)
    if connection is None:
        return [NO_CONNECTION]
    with closing(provider_for(connection)) as provider:
        take(connection, [provider.update_company(deed.plan["company"], values)])
    return []


def _contact(talk: Talk, deed: Deed) -> list[str]:
    connection = _connection(talk, deed)
    if connection is None or not deed.plan.get("fresh") or not deed.plan.get("contact"):
        return ["The contact was there before, so it stays."]
    with closing(provider_for(connection)) as provider:
        provider.remove_contact(deed.plan["contact"])
    return []


def _call(talk: Talk, deed: Deed) -> list[str]:
    connection = _connection(talk, deed)
    if connection is None or not deed.plan.get("call"):
        return ["I was not told under which id the call was kept. Please remove it over there."]
    with closing(provider_for(connection)) as provider:
        provider.remove_call(deed.plan["call"])
    return []


def _connection(talk: Talk, deed: Deed) -> Connection | None:
    found = talk.installation.connections.filter(pk=deed.plan["connection"])
    return found.select_related("installation").first()


TAKERS: dict[str, Taker] = {
    "schedule": _planned, "move": _planned, "unschedule": _planned, "link": _linked, "unlink": _unlinked,
    "set_phase": _phase, "tag": _tagged, "add_contact": _contact, "log_call": _call,
}  # fmt: skip
NAMES = {
    "schedule": "the scheduling", "move": "the move", "unschedule": "the unscheduling", "link": "the link",
    "unlink": "the unlinking", "set_phase": "the phase", "tag": "the tag", "add_contact": "the contact",
    "log_call": "the call",
}  # fmt: skip
