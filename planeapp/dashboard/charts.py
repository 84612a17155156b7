"""Charts as SVG, drawn on the server: figures in, one element out. The stylesheet colours it.

A chart is one picture to a screen reader (``role="img"``, title, description); the page has the figures beside it as a
table, from :meth:`Chart.rows`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH, HEIGHT = 360.0, 172.0
LEFT, RIGHT, TOP, BOTTOM = 36.0, 8.0, 10.0, 24.0
BAR = 0.68
"""How much of its day's room a bar takes."""
STEPS = (2, 4, 6, 10)


@dataclass(frozen=True)
class Series:
    """One line, or one part of every bar. ``values``: one per day, None where it is not known.

    ``tone``: ``one``, ``two``, ``three``, ``ok``, ``warn`` or ``bad``. ``words``: what the table says instead of the values.
    """

    name: str
    tone: str
    values: tuple[float | None, ...]
    words: tuple[str, ...] = ()

    def word(self, at: int, unit: str) -> str:
        """What the table says of a day."""
        return self.words[at] if self.words else spoken(self.values[at], unit)


@dataclass(frozen=True)
class Chart:
    """Figures of some days in a row. ``unit`` is ``""`` for plain numbers or ``" %"``; ``least``: the scale reaches so far."""

    key: str
    title: str
    about: str
    days: tuple[date, ...]
    series: tuple[Series, ...]
    empty: str
    unit: str = ""
    least: float = 0
    stacked: bool = True

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(value for one in self.series for value in one.values)

    @property
    def rows(self) -> list[tuple[date, list[str]]]:
        """The table: day → one cell for each series, newest first."""
        cells = [(day, [one.word(at, self.unit) for one in self.series]) for at, day in enumerate(self.days)]
        return cells[::-1]

    @property
    def svg(self) -> SafeString:
        """The picture."""
        top = scale_of(self._largest(), self.least)
        marks = _bars(self, top) if self.stacked else _lines(self, top)
        parts = [_grid(top, self.unit), _dates(self.days), marks, _columns(self)]
        return format_html(
            '<svg class="chart__picture" role="img" viewBox="0 0 {} {}" aria-labelledby="{}-title {}-desc">'
            '<title id="{}-title">{}</title><desc id="{}-desc">{}</desc>{}</svg>',
            f"{WIDTH:g}", f"{HEIGHT:g}", self.key, self.key, self.key, self.title, self.key, self.description, _all(parts),
        )  # fmt: skip

    @property
    def description(self) -> str:
        """The chart in a few sentences."""
        first, last = (f"{day:%-d %B}" for day in (self.days[0], self.days[-1]))
        told = [_told(one, self.days, self.unit) for one in self.series]
        return " ".join([f"{self.about} From {first} to {last}.", *told])

    def _largest(self) -> float:
        heights = [[one.values[at] or 0 for one in self.series] for at in range(len(self.days))]
        return max((sum(some) if self.stacked else max(some, default=0) for some in heights), default=0)


def scale_of(largest: float, least: float = 0) -> float:
    """Where the scale ends: a round number of which the half is round as well, at least 2."""
    wanted, size = max(largest, least, 2), 1.0
    while True:
        for step in STEPS:
            if step * size >= wanted:
                return step * size
        size *= 10


