"""Commands about blocks: the dates go on the work item, the engine brings the block in step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from planeapp.bot.context import Reply, Talk
from planeapp.plane.mentions import literal
from planeapp.providers import provider_class
from planeapp.providers.base import Item
from planeapp.sync import engine
from planeapp.sync.models import ItemLink, ProjectPair
from planeapp.sync.values import spoken

DEFAULT_MINUTES = 60


@dataclass(frozen=True)
class Span:
    """A stretch of time: whole days (``end`` inclusive), and times when they were said."""

    start: date
    end: date
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    def told(self) -> str:
        """The span in full, with its zone when it has times."""
        if self.starts_at is None or self.ends_at is None:
            days = spoken(self.start) if self.start == self.end else f"{spoken(self.start)} to {spoken(self.end)}"
            return f"{days} (whole days)" if self.start != self.end else f"{days} (whole day)"
        until = self.ends_at.strftime("%H:%M") if self.starts_at.date() == self.ends_at.date() else spoken(self.ends_at)
        return f"{spoken(self.starts_at)} to {until} ({self.starts_at.tzinfo})"


def span_of(args: dict[str, Any], zone: str) -> Span:
    """The span that a ``schedule`` command names. Arguments as ``understand`` prints them."""
    if len(args["start"]) == len("2026-11-23"):
        start = date.fromisoformat(args["start"])
        days = timedelta(minutes=args.get("minutes", 0)).days
        end = date.fromisoformat(args["end"][:10]) if args.get("end") else start + timedelta(days=max(days - 1, 0))
        return Span(start, end)
    begin = datetime.fromisoformat(args["start"]).astimezone(ZoneInfo(zone))
    if args.get("end"):
        finish = datetime.fromisoformat(args["end"]).astimezone(ZoneInfo(zone))
    else:
        length = timedelta(minutes=args.get("minutes", DEFAULT_MINUTES))
        finish = (begin.astimezone(UTC) + length).astimezone(begin.tzinfo)  # as long also when the clocks change
    last_day = (finish - timedelta(microseconds=1)).date()
    return Span(begin.date(), max(last_day, begin.date()), begin, finish)


def schedule(talk: Talk, args: dict[str, Any]) -> Reply:
    """Put dates on the item and a block in the schedule."""
    pair = _pair(talk)
    if isinstance(pair, Reply):
        return pair
    span = span_of(args, pair.zone)
    _set_dates(talk, span)
    pair.links.filter(item_id=talk.item_id, state=ItemLink.State.UNLINKED).delete()  # asked for again
    extra = {"starts_at": span.starts_at, "ends_at": span.ends_at} if span.starts_at else {}
    outcome = engine.run_item(pair, talk.item_id, extra)
    name = provider_class(pair.connection.provider).name
    if talk.item_id in outcome.failed:
        error = outcome.failed[talk.item_id]
        return Reply(f"The dates are on the item, but {name} did not take the block. {literal(error.person)}", "error")
    return Reply(f"Scheduled in {name}: **{span.told()}**.{_link(pair, talk.item_id)}")


def _pair(talk: Talk) -> ProjectPair | Reply:
    """The schedule's pair for this project, or what the person has to do first."""
    connection = talk.with_field("start")
    if connection is None:
        name = talk.provider_name("start")
        return Reply(f"{name} is not connected yet. An admin can connect it on our settings page.", "error")
    pair = talk.pair(connection)
    if pair is None or not pair.enabled:
        name = provider_class(connection.provider).name
        return Reply(
            f"This project is not paired with one in {name} yet. An admin can do that in the settings.", "error"
        )
    return pair


def _set_dates(talk: Talk, span: Span) -> None:
    item: Item = talk.item
    wanted = {"start": span.start, "end": span.end}
    if {name: item.values.get(name) for name in wanted} != wanted:
        talk.side.update(talk.project, item, wanted)


def _link(pair: ProjectPair, item_id: str) -> str:
    link = pair.links.filter(item_id=item_id, state=ItemLink.State.LINKED).first()
    return f" [Open the block]({link.remote_url})" if link and link.remote_url else ""
