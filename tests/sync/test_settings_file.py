from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from planeapp.providers import provider_class
from planeapp.sync.options import FieldRule, Filters, Options, Timing
from planeapp.sync.settings_file import ConnectionEntry, PairEntry, SettingsFile, read, written
from planeapp.sync.settings_yaml import Unreadable
from tests.sync.some_options import some_options, some_rules, texts

FIELDS = {field.name: field.directions for field in provider_class("planner").fields}
PAIR = PairEntry(
    project="CUST", project_id=UUID(int=7), place="Ramp operations", place_id="prj_ramp", zone="Europe/Stockholm",
    rules={"title": FieldRule(direction="off"), "start": FieldRule(direction="both", winner="ask")},
)  # fmt: skip


def file(*pairs: PairEntry) -> SettingsFile:
    """A file with these pairs."""
    return SettingsFile(version="1", workspace="air", connections={"planner": ConnectionEntry(pairs=pairs)})


def faults(text: str) -> list[str]:
    """All that is wrong with a file."""
    with pytest.raises(Unreadable) as end:
        read(text)
    return [str(fault) for fault in end.value.faults]


def wrong(pair: str, rest: str = "") -> list[str]:
    """All that is wrong with a pair, which stands on line 4."""
    return faults(f"version: 1\nconnections:\n  planner: {{pairs: [\n{{project: CUST, place: Ramp{pair}}}]}}\n{rest}")


@st.composite
def pairs(draw: st.DrawFn) -> PairEntry:
    """Any pair."""
    options: Options = draw(some_options())
    return PairEntry(
        project=draw(texts.filter(bool)), project_id=draw(st.none() | st.uuids()), place=draw(texts.filter(bool)),
        place_id=draw(texts), zone=draw(st.sampled_from(["", "UTC", "Europe/Stockholm"])), enabled=draw(st.booleans()),
        rules=draw(some_rules(FIELDS)), **{name: getattr(options, name) for name in Options.model_fields},
    )  # fmt: skip


@given(st.lists(pairs(), max_size=3), texts)
def test_a_file_that_was_written_is_read_as_it_was(found: list[PairEntry], workspace: str) -> None:
    told = file(*found).model_copy(update={"workspace": workspace})
    assert read(written(told)).file == told


def test_the_file_is_readable() -> None:
    timing = {"mode": "times", "opens": "08:30"}
    options = Options.model_validate({"timing": timing, "filters": {"states": ["started", "completed"]}})
    text = written(file(PAIR.model_copy(update={"timing": options.timing, "filters": options.filters})))
    assert [line for line in text.splitlines() if not line.startswith("#")] == [
        "version: 1",
        "workspace: air",
        "connections:",
        "  planner:",
        "    pairs:",
        "    - project: CUST",
        "      project_id: 00000000-0000-0000-0000-000000000007",
        "      place: Ramp operations",
        "      place_id: prj_ramp",
        "      zone: Europe/Stockholm",
        "      enabled: true",
        "      rules:",
        "        title: {direction: 'off', winner: plane}",
        "        start: {direction: both, winner: ask}",
        "      filters:",
        "        states: [started, completed]",
        "      timing: {mode: times, opens: '08:30'}",
    ]
    assert text.startswith("# Settings of one workspace") and "docs/settings-file.md" in text


def test_other_yaml_readers_understand_it_alike() -> None:
    found: Any = yaml.safe_load(written(file(PAIR)))
    assert found["connections"]["planner"]["pairs"][0]["rules"]["title"]["direction"] == "off"


def test_what_people_write_without_quotes_means_what_it_says() -> None:
    told = read(
        "version: 1\nconnections: {planner: {pairs: [{project: ON, place: 007, rules: {title: {direction: off}},\n"
        "  enabled: false, filters: {labels: [no, 1.0], dated_from: 2026-11-23}, timing: {closes: 17:30, minutes: 45}}]}}"
    )
    (pair,) = told.file.connections["planner"].pairs
    assert (pair.project, pair.place, pair.enabled) == ("ON", "007", False)
    assert pair.filters.labels == ("no", "1.0") and str(pair.filters.dated_from) == "2026-11-23"
    assert str(pair.timing.closes) == "17:30:00" and pair.rules["title"].direction == "off"


