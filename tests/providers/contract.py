"""What every provider keeps to. A provider's tests subclass :class:`ProviderContract` and say how to make one.

Beside it: :class:`DatedContract` for who has days, and ``tests.providers.misfortunes.HttpContract`` for who is reached by
HTTP. A promise that is tested here holds for the engine, whatever vendor stands behind it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from planeapp.lib.errors import FixSettings, Gone, GroundcrewError, OutcomeUnknown, RetryLater
from planeapp.providers.base import Item, Party, Place, Provider, Report

FIELD_NAMES = frozenset(
    ("title", "notes", "start", "end", "starts_at", "ends_at", "state", "priority", "people", "parties", "contacts", "key",
     "url")
)  # fmt: skip
ABILITIES = frozenset(
    ("list", "get", "find", "create", "update", "delete", "parties", "feed", "subscribe", "companies", "update_company",
     "write_tallies", "tell", "contacts", "add_contact", "log_call")
)  # fmt: skip
LINE_STATES = frozenset({"ok", "absent", "off", "failed"})
STATES = frozenset({"backlog", "unstarted", "started", "completed", "cancelled"})
PRIORITIES = frozenset({"urgent", "high", "medium", "low", "none"})
TITLES = (
    "Größe „A“, 1;2 \\n 100 % – ok? #3 & more: yes",
    "飛行機の点検 🛫 and then some",
    "Inspect the belt loader, the tug and every dolly that stands on the apron before the first flight " * 2 + "leaves",
)
ODD_IDS = ("../x", "a/b", "a?b=c#d", "%2e%2e", "ü 🛫", "'; --", "0" * 300)


def well_formed(item: Item) -> None:
    """Every value has the form that ``planeapp.providers.base`` promises for its name."""
    texts = (item.id, item.version, item.mark, item.url, item.by)
    assert item.id and all(isinstance(text, str) for text in texts)
    assert item.values.keys() <= FIELD_NAMES
    for name, value in item.values.items():
        assert value is None or _fits(name, value), f"{name} is {value!r}"


def _fits(name: str, value: Any) -> bool:
    """Whether a value that is not None has its name's form."""
    if name in {"start", "end"}:
        return type(value) is date
    if name in {"starts_at", "ends_at"}:
        return isinstance(value, datetime) and value.tzinfo is not None
    if name in {"people", "parties", "contacts"}:
        told = [one.lower() for one in value] if name == "people" else list(value)
        return isinstance(value, tuple) and list(value) == sorted(set(told))
    if name in {"state", "priority"}:
        return value in (STATES if name == "state" else PRIORITIES)
    return isinstance(value, str) and (name != "title" or "\n" not in value)


