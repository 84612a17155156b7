from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings

from planeapp.installations.models import AuditEntry, Installation
from planeapp.lib.errors import AskPerson, ReconnectNeeded
from planeapp.providers.base import Place
from planeapp.sync.models import Due, ProjectPair
from planeapp.sync.options import FieldRule, Options, as_data
from planeapp.sync.settings_file import read
from planeapp.sync.settings_import import Step, apply, changes, counts
from planeapp.sync.settings_rows import export
from planeapp.sync.settings_yaml import Unreadable
from tests.factories import (
    ConnectionFactory,
    CredentialFactory,
    InstallationFactory,
    ItemLinkFactory,
    ProjectPairFactory,
)
from tests.providers.memory import Memory
from tests.sync.conftest import Bench
from tests.sync.some_options import some_options, some_rules

FIELDS = {field.name: field.directions for field in Memory.fields}
Edit = Callable[[dict[str, Any]], object]


def edited(installation: Installation, edit: Edit) -> str:
    """A workspace's file, whose first pair somebody edited."""
    data = yaml.safe_load(export(installation))
    edit(data["connections"]["memory"]["pairs"][0])
    return yaml.safe_dump(data)


def told(installation: Installation, text: str, **more: bool) -> list[Step]:
    """What a file would change."""
    return changes(installation, read(text), **more)


def taken(installation: Installation, text: str, **more: bool) -> list[Step]:
    """What a file did change."""
    steps = told(installation, text, **more)
    apply(installation, steps, by="a test")
    return steps


def lines(steps: list[Step]) -> list[str]:
    """The differences, as people see them."""
    return [str(one) for step in steps for one in step.differences]


def refused(installation: Installation, text: str) -> list[str]:
    """What does not fit the workspace; nothing may be written by that."""
    before = list(ProjectPair.objects.order_by("pk").values())
    with pytest.raises(Unreadable) as end:
        told(installation, text)
    assert list(ProjectPair.objects.order_by("pk").values()) == before
    return [str(fault) for fault in end.value.faults]


@pytest.fixture
def air(bench: Bench) -> Installation:
    """A workspace whose project CUST is paired with the main shelf; there are two shelves, and a project INTG."""
    bench.world.places = [Place("main", "Main shelf"), Place("winter", "Winter shelf")]
    ProjectPair.objects.update(zone="Europe/Stockholm", rules={"title": {"direction": "out", "winner": "plane"}})
    return bench.pair.connection.installation


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(options=some_options(), rules=some_rules(FIELDS))
def test_whatever_a_pair_is_set_to_its_file_changes_nothing_and_brings_all_back(
    air: Installation, options: Options, rules: dict[str, FieldRule]
) -> None:
    stored = {name: rule.model_dump() for name, rule in rules.items()}
    ProjectPair.objects.update(options=as_data(options), rules=stored)
    text = export(air)
    assert told(air, text) == []
    ProjectPair.objects.update(options={}, rules={}, enabled=False, zone="UTC")
    (step,) = taken(air, text)
    assert (step.kind, export(air)) == ("change", text)
    assert told(air, text) == []


def test_a_change_is_told_from_and_to_before_it_is_made(air: Installation) -> None:
    def edit(pair: dict[str, Any]) -> None:
        pair["rules"]["title"] = {"direction": "both", "winner": "ask"}
        pair["filters"] = {"states": ["started"]}
        pair["people"] = {"ada@x.se": "a@y.se"}
        pair["zone"] = "UTC"

    text = edited(air, edit)
    assert lines(told(air, text)) == [
        "connections.memory.pairs[CUST].filters.states: nothing → [\"started\"]",
        "connections.memory.pairs[CUST].people.ada@x.se: nothing → a@y.se",
        "connections.memory.pairs[CUST].zone: Europe/Stockholm → UTC",
        "connections.memory.pairs[CUST].rules.title.direction: out → both",
        "connections.memory.pairs[CUST].rules.title.winner: plane → ask",
    ]  # fmt: skip
    assert ProjectPair.objects.get().zone == "Europe/Stockholm"
    taken(air, text)
    pair = ProjectPair.objects.get()
    assert (pair.zone, pair.options) == ("UTC", {"filters": {"states": ["started"]}, "people": {"ada@x.se": "a@y.se"}})
    assert pair.rules["title"] == {"direction": "both", "winner": "ask"}
    assert (Due.objects.get().pair, Due.objects.get().item_id, Due.objects.get().reason) == (
        pair,
        "",
        "settings imported",
    )
    entry = AuditEntry.objects.get(action="imported_settings")
    assert entry.detail == {"by": "a test", "changed": "CUST"}


