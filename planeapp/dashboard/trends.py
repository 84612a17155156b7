"""The four charts of the overview: what was changed, what failed, how long messages waited, how near the limits are."""

from __future__ import annotations

from collections.abc import Sequence

from planeapp.dashboard.charts import Chart, Series
from planeapp.dashboard.figures import DAYS, Figures
from planeapp.installations.budgets import Standing
from planeapp.installations.models import Connection

TONES = ("one", "two", "three")
HOUR = 3600
NEVER = "No call has been made yet. Calls show here once a system is connected."


def charts(figures: Figures, connections: Sequence[Connection], standing: Sequence[Standing]) -> list[Chart]:
    """In the order of the page."""
    return [
        _changes(figures, connections),
        _failures(figures, connections),
        _lag(figures),
        _calls(figures, connections, standing),
    ]


def _changes(figures: Figures, connections: Sequence[Connection]) -> Chart:
    series = [
        Series(one.provider_name, tone, figures.values("done", one.pk))
        for one, tone in zip(connections, TONES, strict=False)
    ]
    return Chart(
        "chart-changes", "Changes carried over", "Work items that were made, changed or linked, by day.",
        tuple(figures.days), tuple(series),
        "Nothing was carried over yet. Pair a project, and its changes are counted here.",
    )  # fmt: skip


def _failures(figures: Figures, connections: Sequence[Connection]) -> Chart:
    def summed(kind: str) -> tuple[int, ...]:
        owners = ["", *(one.pk for one in connections)]
        return tuple(map(sum, zip(*(figures.values(kind, owner) for owner in owners), strict=True)))

    return Chart(
        "chart-failures", "What went wrong", "Changes that failed, that had to wait, and messages that were given up, by day.",
        tuple(figures.days),
        (
            Series("Needs a person", "bad", summed("failed")), Series("Tried again on its own", "warn", summed("later")),
            Series("Messages given up", "three", figures.values("dead")),
        ),
        f"Nothing went wrong in the last {DAYS} days.",
    )  # fmt: skip


def _lag(figures: Figures) -> Chart:
    names = (("lag0", "Within 5 seconds", "ok"), ("lag1", "Within a minute", "one"), ("lag2", "Within 10 minutes", "warn"),
             ("lag3", "Later", "bad"))  # fmt: skip
    return Chart(
        "chart-lag", "How soon messages were worked on", "Messages from the connected systems by how long they waited, by day.",
        tuple(figures.days), tuple(Series(name, tone, figures.values(kind)) for kind, name, tone in names),
        "No message has come yet. They come as soon as something changes in a connected system.",
    )  # fmt: skip


def _calls(figures: Figures, connections: Sequence[Connection], standing: Sequence[Standing]) -> Chart:
    owners: list[tuple[Connection | None, str]] = [(None, "Plane"), *((one, one.provider_name) for one in connections)]
    series = [
        _share(figures, connection, name, tone, _room(connection, standing))
        for (connection, name), tone in zip(owners, TONES, strict=False)
    ]
    return Chart(
        "chart-calls", "Calls against the limit",
        "The busiest hour of each day, against what today’s limit allows in an hour.",
        tuple(figures.days), tuple(series), NEVER, unit=" %", least=100, stacked=False,
    )  # fmt: skip


def _room(connection: Connection | None, standing: Sequence[Standing]) -> float | None:
    """Calls an hour that the limits of a system's tokens allow together; None where one of them is not known."""
    ours = [
        one
        for one in standing
        if (one.connection.pk if one.connection else None) == (connection.pk if connection else None)
    ]
    limits = [one.limit * HOUR / one.seconds for one in ours if one.limit is not None]
    return sum(limits) if limits and len(limits) == len(ours) else None


def _share(figures: Figures, connection: Connection | None, name: str, tone: str, room: float | None) -> Series:
    owner = connection.pk if connection else ""
    calls, busiest = figures.values("calls", owner), figures.values("busiest", owner)
    shares = tuple(None if room is None else 100 * number / room for number in busiest)
    words = tuple(
        f"{number:,} call{'s' if number != 1 else ''}" + ("" if share is None else f", {share:.0f} % at most")
        for number, share in zip(calls, shares, strict=True)
    )
    return Series(name if room is not None else f"{name} (limit not known)", tone, shares, words)
