from __future__ import annotations

import pytest

from planeapp.lib.prometheus import Family, render


def test_a_family_says_what_it_is_and_gives_a_line_for_each_set_of_labels() -> None:
    family = Family("groundcrew_calls_total", "Calls.", "counter")
    family.add(3, vendor="plane", purpose="live")
    family.add(0.25, vendor="planner", purpose="sweep")
    assert render([family]).splitlines() == [
        "# HELP groundcrew_calls_total Calls.",
        "# TYPE groundcrew_calls_total counter",
        'groundcrew_calls_total{vendor="plane",purpose="live"} 3',
        'groundcrew_calls_total{vendor="planner",purpose="sweep"} 0.25',
    ]


def test_a_value_without_labels_stands_behind_the_bare_name() -> None:
    family = Family("one", "One.")
    family.add(12345678)
    assert render([family]).endswith("\none 12345678\n")


@pytest.mark.parametrize(
    ("value", "written"), [('say "hi"', r"say \"hi\""), ("a\\b", r"a\\b"), ("two\nlines", r"two\nlines")]
)
def test_a_label_cannot_break_out_of_its_line(value: str, written: str) -> None:
    family = Family("one", "One\nmore.")
    family.add(1, what=value)
    lines = render([family]).splitlines()
    assert lines[0] == r"# HELP one One\nmore."
    assert lines[2] == f'one{{what="{written}"}} 1'
