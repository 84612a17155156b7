from __future__ import annotations

import pytest
from django import forms
from django.utils.safestring import SafeString
from selectolax.lexbor import LexborHTMLParser

from planeapp.dashboard.zones import LongSelect, zone_choices

ODD = [("a", "A & <b>"), ('"b"', "B"), ("", "none")]


@pytest.mark.parametrize("value", ["a", '"b"', "", None, "unknown"])
@pytest.mark.parametrize("attrs", [{}, {"id": "x", "aria-describedby": '"y"', "required": True, "disabled": False}])
def test_a_long_select_reads_like_any_other(value: str | None, attrs: dict[str, object]) -> None:
    ours, usual = (kind(choices=ODD).render("zone", value, attrs) for kind in (LongSelect, forms.Select))
    assert isinstance(ours, SafeString)
    assert parts(ours) == parts(usual)


def parts(markup: str) -> list[tuple[str | None, dict[str, str | None], str]]:
    """Every element with its attributes (whose order says nothing) and its text."""
    return [(node.tag, node.attributes, node.text()) for node in LexborHTMLParser(markup).css("select, option")]


def test_zones_are_sorted_and_hold_what_is_in_use() -> None:
    names = [name for name, _ in zone_choices("CET")]
    assert names == sorted(names)
    assert {"UTC", "CET", "Europe/Stockholm"} <= set(names)
    assert "CET" not in dict(zone_choices())
