"""Strategies for whatever a pair may be set to."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from hypothesis import strategies as st

from planeapp.sync.options import SHORTEST_DAY, FieldRule, Filters, Options, Timing

texts = st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=20)
minutes = st.integers(5, 86400)
parts = st.text(
    st.characters(codec="utf-8", exclude_characters="\0@", exclude_categories=["Z", "C"]), min_size=1, max_size=8
)
addresses = st.builds(lambda name, host: f"{name}@{host}".lower(), parts, parts)
STATES = ["backlog", "unstarted", "started", "completed", "cancelled"]
PRIORITIES = ["urgent", "high", "medium", "low", "none"]


def _wide_enough(hours: tuple[time, time]) -> bool:
    opens, closes = (datetime.combine(datetime.min, hour) for hour in hours)
    return timedelta(0) < closes - opens >= SHORTEST_DAY


def _lists(of: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(of, max_size=4).map(tuple)


@st.composite
def some_filters(draw: st.DrawFn) -> Filters:
    """Any filter."""
    days = sorted([draw(st.dates()), draw(st.dates())])
    return Filters(
        states=draw(_lists(st.sampled_from(STATES))), priorities=draw(_lists(st.sampled_from(PRIORITIES))),  # type: ignore[arg-type]
        labels=draw(_lists(texts)), people=draw(_lists(addresses)), assigned=draw(st.booleans()),
        dated_from=draw(st.sampled_from([days[0], None])), dated_until=draw(st.sampled_from([days[1], None])),
    )  # fmt: skip


@st.composite
def some_timing(draw: st.DrawFn) -> Timing:
    """Any timing."""
    opens, closes = draw(st.tuples(st.times(), st.times()).map(sorted).map(tuple).filter(_wide_enough))
    return Timing(
        mode=draw(st.sampled_from(["days", "times"])), opens=opens, closes=closes,  # type: ignore[arg-type]
        weekdays=tuple(draw(st.sets(st.integers(0, 6), min_size=1))), minutes=draw(minutes),
        estimates=draw(st.dictionaries(texts, minutes, max_size=3)),
    )  # fmt: skip


@st.composite
def some_options(draw: st.DrawFn) -> Options:
    """Any options, each part by itself or left out."""
    theirs = draw(st.lists(addresses, max_size=3, unique=True))
    ours = draw(st.lists(addresses, min_size=len(theirs), max_size=len(theirs), unique=True))
    return Options(
        filters=draw(st.just(Filters()) | some_filters()), timing=draw(st.just(Timing()) | some_timing()),
        deletes=draw(st.sampled_from(["unlink", "delete"])), show_link=draw(st.booleans()),  # type: ignore[arg-type]
        people=dict(zip(ours, theirs, strict=True)),
    )  # fmt: skip


def some_rules(fields: dict[str, tuple[str, ...]]) -> st.SearchStrategy[dict[str, FieldRule]]:
    """Any rules for some of these fields (name → directions)."""
    winners = st.sampled_from(["plane", "vendor", "newest", "ask"])
    return st.fixed_dictionaries({}, optional={
        name: st.builds(lambda way, winner: FieldRule(direction=way, winner=winner), st.sampled_from(ways), winners)
        for name, ways in fields.items()
    })  # fmt: skip