class ProviderContract:
    """Subclasses give the fixtures ``provider``, ``values`` and ``changes``; they may replace the others.

    - ``provider``: a provider on an account without rows of ours, able to do everything it knows
    - ``values``: values of a work item that may be created over there
    - ``changes``: some of these values changed, each to another value (a part of ``values``' names)
    - ``lose_answer``: lets the answer to the next create get lost after its work was done
    - ``repeats_safely``: creating twice with one mark leaves one row
    - ``compared``: names whose values come back as they were written
    - ``clearable``: names that an update can empty
    - ``longest_title``: signs of a title that the vendor keeps; a longer one is cut
    """

    repeats_safely = False
    compared: frozenset[str] = FIELD_NAMES
    clearable: frozenset[str] = frozenset()
    longest_title = 255
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
    def lose_answer(self, provider: Provider) -> Callable[[], None]:
        """Called before a create: the row is made, and the answer never comes."""
        raise NotImplementedError("a subclass says here how an answer gets lost")

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
        well_formed(item)
        told = {name: item.values[name] for name in self.compared & wanted.keys() & item.values.keys()}
        assert told
        assert told == {name: wanted[name] for name in told}

    # What it is

    def test_its_fields_are_known_names_with_a_default_that_is_allowed(self, provider: Provider) -> None:
        names = [field.name for field in provider.fields]
        assert len(set(names)) == len(names) and set(names) <= FIELD_NAMES
        for field in provider.fields:
            assert field.default in field.directions and field.label
            assert "off" in field.directions

    def test_it_has_a_key_for_machines_and_names_for_people(self, provider: Provider) -> None:
        assert provider.key.isidentifier() and provider.key == provider.key.lower() and len(provider.key) <= 40
        assert provider.name.strip() and provider.place_name.strip()

    # The probe

    def test_a_probe_reports_in_known_words_and_writes_nothing(self, provider: Provider, place: str) -> None:
        report = provider.probe()
        assert isinstance(report, Report) and report.abilities <= ABILITIES
        assert report.lines and {line.state for line in report.lines} <= LINE_STATES
        assert all(line.name and line.label for line in report.lines)
        assert provider.list(place).items == ()

    def test_a_probe_leaves_rows_as_they_are(self, provider: Provider, place: str, made: Item) -> None:
        before = provider.list(place)
        provider.probe()
        assert provider.list(place) == before

    def test_a_probe_s_report_survives_being_stored(self, provider: Provider) -> None:
        data = provider.probe().as_data()
        assert json.loads(json.dumps(data)) == data
        assert json.loads(json.dumps(dict(provider.reconsidered(data, provider.access.settings)))) is not None

    def test_what_the_probe_does_not_find_is_refused_in_plain_words(self, provider: Provider) -> None:
        calls: dict[str, Callable[[], object]] = {
            "parties": lambda: provider.parties("acme"),
            "feed": provider.feed,
            "subscribe": lambda: provider.subscribe("http://127.0.0.1:9/x"),
        }
        for name in calls.keys() - provider.probe().abilities:
            with pytest.raises(FixSettings) as refused:
                calls[name]()
            assert provider.name in refused.value.person

    def test_companies_are_at_most_twenty_and_an_unknown_one_is_none(self, provider: Provider) -> None:
        if "parties" not in provider.probe().abilities:
            with pytest.raises(FixSettings):
                provider.party(self.unknown_id)
            return
        found = provider.parties("a")
        assert len(found) <= 20 and all(isinstance(one, Party) and one.id and one.name for one in found)
        assert all(provider.party(one.id) is not None for one in found[:2])
        assert provider.party(self.unknown_id) is None

    def test_there_is_a_place_to_work_in(self, provider: Provider) -> None:
        places = provider.places()
        assert places and all(isinstance(place, Place) and place.id and place.name for place in places)
        assert len({place.id for place in places}) == len(places)
        assert provider.only_place is None or list(places) == [provider.only_place]

    def test_after_a_close_it_opens_again_when_it_is_needed(self, provider: Provider, place: str, made: Item) -> None:
        provider.close()
        provider.close()
        assert [item.id for item in provider.list(place).items] == [made.id]

    # What an admin may set

    @pytest.fixture
    def probed(self, provider: Provider) -> Provider:
        """The provider as it is made from a connection, with the stored report of a probe."""
        data = json.loads(json.dumps(provider.probe().as_data()))
        return type(provider)(replace(provider.access, report=data))

    def test_every_field_can_go_its_default_way_when_all_abilities_are_there(self, probed: Provider) -> None:
        assert {"list", "get", "create", "update"} <= set(probed.access.report["abilities"])
        for field in probed.fields:
            objections = {direction: probed.objection(field.name, direction) for direction in field.directions}
            assert (objections[field.default], objections["off"]) == ("", "")
            assert all(why == "" or why.rstrip()[-1] in ".!" and "None" not in why for why in objections.values())

    def test_what_is_asked_of_an_admin_can_be_allowed_and_withheld(self, probed: Provider) -> None:
        report, settings = probed.access.report, probed.access.settings
        asked = [one.name for one in probed.confirmations(report, settings)]
        assert len(set(asked)) == len(asked)
        for names in (asked, [], asked[:1]):
            kept = json.loads(json.dumps(dict(probed.confirm(report, settings, names))))
            now = probed.confirmations(report, kept)
            assert all(one.label and isinstance(one.detail, str) for one in now)
            assert [one.name for one in now if one.given] == names
            assert json.dumps(dict(probed.reconsidered(report, kept)))

    def test_a_try_out_tells_where_its_row_is_or_is_not_offered(self, probed: Provider, place: str) -> None:
        try:
            assert probed.try_out(place).rstrip()
        except FixSettings as refused:
            assert refused.code == "not_offered" and refused.person
            assert probed.list(place).items == ()
        finally:
            probed.close()
        assert json.dumps(dict(probed.tried_out(probed.access.settings)))

    # Creating and finding

    def test_a_complete_work_item_is_not_held_back_and_one_that_is_has_a_reason_code(
        self, provider: Provider, values: Mapping[str, Any]
    ) -> None:
        assert provider.held_back(values) == ""
        for poor in ({}, dict.fromkeys(values), {"title": "x"}):
            reason = provider.held_back(poor)
            assert reason == "" or reason.isidentifier()

    def test_a_created_row_is_read_back_with_its_values(
        self, provider: Provider, place: str, made: Item, values: Mapping[str, Any], mark: str
    ) -> None:
        again = provider.get(place, made.id)
        assert again is not None and (again.id, again.mark, made.mark) == (made.id, mark, mark)
        self.same(again, values)
        self.same(made, values)

    @pytest.mark.parametrize("title", TITLES, ids=("signs", "scripts", "long"))
    def test_a_title_comes_back_as_it_was_written(
        self, provider: Provider, place: str, values: Mapping[str, Any], mark: str, title: str
    ) -> None:
        made = provider.create(place, {**values, "title": title}, mark)
        (told,) = {item.values["title"] for item in (made, *provider.list(place).items)}
        whole = len(title) <= self.longest_title
        assert told == title if whole else title.startswith(told.rstrip("… ")) and len(told) > self.longest_title / 2

    def test_a_created_row_is_found_by_its_mark_alone(
        self, provider: Provider, place: str, made: Item, mark: str
    ) -> None:
        assert [item.id for item in provider.find(place, mark)] == [made.id]
        for other in (mark + "0", mark[:-1], mark.upper(), "plane:"):
            assert list(provider.find(place, other)) == []

    def test_rows_whose_marks_begin_alike_are_told_apart(
        self, provider: Provider, place: str, made: Item, values: Mapping[str, Any], mark: str
    ) -> None:
        longer = provider.create(place, values, mark + "0")
        assert longer.id != made.id
        assert [[item.id for item in provider.find(place, one)] for one in (mark, mark + "0")] == [
            [made.id],
            [longer.id],
        ]
        assert {item.id: item.mark for item in provider.list(place).items} == {made.id: mark, longer.id: mark + "0"}

    def test_a_created_row_is_listed_once_with_its_mark(
        self, provider: Provider, place: str, made: Item, values: Mapping[str, Any], mark: str
    ) -> None:
        listing = provider.list(place)
        assert listing.complete is True
        assert [(item.id, item.mark) for item in listing.items] == [(made.id, mark)]
        self.same(listing.items[0], values)

    def test_creating_again_with_the_mark_makes_no_second_row_where_that_is_promised(
        self, provider: Provider, place: str, made: Item, values: Mapping[str, Any], mark: str
    ) -> None:
        again = provider.create(place, values, mark)
        assert (again.id == made.id) is self.repeats_safely
        assert len(provider.list(place).items) == (1 if self.repeats_safely else 2)

    def test_a_row_whose_answer_was_lost_is_found_by_its_mark(
        self, provider: Provider, place: str, values: Mapping[str, Any], mark: str, lose_answer: Callable[[], None]
    ) -> None:
        lose_answer()
        # RetryLater says "do the same again", so it is right only where that leaves one row.
        with pytest.raises((OutcomeUnknown, RetryLater) if self.repeats_safely else OutcomeUnknown):
            provider.create(place, values, mark)
        (found,) = provider.find(place, mark)
        self.same(found, values)
        assert [(item.id, item.mark) for item in provider.list(place).items] == [(found.id, mark)]

    # Changing

    def test_an_update_changes_what_is_named_and_keeps_the_rest(
        self, provider: Provider, place: str, made: Item, values: Mapping[str, Any], changes: Mapping[str, Any]
    ) -> None:
        updated = provider.update(place, made, changes)
        again = provider.get(place, made.id)
        assert updated.id == made.id and again is not None
        self.same(updated, changes)
        self.same(again, {**values, **changes})

    def test_each_value_can_be_changed_alone(
        self, provider: Provider, place: str, made: Item, mark: str, changes: Mapping[str, Any]
    ) -> None:
        days = {name: changes[name] for name in ("start", "end") if name in changes}  # one alone may cross the other
        for part in filter(None, [days, *({name: changes[name]} for name in changes if name not in days)]):
            before = provider.get(place, made.id)
            assert before is not None and all(before.values[name] != value for name, value in part.items())
            provider.update(place, before, part)
            after = provider.get(place, made.id)
            assert after is not None and after.values == {**before.values, **part}
        assert [item.id for item in provider.find(place, mark)] == [made.id]

    def test_an_update_gives_the_row_as_it_is_then(
        self, provider: Provider, place: str, made: Item, mark: str, changes: Mapping[str, Any]
    ) -> None:
        updated = provider.update(place, made, changes)
        read = provider.get(place, made.id)
        assert read is not None and (updated.id, updated.mark, updated.url) == (read.id, mark, read.url)
        well_formed(updated)
        assert {name: updated.values.get(name) for name in read.values} == dict(read.values)

    def test_writing_what_stands_there_changes_nothing(self, provider: Provider, place: str, made: Item) -> None:
        before = provider.get(place, made.id)
        assert before is not None
        for name in [field.name for field in provider.fields if field.name in before.values]:
            provider.update(place, before, {name: before.values[name]})
        after = provider.get(place, made.id)
        assert after is not None and (after.values, after.mark) == (before.values, before.mark)

    def test_a_value_can_be_emptied_and_the_others_stay(self, provider: Provider, place: str, made: Item) -> None:
        for name in sorted(self.clearable):
            before = provider.get(place, made.id)
            assert before is not None and before.values[name]
            provider.update(place, before, {name: type(before.values[name])() if name == "people" else None})
            after = provider.get(place, made.id)
            assert after is not None and not after.values.get(name)
            rest = {other: value for other, value in before.values.items() if other != name}
            assert {other: after.values.get(other) for other in rest} == rest

    # Removing

    def test_a_deleted_row_is_gone_from_every_answer(
        self, provider: Provider, place: str, made: Item, mark: str
    ) -> None:
        provider.delete(place, made)
        assert provider.get(place, made.id) is None
        assert list(provider.find(place, mark)) == []
        assert provider.list(place).items == ()

    def test_deleting_twice_is_no_error_and_leaves_other_rows_alone(
        self, provider: Provider, place: str, made: Item, values: Mapping[str, Any], mark: str
    ) -> None:
        other = provider.create(place, values, mark + "0")
        provider.delete(place, made)
        provider.delete(place, made)
        assert [item.id for item in provider.list(place).items] == [other.id]

    def test_a_row_that_never_was_is_none_and_can_be_deleted(self, provider: Provider, place: str, made: Item) -> None:
        assert provider.get(place, self.unknown_id) is None
        provider.delete(place, Item(self.unknown_id, {}))
        assert [item.id for item in provider.list(place).items] == [made.id]

    @pytest.mark.parametrize("odd", ODD_IDS)
    def test_an_id_of_an_odd_shape_is_nobody_s(self, provider: Provider, place: str, made: Item, odd: str) -> None:
        assert provider.get(place, odd) is None

    def test_without_an_id_nothing_is_found(self, provider: Provider, place: str, made: Item) -> None:
        for nothing in ("", " ", ".", ".."):
            try:
                assert provider.get(place, nothing) is None
            except GroundcrewError as refused:
                assert refused.person  # an id that cannot be asked for may be refused, but never be another row's

    def test_updating_a_row_that_is_gone_says_so(
        self, provider: Provider, place: str, made: Item, changes: Mapping[str, Any], mark: str
    ) -> None:
        provider.delete(place, made)
        with pytest.raises(Gone):
            provider.update(place, made, changes)
        assert list(provider.find(place, mark)) == []