def short(number: float) -> str:
    """A number that fits beside the picture: 950, 1.2k, 3M."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:.1f}".removesuffix(".0") + letter
    return f"{number:g}"


def spoken(value: float | None, unit: str = "") -> str:
    """A value for people; an en dash where it is not known."""
    return "–" if value is None else f"{value:,.0f}{unit}"


def _told(one: Series, days: Sequence[date], unit: str) -> str:
    known = [(value, day) for value, day in zip(one.values, days, strict=True) if value]
    if not known:
        return f"{one.name}: nothing."
    most, day = max(known)
    whole = f"{spoken(sum(value for value, _ in known))} in all, " if not unit else ""
    return f"{one.name}: {whole}most on {day:%-d %B}, {spoken(most, unit)}."


def _x(at: float, count: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * at / max(count, 1)


def _y(value: float, top: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top)


def _all(parts: Iterable[SafeString]) -> SafeString:
    return format_html_join("", "{}", ((part,) for part in parts))


def _grid(top: float, unit: str) -> SafeString:
    """Three lines across, with their numbers."""
    return _all(
        format_html(
            '<line class="chart__line" x1="{}" x2="{}" y1="{}" y2="{}"/><text class="chart__number" x="{}" y="{}">{}{}</text>',
            f"{LEFT:g}", f"{WIDTH - RIGHT:g}", at, at, f"{LEFT - 5:g}", at, short(value), unit.strip(),
        )
        for value in (0, top / 2, top)
        for at in [f"{_y(value, top):.1f}"]
    )  # fmt: skip


def _dates(days: Sequence[date]) -> SafeString:
    """First, middle and last day."""
    count = len(days)
    places = ((0, "first"), (count // 2, "middle"), (count - 1, "last"))
    return _all(
        format_html(
            '<text class="chart__day chart__day--{}" x="{}" y="{}">{}</text>',
            where, f"{_x(at + {'first': 0, 'middle': 0.5, 'last': 1}[where], count):.1f}", f"{HEIGHT - 6:g}",
            f"{days[at]:%-d %b}",
        )
        for at, where in places
    )  # fmt: skip


def _bars(chart: Chart, top: float) -> SafeString:
    return _all(part for at in range(len(chart.days)) for part in _bar(chart, at, top))


def _bar(chart: Chart, at: int, top: float) -> Iterator[SafeString]:
    """The parts of one day's bar, from below."""
    count, base = len(chart.days), 0.0
    width = _x(1, count) - _x(0, count)
    for one in chart.series:
        value = one.values[at] or 0
        if value:
            upper, lower = _y(base + value, top), _y(base, top)
            yield format_html(
                '<rect class="chart__bar chart--{}" x="{}" y="{}" width="{}" height="{}" rx="1.5"/>', one.tone,
                f"{_x(at, count) + width * (1 - BAR) / 2:.1f}", f"{upper:.1f}", f"{width * BAR:.1f}",
                f"{max(lower - upper, 1):.1f}",
            )  # fmt: skip
        base += value


def _lines(chart: Chart, top: float) -> SafeString:
    return _all(part for one in chart.series for part in _line(one, top))


def _line(one: Series, top: float) -> Iterator[SafeString]:
    """A line for each stretch of known days, and a dot on each of them."""
    count = len(one.values)
    spots = [
        None if value is None else (f"{_x(at + 0.5, count):.1f}", f"{_y(value, top):.1f}")
        for at, value in enumerate(one.values)
    ]
    for stretch in _stretches(spots):
        points = " ".join(",".join(spot) for spot in stretch)
        yield format_html('<polyline class="chart__path chart--{}" points="{}"/>', one.tone, points)
    for spot in filter(None, spots):
        yield format_html('<circle class="chart__dot chart--{}" cx="{}" cy="{}" r="2.4"/>', one.tone, *spot)


def _stretches(spots: Sequence[tuple[str, str] | None]) -> Iterator[list[tuple[str, str]]]:
    """Runs of at least two known spots."""
    run: list[tuple[str, str]] = []
    for spot in [*spots, None]:
        if spot is not None:
            run.append(spot)
            continue
        if len(run) > 1:
            yield run
        run = []


def _columns(chart: Chart) -> SafeString:
    """An invisible column over each day that tells its figures to a resting mouse."""
    count = len(chart.days)
    return _all(
        format_html(
            '<rect class="chart__column" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>',
            f"{_x(at, count):.1f}", f"{TOP:g}", f"{_x(1, count) - _x(0, count):.1f}", f"{HEIGHT - TOP - BOTTOM:g}",
            "\n".join([f"{day:%A %-d %B}", *(f"{one.name}: {one.word(at, chart.unit)}" for one in chart.series)]),
        )
        for at, day in enumerate(chart.days)
    )  # fmt: skip
