from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from selectolax.lexbor import LexborHTMLParser

from planeapp.dashboard.charts import Chart, Series, scale_of, short, spoken

DAYS = tuple(date(2026, 11, 8) + timedelta(days=number) for number in range(4))


def chart(*series: Series, stacked: bool = True, unit: str = "", least: float = 0) -> Chart:
    return Chart("chart-test", "Changes", "Items by day.", DAYS, series, "Nothing yet.", unit, least, stacked)


def drawn(one: Chart) -> LexborHTMLParser:
    return LexborHTMLParser(one.svg)


@pytest.mark.parametrize(
    ("largest", "least", "top"),
    [
        (0, 0, 2),
        (1, 0, 2),
        (3, 0, 4),
        (5, 0, 6),
        (9, 0, 10),
        (11, 0, 20),
        (6_600, 0, 10_000),
        (30, 100, 100),
        (120, 100, 200),
    ],
)
def test_a_scale_ends_at_a_round_number_above_the_largest(largest: float, least: float, top: float) -> None:
    assert scale_of(largest, least) == top


@pytest.mark.parametrize(
    ("number", "told"), [(0, "0"), (950, "950"), (1_000, "1k"), (1_250, "1.2k"), (3_000_000, "3M"), (0.5, "0.5")]
)
def test_numbers_beside_a_picture_are_short(number: float, told: str) -> None:
    assert short(number) == told


def test_a_value_that_is_not_known_is_a_dash_and_no_zero() -> None:
    assert (spoken(None), spoken(0), spoken(1234.4), spoken(45.2, " %")) == ("–", "0", "1,234", "45 %")


def test_the_parts_of_a_bar_stand_on_each_other_in_proportion() -> None:
    page = drawn(chart(Series("Planner", "one", (2, 0, 0, 0)), Series("Planhat", "two", (6, 0, 0, 4))))
    lower, upper, last = (bar.attributes for bar in page.css("rect.chart__bar"))
    assert float(upper["height"]) == pytest.approx(3 * float(lower["height"]), abs=0.3)
    assert float(upper["y"]) + float(upper["height"]) == pytest.approx(float(lower["y"]), abs=0.2)
    assert float(last["x"]) > float(upper["x"]) == float(lower["x"])
    assert "chart--two" in str(last["class"])


def test_a_line_is_broken_where_nothing_is_known_and_each_known_day_has_a_dot() -> None:
    page = drawn(chart(Series("Plane", "one", (10, 50, None, 100)), stacked=False, unit=" %", least=100))
    [path] = page.css("polyline")
    assert len(str(path.attributes["points"]).split()) == 2
    dots = [float(str(dot.attributes["cy"])) for dot in page.css("circle")]
    assert len(dots) == 3 and dots[0] > dots[1] > dots[2]


def test_a_chart_is_one_picture_with_a_title_and_a_description_in_words() -> None:
    page = drawn(chart(Series("Planner", "one", (2, 5, 0, 0)), Series("Planhat", "two", (0, 0, 0, 0))))
    svg = page.css_first("svg")
    assert svg is not None and svg.attributes["role"] == "img"
    title, told = (page.css_first(f"#{name}") for name in str(svg.attributes["aria-labelledby"]).split())
    assert title is not None and title.text() == "Changes"
    assert told is not None and told.text() == (
        "Items by day. From 8 November to 11 November. Planner: 7 in all, most on 9 November, 5. Planhat: nothing."
    )


def test_the_table_has_the_newest_day_first_and_words_where_there_are_some() -> None:
    one = chart(Series("Plane", "one", (1, 2, None, 4)), Series("Planner", "two", (0, 0, 0, 0), ("a", "b", "c", "d")))
    assert one.rows[0] == (DAYS[3], ["4", "d"]) and one.rows[1] == (DAYS[2], ["–", "c"])


@pytest.mark.parametrize("values", [(0, 0, 0, 0), (None, None, None, None)])
def test_a_chart_of_nothing_says_so_itself(values: tuple[float | None, ...]) -> None:
    assert chart(Series("Plane", "one", values)).is_empty
    assert not chart(Series("Plane", "one", (*values[:3], 1))).is_empty


def test_names_from_outside_are_text() -> None:
    svg = chart(Series("<script>x</script>", "one", (1, 1, 1, 1))).svg
    assert "<script>" not in svg and "&lt;script&gt;" in svg


@pytest.mark.parametrize("stacked", [True, False])
def test_nothing_in_a_picture_needs_a_style_of_its_own(stacked: bool) -> None:
    tones = ("one", "two", "three", "ok", "warn", "bad")
    svg = chart(*(Series(tone, tone, (1, 2, 3, 4)) for tone in tones), stacked=stacked).svg
    assert not re.search(r"style=|fill=|stroke=|\son[a-z]+=", svg)
    styled = set(re.findall(r"\.(chart[a-z_-]*)", (Path(settings.BASE_DIR) / "static/css/app.css").read_text()))
    named = {name for value in re.findall(r'class="([^"]+)"', svg) for name in value.split()}
    assert {"chart__picture", "chart--bad"} <= named <= styled