class MovedContract:
    """For providers with several places. Named before :class:`ProviderContract` among the bases; gives ``move``.

    ``move``: somebody moves the row to another place over there; gives that place.
    """

    @pytest.fixture
    def move(self) -> Callable[[Item], str]:
        """Moves a row over there."""
        raise NotImplementedError("a subclass says here how a row is moved")

    def test_a_moved_row_is_found_tells_its_place_and_leaves_the_old_one_s_list(
        self, provider: Provider, place: str, made: Item, values: Mapping[str, Any], move: Callable[[Item], str]
    ) -> None:
        to = move(made)
        found = provider.get(place, made.id)
        assert found is not None and (found.id, found.place, found.mark) == (made.id, to, made.mark)
        assert found.values == made.values
        assert provider.list(place).items == ()
        assert [item.id for item in provider.list(to).items] == [made.id]

    def test_a_moved_row_can_be_changed_and_deleted_where_it_lies(
        self, provider: Provider, place: str, made: Item, changes: Mapping[str, Any], move: Callable[[Item], str]
    ) -> None:
        to = move(made)
        found = provider.get(place, made.id)
        assert found is not None
        updated = provider.update(place, found, changes)
        assert (updated.id, updated.values) == (made.id, {**found.values, **changes})
        assert [item.values for item in provider.list(to).items] == [updated.values]
        provider.delete(place, found)
        assert (provider.get(place, made.id), provider.list(to).items) == (None, ())


