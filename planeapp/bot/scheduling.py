"""Commands about blocks: the dates go on the work item, the engine brings the block in step."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from planeapp.bot.carrying import bring, check
from planeapp.bot.context import Reply, Talk
from planeapp.bot.deeds import Doing
from planeapp.bot.linking import not_connected
from planeapp.bot.times import Span, moved, span_of, timed
from planeapp.plane.mentions import literal
from planeapp.providers import provider_class
from planeapp.sync.models import ItemLink, ProjectPair
from planeapp.sync.release import release_item
from planeapp.sync.values import from_json

DAYS = ("start", "end")
WHEN = "It is not scheduled yet. When should it start?"


def schedule(talk: Talk, args: dict[str, Any], doing: Doing) -> Reply:
    """Put dates on the item and a block in the schedule."""
    pair = _pair(talk)
    if isinstance(pair, Reply):
        return pair
    return _carry_out(talk, pair, doing, span_of(args, pair.zone), "Scheduled")


def move(talk: Talk, args: dict[str, Any], doing: Doing) -> Reply:
    """Move the block, or make it longer or shorter."""
    pair = _pair(talk)
    if isinstance(pair, Reply):
        return pair
    if doing.again:
        return _carry_out(talk, pair, doing, None, "Moved")
    links = _links(pair, talk.item_id)
    if len(links) > 1:
        name = provider_class(pair.connection.provider).name
        return Reply(f"It has {len(links)} blocks. Move them in {name}: the dates here follow.", "error")
    old = _now(talk, pair, links)
    if old is None:
        return Reply(WHEN, "elicitation", pending={"text": "", "verb": "schedule"})
    return _carry_out(talk, pair, doing, moved(old, args, pair.zone), "Moved")


def unschedule(talk: Talk, args: dict[str, Any], doing: Doing) -> Reply:
    """Take the block off, by the pair's rule, and the dates with it."""
    pair = _pair(talk)
    if isinstance(pair, Reply):
        return pair
    name = provider_class(pair.connection.provider).name
    dates = {day: talk.item.values.get(day) for day in DAYS}
    if not doing.again and not _links(pair, talk.item_id) and not any(dates.values()):
        return Reply("It is not scheduled, so there is nothing to take off.")
    doing.decide(lambda: {"pair": str(pair.pk)}, {"dates": _texts(dates)})
    talk.doing("Taking the block off", name)
    outcome = release_item(pair, talk.item_id)
    check(outcome.failed.get(talk.item_id))
    if talk.item_id in outcome.failed:
        return Reply(f"{name} did not let go of the block. {literal(outcome.failed[talk.item_id].person)}", "error")
    _set_dates(talk, None)
    if outcome.counts["delete vendor"]:
        return Reply(f"Unscheduled: the block is removed from {name}, and the dates are off this item.")
    return Reply(f"Unscheduled: the dates are off this item. Its block in {name} stays there, no longer linked.")


def _carry_out(talk: Talk, pair: ProjectPair, doing: Doing, span: Span | None, done: str) -> Reply:
    """Dates first, then the block; an earlier try's decision counts, so that nothing moves twice."""
    before = {"dates": _texts({day: talk.item.values.get(day) for day in DAYS})}
    plan = doing.decide(lambda: {"pair": str(pair.pk), "span": span.as_data() if span else {}}, before)
    span = Span.from_data(plan["span"], pair.zone)
    name = provider_class(pair.connection.provider).name
    talk.doing("Putting it into the schedule", name)
    _set_dates(talk, span)
    pair.links.filter(item_id=talk.item_id, state=ItemLink.State.UNLINKED).delete()  # asked for again
    extra = {"starts_at": span.starts_at, "ends_at": span.ends_at} if span.starts_at else {}
    outcome = bring(pair, talk.item_id, extra)
    if talk.item_id in outcome.failed:
        error = outcome.failed[talk.item_id]
        return Reply(f"The dates are on the item, but {name} did not take the block. {literal(error.person)}", "error")
    if held := outcome.held.get(talk.item_id):
        return Reply(f"The dates are on the item: **{span.told()}**. No block was made: {literal(held)}", "response")
    return Reply(f"{done} in {name}: **{span.told()}**.{_address(pair, talk.item_id)}")


def _pair(talk: Talk) -> ProjectPair | Reply:
    """The schedule's pair for this project, or what the person has to do first."""
    connection = talk.with_field("start")
    if connection is None:
        return not_connected(talk, "start")
    pair = talk.pair(connection)
    if pair is None or not pair.enabled:
        name = provider_class(connection.provider).name
        return Reply(
            f"This project is not paired with one in {name} yet. An admin can do that in the settings.", "error"
        )
    return pair


def _links(pair: ProjectPair, item_id: str) -> list[ItemLink]:
    return list(pair.links.filter(item_id=item_id, state=ItemLink.State.LINKED))


def _now(talk: Talk, pair: ProjectPair, links: list[ItemLink]) -> Span | None:
    """When it is planned now: what the block says, else the item's own dates."""
    held = from_json(links[0].theirs) if links else {}
    if held.get("starts_at") and held.get("ends_at"):
        begin, finish = (held[name].astimezone(ZoneInfo(pair.zone)) for name in ("starts_at", "ends_at"))
        return timed(begin, finish)
    days: list[date] = [day for day in (talk.item.values.get("start"), talk.item.values.get("end")) if day]
    return Span(min(days), max(days)) if days else None


def _set_dates(talk: Talk, span: Span | None) -> None:
    wanted = {"start": span.start if span else None, "end": span.end if span else None}
    if {name: talk.item.values.get(name) for name in wanted} != wanted:
        talk.side.update(talk.project, talk.item, wanted)


def _texts(dates: dict[str, Any]) -> dict[str, str | None]:
    return {name: value.isoformat() if value else None for name, value in dates.items()}


def _address(pair: ProjectPair, item_id: str) -> str:
    link = pair.links.filter(item_id=item_id, state=ItemLink.State.LINKED).first()
    return f" [Open the block]({link.remote_url})" if link and link.remote_url else ""
