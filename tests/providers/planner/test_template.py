from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from planeapp.lib.errors import FixSettings
from planeapp.providers.planner.template import DEFAULT, check, names_in, parse, render

ZONE = ZoneInfo("Europe/Stockholm")
BLOCK: dict[str, Any] = {
    "project": "p1", "title": "Tow", "notes": "Hi", "notes_tail": "Plane ref m:1", "timezone": "Europe/Stockholm",
    "start": datetime(2026, 11, 23, 9, tzinfo=ZONE), "end": datetime(2026, 11, 23, 10, 30, tzinfo=ZONE),
    "people": ("a@x.se",), "state": "started",
}  # fmt: skip
DAYS = BLOCK | {"start": date(2026, 11, 23), "end": date(2026, 11, 25)}


def test_the_default_speaks_of_days_and_carries_the_mark() -> None:
    assert render(DEFAULT, DAYS) == {
        "projectId": "p1", "title": "Tow", "startDate": "2026-11-23", "endDate": "2026-11-25",
        "notes": "Hi\n\nPlane ref m:1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{start|iso}}", "2026-11-23T09:00:00+01:00"), ("{{end|iso}}", "2026-11-23T10:30:00+01:00"),
        ("{{start}}", "2026-11-23T09:00:00+01:00"), ("{{start|epoch_s}}", 1795420800),
        ("{{end|epoch_ms}}", 1795426200000),
        ("{{start|date}}", "2026-11-23"), ("{{duration|minutes}}", 90), ("{{duration|days}}", 1), ("{{duration}}", 90),
        ("{{all_day}}", False), ("{{people}}", ["a@x.se"]), ("{{title|lower}}", "tow"), ("{{title|truncate:2}}", "T…"),
        ("{{state|map:states}}", 7), ("Block {{title}} in {{project}}", "Block Tow in p1"), (5, 5), (None, None),
    ],
)  # fmt: skip
def test_placeholders_keep_their_type_or_become_text(template: Any, value: Any) -> None:
    assert render({"x": template}, BLOCK, {"states": {"started": 7}}) == {"x": value}


def test_what_has_no_value_drops_its_key() -> None:
    template = {"a": "{{url}}", "b": "see {{url}}", "c": ["{{url}}", "{{title}}"], "d": {"e": "{{state|map:none}}"}}
    assert render(template, BLOCK) == {"c": ["Tow"], "d": {}}


@pytest.mark.parametrize(
    "bad",
    [
        "{{secret}}",
        "{{title|eval}}",
        "{{title.__class__}}",
        "{{title|truncate:x}}",
        "{{title|minutes}}",
        "{{people|iso}}",
    ],
)
def test_unknown_names_and_filters_are_refused(bad: str) -> None:
    with pytest.raises(FixSettings) as refused:
        check({"x": bad})
    assert "template" in refused.value.person


def test_a_template_must_be_an_object() -> None:
    with pytest.raises(FixSettings):
        check(["{{title}}"])


def test_braces_in_values_are_not_looked_into() -> None:
    assert render({"x": "{{title}}", "y": "a {{title}}"}, {"title": "{{project}}", "project": "p"}) == {
        "x": "{{project}}", "y": "a {{project}}",
    }  # fmt: skip


def test_names_are_listed() -> None:
    assert names_in({"a": ["{{title|lower}}"], "b": "{{ url }} {{notes}}"}) == {"title", "url", "notes"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": }', "not JSON: Expecting value in line 1, column 7"),
        ("[1]", "must be a JSON object"),
        ('{"a": {"b": "{{colour}}"}}', "colour, which is not a known name"),
        ('{"a": {"b": "{{colour}}"}}', "(at a.b)"),
        ('{"a": ["{{title|upper}}"]}', "the filter upper, which is not known"),
        ('{"a": ["{{title|upper}}"]}', "(at a[0])"),
        ('{"a": "{{title"}', "a has a placeholder that is not closed: {{title"),
        ('{"{{title}}": 1}', "only values can have them"),
        ('{"a": "{{colour}}", "b": "{{size}}"}', "size"),
    ],
)
def test_a_typed_template_is_refused_with_what_is_wrong_and_where(text: str, said: str) -> None:
    with pytest.raises(FixSettings) as refused:
        parse(text)
    assert said in refused.value.person


def test_the_end_of_whole_days_is_the_midnight_after_them() -> None:
    made = render(
        {"end": "{{end|iso}}", "ms": "{{end|epoch_ms}}", "day": "{{end|date}}", "start": "{{start|iso}}"}, DAYS
    )
    assert made["end"] == "2026-11-26T00:00:00+01:00" and made["day"] == "2026-11-25"
    assert made["ms"] == datetime(2026, 11, 26, tzinfo=ZONE).timestamp() * 1000
    assert made["start"] == "2026-11-23T00:00:00+01:00"