SPANS = {
    "a day": (date(2026, 11, 23), date(2026, 11, 23)),
    "over a new year": (date(2026, 12, 31), date(2027, 1, 1)),
    "a leap day": (date(2028, 2, 28), date(2028, 3, 1)),
    "the clocks go forward": (date(2027, 3, 27), date(2027, 3, 28)),
    "the clocks go back": (date(2026, 10, 25), date(2026, 10, 26)),
}


class DatedContract:
    """For providers whose rows have days. To be named before :class:`ProviderContract` among the bases."""

    @pytest.mark.parametrize(("start", "end"), SPANS.values(), ids=SPANS)
    def test_days_come_back_as_they_were_written_the_last_one_included(
        self, provider: Provider, place: str, values: Mapping[str, Any], mark: str, start: date, end: date
    ) -> None:
        made = provider.create(place, {**values, "start": start, "end": end}, mark)
        for item in (made, *provider.list(place).items, *provider.find(place, mark)):
            assert (item.values["start"], item.values["end"]) == (start, end)
            well_formed(item)

    @pytest.mark.parametrize(("start", "end"), SPANS.values(), ids=SPANS)
    def test_days_can_be_moved(self, provider: Provider, place: str, made: Item, start: date, end: date) -> None:
        updated = provider.update(place, made, {"start": start, "end": end})
        assert (updated.values["start"], updated.values["end"]) == (start, end)
        (listed,) = provider.list(place).items
        assert listed.values == {**made.values, "start": start, "end": end}

    def test_one_day_is_enough(self, provider: Provider, place: str, values: Mapping[str, Any], mark: str) -> None:
        day = values["start"]
        for number, poor in enumerate(({"start": day, "end": None}, {"start": None, "end": day})):
            assert provider.held_back({**values, **poor}) == ""
            made = provider.create(place, {**values, **poor}, f"{mark}{number}")
            assert {made.values["start"], made.values["end"]} - {None} == {day}