@pytest.mark.parametrize(("pair", "said"), [
    (", titel: x", "connections.planner.pairs[0].titel: there is no such setting; known: "),
    (", zones: UTC", "connections.planner.pairs[0].zones: there is no such setting; did you mean zone? known: "),
    (", rules: {titel: {direction: out}}", "connections.planner.pairs[0].rules.titel: there is no such field; did you mean title?"
                                           " known: title, start, end, notes, state, people"),
    (", rules: {title: {direction: out, winer: plane}}", "connections.planner.pairs[0].rules.title.winer: there is no such"
                                                         " setting; did you mean winner? known: direction, winner"),
    (", filters: {state: []}", "connections.planner.pairs[0].filters.state: there is no such setting; did you mean states?"),
    (", timing: {open: 09:00}", "connections.planner.pairs[0].timing.open: there is no such setting; did you mean opens?"),
    (", zone: Europe/Stokholm", "connections.planner.pairs[0].zone: there is no time zone Europe/Stokholm; did you mean"
                                " Europe/Stockholm?"),
    (", zone: 7", "connections.planner.pairs[0].zone: there is no time zone 7; write one like Europe/Stockholm"),
    (", enabled: maybe", "connections.planner.pairs[0].enabled: write true or false"),
    (", rules: [title]", "connections.planner.pairs[0].rules: names with values are expected here"),
    (", rules: {title: {}}", "connections.planner.pairs[0].rules.title.direction: this is missing"),
    (", rules: {title: {direction: up}}", "connections.planner.pairs[0].rules.title.direction: Input should be 'off', 'out',"),
    (", filters: {states: started}", "connections.planner.pairs[0].filters.states: a list is expected here"),
    (", filters: ", "connections.planner.pairs[0].filters: there is no value; write one, or take the line out"),
    (", timing: {minutes: 1}", "connections.planner.pairs[0].timing.minutes: Input should be greater than or equal to 5"),
    (", timing: {opens: 9}", "connections.planner.pairs[0].timing.opens: write a time like 09:00"),
    (", timing: {opens: 18:00}", "connections.planner.pairs[0].timing: closes must be later than opens"),
    (", people: {ada: x}", "connections.planner.pairs[0].people: give two e-mail addresses for each person"),
    (", project_id: 7", "connections.planner.pairs[0].project_id: Input should be a valid UUID"),
    (", place: Other", "connections.planner.pairs[0].place: given twice; it stands on line 4 already"),
])  # fmt: skip
def test_each_fault_is_told_with_its_line_and_path(pair: str, said: str) -> None:
    (told,) = wrong(pair)
    assert told.startswith(f"line 4: {said}")


@pytest.mark.parametrize(("text", "said"), [
    ("version: 2", "line 1: version: this file is of another version; the app knows version 1"),
    ("workspace: air", "line 1: version: this is missing"),
    ("version: 1\nrules: []", "line 2: rules: there is no such setting; known: version, workspace, connections"),
    ("version: 1\nconnections: {plannr: {}}", "line 2: connections.plannr: there is no such provider; did you mean planner?"
                                              " known: planner, planhat"),
    ("version: 1\nconnections: {planner: {pair: []}}", "line 2: connections.planner.pair: there is no such setting; did you mean"
                                                       " pairs? known: pairs"),
    ("version: 1\nconnections: {planner: {pairs: [{project: X}]}}", "line 2: connections.planner.pairs[0]: name the place of"
                                                                    " this pair"),
    ("version: 1\nconnections: {planhat: {pairs: [{project: X, place: I, rules: {title: {direction: in}}}]}}",
     "line 2: connections.planhat.pairs[0].rules.title: this field cannot go in; it can be off or out"),
    ("- version", "line 1: names with values are expected here"),
    ("~", "line 1: there is no value; write one, or take the line out"),
])  # fmt: skip
def test_a_file_of_another_shape_is_refused_in_words(text: str, said: str) -> None:
    assert faults(text) == [said]


