from __future__ import annotations

import json
from typing import Any

import pytest

from planeapp.lib.errors import FixSettings
from planeapp.providers.planner.example import from_example
from planeapp.providers.planner.template import check

CASES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        {"projectId": "p1", "title": "Shift", "startDate": "2026-11-23", "endDate": "2026-11-25", "notes": "Hi"},
        {
            "projectId": "{{project}}", "title": "{{title|truncate:255}}", "startDate": "{{start|date}}",
            "endDate": "{{end|date_inclusive_end}}", "notes": "{{notes}}",
        },
    ),
    (
        {"block": {"name": "S", "startsAt": "2026-11-23T08:00:00Z", "durationMinutes": 90, "color": "#fff"}, "kind": "shift"},
        {
            "block": {
                "name": "{{title|truncate:255}}", "startsAt": "{{start|iso}}", "durationMinutes": "{{duration|minutes}}",
                "color": "#fff",
            },
            "kind": "shift",
        },
    ),
    (
        {"items": [{"label": "S", "startMs": 1795420800000, "endMs": 1795424400000}]},
        {"items": [{"label": "{{title|truncate:255}}", "startMs": "{{start|epoch_ms}}", "endMs": "{{end|epoch_ms}}"}]},
    ),
    (
        {"start": 1795420800, "allDay": False, "tz": "UTC", "status": "planned", "externalId": "x", "link": "https://x"},
        {
            "start": "{{start|epoch_s}}", "allDay": "{{all_day}}", "tz": "{{timezone}}", "status": "{{state|map:states}}",
            "externalId": "{{external_id}}", "link": "{{url}}",
        },
    ),
    # Nobody's id and no block's id is said of every new block.
    ({"id": "b1", "name": "S", "assigneeIds": ["u1"]}, {"name": "{{title|truncate:255}}"}),
    ({"name": "S", "assignees": [{"email": "a@x.se"}]}, {"name": "{{title|truncate:255}}"}),
    ({"name": "S", "assignees": ["a@x.se"]}, {"name": "{{title|truncate:255}}", "assignees": "{{people}}"}),
    ({"name": "S", "durationHours": 2}, {"name": "{{title|truncate:255}}", "durationHours": 2}),
]  # fmt: skip


@pytest.mark.parametrize(("example", "template"), CASES)
def test_known_fields_of_an_example_become_placeholders(example: dict[str, Any], template: dict[str, Any]) -> None:
    found = from_example(json.dumps(example))
    assert found == template
    check(found)


def test_an_example_may_stand_in_a_command_line() -> None:
    assert from_example('curl -X POST -d \'{"title": "x"}\' https://api.example') == {"title": "{{title|truncate:255}}"}


@pytest.mark.parametrize("text", ["", "hello", "{}", "{'a': 1}", "[1, 2]", "{" * 5000 + "}" * 5000])
def test_what_is_no_example_is_refused_kindly(text: str) -> None:
    with pytest.raises(FixSettings) as refused:
        from_example(text)
    assert "example" in refused.value.person
