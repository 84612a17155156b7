"""What every provider keeps to. A provider's tests subclass :class:`ProviderContract` and say how to make one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from planeapp.lib.errors import Gone
from planeapp.providers.base import Item, Place, Provider, Report

FIELD_NAMES = frozenset(
    ("title", "notes", "start", "end", "starts_at", "ends_at", "state", "priority", "people", "parties", "key", "url")
)
ABILITIES = frozenset({"list", "get", "find", "create", "update", "delete", "parties", "feed", "subscribe"})
STATES = frozenset({"ok", "absent", "failed"})


class ProviderContract:
    """Subclasses give the fixtures ``provider``, ``values`` and ``changes``; they may replace the others.

    - ``provider``: a provider on an account without rows of ours, able to do everything it knows
    - ``values``: values of a work item that may be created over there
    - ``changes``: some of these values changed, each to another value (a part of ``values``' names)
    - ``repeats_safely``: creating twice with one mark leaves one row
    - ``compared``: names whose values come back as they were written
    """

    repeats_safely = False
    compared: frozenset[str] = FIELD_NAMES
    unknown_id = "0123456789abcdef01234567"

    @pytest.fixture
    def provider(self) -> Provider:
        """The provider under test."""
        raise NotImplementedError("a subclass makes its provider here")

    @pytest.fixture
    def values(self) -> Mapping[str, Any]:
        """A work item that may be created."""
        raise NotImplementedError("a subclass gives its values here")

    @pytest.fixture
    def changes(self) -> Mapping[str, Any]:
        """What is changed afterwards."""
        raise NotImplementedError("a subclass gives its changes here")

    @pytest.fixture
    def mark(self) -> str:
        """Our mark for the row."""
        return "plane:6e0c2a4e-6a1b-4d57-9d5e-3c1f8d0b7a11:0b7f5d2c-9a34-4c7e-8f61-2d4e6a8c0b13"

    @pytest.fixture
    def place(self, provider: Provider) -> str:
        """The place that is worked in."""
        return (provider.only_place or provider.places()[0]).id

    @pytest.fixture
    def made(self, provider: Provider, place: str, values: Mapping[str, Any], mark: str) -> Item:
        """A row that we created."""
        return provider.create(place, values, mark)

    def same(self, item: Item, wanted: Mapping[str, Any]) -> None:
        """Every compared name that the row tells has the wanted value."""
        told = {name: item.values[name] for name in self.compared & wanted.keys() & item.values.keys()}
        assert told
        assert told == {name: wanted[name] for name in told}

    def test_its_fields_are_known_names_with_a_default_that_is_allowed(self, provider: Provider) -> None:
        names = [field.name for field in provider.fields]
        assert len(set(names)) == len(names) and set(names) <= FIELD_NAMES
        assert all(field.default in field.directions and field.label for field in provider.fields)

    def test_a_probe_reports_in_known_words_and_writes_nothing(self, provider: Provider, place: str) -> None:
        report = provider.probe()
        assert isinstance(report, Report) and report.abilities <= ABILITIES
        assert report.lines and {line.state for line in report.lines} <= STATES
        assert provider.list(place).items == ()

    def test_a_probe_s_report_survives_being_stored(self, provider: Provider) -> None:
        import json

        data = provider.probe().as_data()
        assert json.loads(json.dumps(data)) == data

    def test_there_is_a_place_to_work_in(self, provider: Provider) -> None:
        places = provider.places()
        assert places and all(isinstance(place, Place) and place.id and place.name for place in places)
        assert provider.only_place is None or list(places) == [provider.only_place]

    def test_a_complete_work_item_is_not_held_back(self, provider: Provider, values: Mapping[str, Any]) -> None:
        assert provider.held_back(values) == ""

    def test_a_created_row_is_read_back_with_its_values(
        self, provider: Provider, place: str, made: Item, values: Mapping[str, Any]
    ) -> None:
        again = provider.get(place, made.id)
        assert again is not None and again.id == made.id
        self.same(again, values)
        self.same(made, values)

    def test_a_created_row_is_found_by_its_mark_alone(
        self, provider: Provider, place: str, made: Item, mark: str
    ) -> None:
        assert [item.id for item in provider.find(place, mark)] == [made.id]
        assert list(provider.find(place, mark + "0")) == []

    def test_a_created_row_is_listed_once_with_its_mark(
        self, provider: Provider, place: str, made: Item, mark: str
    ) -> None:
        listing = provider.list(place)
        assert listing.complete
        assert [(item.id, item.mark) for item in listing.items] == [(made.id, mark)]

    def test_creating_again_with_the_mark_makes_no_second_row_where_that_is_promised(
        self, provider: Provider, place: str, made: Item, values: Mapping[str, Any], mark: str
    ) -> None:
        again = provider.create(place, values, mark)
        assert (again.id == made.id) is self.repeats_safely
        assert len(provider.list(place).items) == (1 if self.repeats_safely else 2)

    def test_an_update_changes_what_is_named_and_keeps_the_rest(
        self, provider: Provider, place: str, made: Item, values: Mapping[str, Any], changes: Mapping[str, Any]
    ) -> None:
        updated = provider.update(place, made, changes)
        again = provider.get(place, made.id)
        assert updated.id == made.id and again is not None
        self.same(updated, changes)
        self.same(again, {**values, **changes})

    def test_a_deleted_row_is_gone_from_every_answer(
        self, provider: Provider, place: str, made: Item, mark: str
    ) -> None:
        provider.delete(place, made)
        assert provider.get(place, made.id) is None
        assert list(provider.find(place, mark)) == []
        assert provider.list(place).items == ()

    def test_deleting_twice_is_no_error(self, provider: Provider, place: str, made: Item) -> None:
        provider.delete(place, made)
        provider.delete(place, made)
        assert provider.list(place).items == ()

    def test_a_row_that_never_was_is_none(self, provider: Provider, place: str) -> None:
        assert provider.get(place, self.unknown_id) is None

    def test_updating_a_row_that_is_gone_says_so(
        self, provider: Provider, place: str, made: Item, changes: Mapping[str, Any]
    ) -> None:
        provider.delete(place, made)
        with pytest.raises(Gone):
            provider.update(place, made, changes)

    def test_its_values_have_known_names(self, provider: Provider, place: str, made: Item) -> None:
        assert {name for item in provider.list(place).items for name in item.values} <= FIELD_NAMES