def test_the_same_file_twice_changes_nothing_the_second_time(air: Installation) -> None:
    text = edited(air, lambda pair: pair.update(deletes="delete"))
    assert [step.kind for step in taken(air, text)] == ["change"]
    assert taken(air, text) == []
    assert AuditEntry.objects.filter(action="imported_settings").count() == 1


def test_a_change_of_rules_asks_neither_side(air: Installation, bench: Bench) -> None:
    bench.world.fail("places", ReconnectNeeded("gone"))
    Installation.objects.update(status="reconnect")
    air.refresh_from_db()
    assert len(taken(air, edited(air, lambda pair: pair.update(show_link=False)))) == 1
    assert bench.world.calls == []


def test_a_pair_that_is_switched_off_is_not_looked_at(air: Installation) -> None:
    taken(air, edited(air, lambda pair: pair.update(enabled=False)))
    assert (ProjectPair.objects.get().enabled, Due.objects.count()) == (False, 0)


NEW = "version: 1\nconnections: {memory: {pairs: [{project: intg, place: winter SHELF, rules: {title: {direction: in}}}]}}"


def test_a_pair_that_is_not_there_is_made_by_its_keys_and_names(air: Installation, bench: Bench) -> None:
    steps = taken(air, NEW)
    assert counts(steps) == {"made": 1, "left alone": 1}
    assert lines(steps) == [
        "connections.memory.pairs[INTG].place: nothing → Winter shelf",
        "connections.memory.pairs[INTG].place_id: nothing → winter",
        "connections.memory.pairs[INTG].zone: nothing → UTC",
        "connections.memory.pairs[INTG].rules.title.direction: both → in",
    ]
    made = ProjectPair.objects.get(project_key="INTG")
    project = bench.sandbox.row("project", identifier="INTG")
    assert (str(made.project_id), made.project_name, made.place_id) == (project["id"], "Integration lab", "winter")
    assert (made.place_name, made.zone, Due.objects.get().pair) == ("Winter shelf", "UTC", made)
    assert [step.kind for step in taken(air, NEW)] == ["leave"]


def test_pairs_that_the_file_does_not_name_stay_unless_they_are_to_go(air: Installation) -> None:
    empty = "version: 1\nconnections: {memory: {pairs: []}}"
    assert counts(taken(air, empty)) == {"left alone": 1}
    assert (ProjectPair.objects.count(), AuditEntry.objects.count()) == (1, 0)
    assert counts(taken(air, empty, remove=True)) == {"removed": 1}
    assert (ProjectPair.objects.count(), AuditEntry.objects.get().detail["removed"]) == (0, "CUST")


def test_connections_that_the_file_does_not_name_are_left_alone(air: Installation) -> None:
    assert taken(air, "version: 1", remove=True) == taken(air, "version: 1\nconnections: {}", remove=True) == []
    assert ProjectPair.objects.count() == 1


def test_a_file_of_another_workspace_fits_by_keys_and_names(air: Installation) -> None:
    elsewhere = ProjectPairFactory(connection__provider="memory", options={"deletes": "delete"}, place_id="another id")
    text = export(elsewhere.connection.installation)
    ProjectPair.objects.filter(connection__installation=air).delete()
    assert counts(taken(air, text)) == {"made": 1}
    made = ProjectPair.objects.get(connection__installation=air)
    assert (made.project_key, made.place_id, made.options) == ("CUST", "main", {"deletes": "delete"})
    assert made.project_id != elsewhere.project_id
    assert told(air, text) == []


