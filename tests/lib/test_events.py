from __future__ import annotations

import dataclasses

import pytest

from planeapp.lib.events import Event


def test_an_event_says_as_much_as_its_source_told() -> None:
    event = Event("item.changed", "id-1")
    assert (event.subject, event.workspace, event.project, event.actor, dict(event.data)) == ("", "", "", "", {})


def test_an_event_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Event("item.changed", "id-1").kind = "other"  # type: ignore[misc]