def test_all_faults_are_told_together_and_in_the_files_order() -> None:
    told = wrong(", titel: x, enabled: maybe, rules: {titel: {direction: up}}", "rules: 1\nrules: 2\n")
    assert [line.partition(": ")[0] for line in told] == ["line 4"] * 4 + ["line 5", "line 6"]


def test_a_pair_without_a_name_is_told_beside_what_else_is_wrong() -> None:
    assert len(faults("version: 1\nconnections: {planner: {pairs: [{filters: ~, zone: Mars}]}}")) == 4


@pytest.mark.parametrize("text", [
    "connections: 3", "connections: [1]", "connections: {planner: 3}", "connections: {planner: []}",
    "connections: {planner: {pairs: 3}}", "connections: {planner: {pairs: [3, ~, []]}}",
    "connections: {planner: {pairs: [{rules: 3}, {rules: [1]}, {rules: {title: 3}}]}}",
])  # fmt: skip
def test_whatever_shape_it_has_the_fault_is_told(text: str) -> None:
    assert all(told.startswith("line 2: connections") for told in faults(f"version: 1\n{text}"))


def test_a_file_full_of_faults_is_refused_with_enough_of_them() -> None:
    text = "version: 1\nconnections: {planner: {pairs: [" + "{prject: X, rules: {y: 1}},\n" * 5000 + "]}}"
    assert 200 <= len(faults(text)) <= 1000


DOCS = (Path(__file__).parents[2] / "docs" / "settings-file.md").read_text()


def test_the_docs_explain_every_setting() -> None:
    parts = (SettingsFile, ConnectionEntry, PairEntry, FieldRule, Filters, Timing)
    assert not [name for part in parts for name in part.model_fields if f"`{name}`" not in DOCS]


def test_the_example_of_the_docs_is_read_and_written_as_it_stands() -> None:
    example, _ = re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL)  # the other one is of a room above
    assert written(read(example).file).endswith(f"\n{example}")


class Greetings:
    """A part of a room above: a word for each connection."""

    name = "greeting"

    def faults(self, data: Any) -> list[tuple[tuple[str | int, ...], str]]:
        """Only a short word will do."""
        return [] if isinstance(data, str) and len(data) < 9 else [((), "write a short word")]

    def exported(self, connection: Any) -> str:
        """The word."""
        return "hello"


def test_a_part_of_a_room_above_is_handed_over_as_it_stands() -> None:
    text = "version: 1\nconnections:\n  planner: {pairs: [], greeting: 'off'}\n"
    given = read(text, [Greetings()])
    assert given.sections == {"planner": {"greeting": "off"}}
    assert "greeting: hello" in written(given.file, {"planner": {"greeting": "hello"}})


def test_what_such_a_part_finds_wrong_is_told_with_everything_else() -> None:
    text = "version: 2\nconnections:\n  planner:\n    greeting: good morning\n    gretting: x\n"
    with pytest.raises(Unreadable) as end:
        read(text, [Greetings()])
    told = [str(fault) for fault in end.value.faults]
    assert told[1:] == [
        "line 4: connections.planner.greeting: write a short word",
        "line 5: connections.planner.gretting: there is no such setting; did you mean greeting? known: pairs, greeting",
    ]
    assert len(told) == 3


def test_without_the_room_its_part_is_refused_by_name() -> None:
    told = faults("version: 1\nconnections:\n  planner: {greeting: hello}\n")
    assert told == ["line 3: connections.planner.greeting: there is no such setting; known: pairs"]