def test_what_does_not_fit_the_workspace_is_told_together_with_what_is_known(air: Installation) -> None:
    text = (
        "version: 1\nconnections:\n  planner: {}\n  memory:\n    pairs:\n    - {project: CUTS, place: Main shelf}\n"
        "    - project: INTG\n      place: nowhere\n    - {project: CUST, place: main shelf}\n"
        "    - {project: cust, place: main shelf}\n"
    )
    assert refused(air, text) == [
        "line 3: connections.planner: sandbox is not connected to Planner; connect it first",
        "line 6: connections.memory.pairs[0].project: there is no project CUTS that the app can see; did you mean CUST? known:"
        " CUST (Customer work), INTG (Integration lab)",
        "line 8: connections.memory.pairs[1].place: there is no place nowhere that the app can see; known: Main shelf,"
        " Winter shelf",
        "line 10: connections.memory.pairs[3]: CUST (Customer work) is paired twice; see pairs[2]",
    ]


def test_a_place_that_was_edited_beside_its_id_is_asked_back(air: Installation) -> None:
    (said,) = refused(air, edited(air, lambda pair: pair.update(place="Winter shelf")))
    assert said.endswith("place says Winter shelf, place_id is that of Main shelf; take out the one that is wrong")


def move(pair: dict[str, Any]) -> None:
    pair.update(place="Winter shelf", place_id="winter")


def test_a_pair_without_links_moves_to_another_place(air: Installation) -> None:
    ItemLinkFactory(pair=ProjectPair.objects.get(), state="unlinked")
    taken(air, edited(air, move))
    assert ProjectPair.objects.get().place_name == "Winter shelf"


def test_a_pair_with_links_does_not_move(air: Installation) -> None:
    ItemLinkFactory(pair=ProjectPair.objects.get())
    (said,) = refused(air, edited(air, move))
    assert "CUST has work items that are linked with rows of Main shelf; take the pair away" in said


def test_a_place_that_has_another_name_now_gets_it(air: Installation, bench: Bench) -> None:
    bench.world.places = [Place("main", "Grand shelf")]
    taken(air, edited(air, lambda pair: pair.update(place="Grand shelf")))
    assert ProjectPair.objects.get().place_name == "Grand shelf"


@pytest.mark.parametrize("meanwhile", [
    lambda: ProjectPair.objects.update(zone="Asia/Tokyo"),
    lambda: ProjectPair.objects.all().delete(),
])  # fmt: skip
def test_what_somebody_else_changed_meanwhile_is_not_overwritten(
    air: Installation, meanwhile: Callable[[], object]
) -> None:
    steps = told(air, edited(air, lambda pair: pair.update(deletes="delete")))
    meanwhile()
    with pytest.raises(AskPerson, match="changed between"):
        apply(air, steps)
    assert (ProjectPair.objects.exclude(options={}).count(), AuditEntry.objects.count()) == (0, 0)


def test_all_or_nothing_is_written(air: Installation) -> None:
    text = edited(air, lambda pair: pair.update(deletes="delete")).replace(
        "    pairs:\n", "    pairs:\n    - {project: INTG, place: Winter shelf}\n"
    )
    steps = told(air, text)
    assert counts(steps) == {"made": 1, "changed": 1}
    lab = next(step.pair for step in steps if step.kind == "make")
    ProjectPairFactory(connection=lab.connection, project_id=lab.project_id, project_key="INTG")  # somebody was faster
    with pytest.raises(AskPerson):
        apply(air, steps)
    assert (ProjectPair.objects.exclude(options={}).count(), Due.objects.count()) == (0, 0)


@pytest.mark.django_db
def test_no_secret_of_any_kind_is_exported() -> None:
    connection = ConnectionFactory(
        settings={"token": "canary-token", "tenant": {"deep": ["canary-tenant"]}, "template": "canary-template"},
        report={"facts": {"x": "canary-report"}}, feed_seen={"y": "canary-feed"}, base_url="https://canary-host.example",
    )  # fmt: skip
    CredentialFactory(connection=connection, access="canary-access", refresh="canary-refresh", keep="canary-keep")
    ProjectPairFactory(connection=connection)
    text = export(connection.installation)
    assert "CUST" in text and "canary" not in text
    assert connection.opaque_id not in text


@pytest.mark.django_db
def test_a_vendor_that_this_version_does_not_know_is_left_out() -> None:
    installation = InstallationFactory()
    ConnectionFactory(installation=installation, provider="bygone")
    assert "connections: {}" in export(installation)
