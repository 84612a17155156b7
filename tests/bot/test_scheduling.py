from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.utils import timezone

from planeapp.bot.times import Span, span_of
from planeapp.sync.models import ItemLink
from tests.factories import ItemLinkFactory
from tests.vendors import Talk

ZONE = "Europe/Stockholm"
DAY = date(2026, 11, 23)


def told(**args: Any) -> str:
    """The span in words."""
    return span_of(args, ZONE).told()


# Spans


@pytest.mark.parametrize(("args", "words"), [
    ({"start": "2026-11-23"}, "Mon 23 Nov 2026 (whole day)"),
    ({"start": "2026-11-23", "end": "2026-11-25"}, "Mon 23 Nov 2026 to Wed 25 Nov 2026 (whole days)"),
    ({"start": "2026-11-23", "minutes": 3 * 1440}, "Mon 23 Nov 2026 to Wed 25 Nov 2026 (whole days)"),
    ({"start": "2026-11-23T10:00:00+01:00"}, "Mon 23 Nov 2026 10:00 to 11:00 (Europe/Stockholm)"),
    ({"start": "2026-11-23T10:00:00+01:00", "minutes": 150}, "Mon 23 Nov 2026 10:00 to 12:30 (Europe/Stockholm)"),
    ({"start": "2026-11-23T09:00:00+00:00", "minutes": 30}, "Mon 23 Nov 2026 10:00 to 10:30 (Europe/Stockholm)"),
    (
        {"start": "2026-11-23T22:00:00+01:00", "end": "2026-11-24T02:00:00+01:00"},
        "Mon 23 Nov 2026 22:00 to Tue 24 Nov 2026 02:00 (Europe/Stockholm)",
    ),
])  # fmt: skip
def test_a_span_is_told_in_full(args: dict[str, Any], words: str) -> None:
    assert told(**args) == words


def test_a_block_that_ends_at_midnight_stays_on_its_day() -> None:
    span = span_of({"start": "2026-11-23T22:00:00+01:00", "minutes": 120}, ZONE)
    assert (span.start, span.end) == (DAY, DAY)


def test_a_block_over_midnight_takes_two_days() -> None:
    span = span_of({"start": "2026-11-23T22:00:00+01:00", "minutes": 180}, ZONE)
    assert (span.start, span.end) == (DAY, DAY + timedelta(days=1))


@pytest.mark.parametrize("start", ["2027-03-28T01:00:00+01:00", "2027-10-31T01:00:00+02:00"])
def test_two_hours_are_two_hours_also_in_the_night_when_the_clocks_change(start: str) -> None:
    span = span_of({"start": start, "minutes": 120}, ZONE)
    assert span.starts_at is not None and span.ends_at is not None
    assert span.ends_at.astimezone(UTC) - span.starts_at.astimezone(UTC) == timedelta(hours=2)


def test_a_whole_day_has_no_times() -> None:
    assert span_of({"start": "2026-11-23"}, ZONE) == Span(DAY, DAY)


# Talk


@pytest.fixture
def paired(talk: Talk) -> Talk:
    """A talk about an item of a project that is paired with Planner."""
    talk.team.pair(talk.team.connect("planner"), ZONE)
    return talk


def tomorrow() -> date:
    """In the project's zone."""
    return (timezone.now().astimezone(ZoneInfo(ZONE)) + timedelta(days=1)).date()


def test_scheduling_puts_the_block_in_planner_and_the_dates_on_the_item(paired: Talk) -> None:
    day = date(2027, 1, 20)
    answer = paired.ask("schedule 20 Jan 2027 10:00 for 2h")
    assert answer.startswith(f"Scheduled in Planner: {day:%a %d %b %Y} 10:00 to 12:00 (Europe/Stockholm).")
    item, blocks = paired.team.item(), paired.team.blocks()
    assert (item["start_date"], item["target_date"]) == (day.isoformat(), day.isoformat())
    assert [(block["start"], block["end"]) for block in blocks] == [(f"{day}T10:00:00+01:00", f"{day}T12:00:00+01:00")]


def test_scheduling_twice_keeps_one_block(paired: Talk) -> None:
    paired.ask("schedule tomorrow 10:00 for 2h")
    paired.ask("schedule tomorrow 10:00 for 2h")
    assert (len(paired.team.blocks()), ItemLink.objects.count()) == (1, 1)


def test_whole_days_are_told_as_whole_days(paired: Talk) -> None:
    answer = paired.ask("block 3 days from tomorrow")
    last = tomorrow() + timedelta(days=2)
    assert f"{tomorrow():%a %d %b %Y} to {last:%a %d %b %Y} (whole days)." in answer
    assert paired.team.item()["target_date"] == last.isoformat()


def test_an_item_that_was_unlinked_is_linked_again_when_somebody_asks_for_it(paired: Talk) -> None:
    pair = paired.installation.connections.get().pairs.get()
    ItemLinkFactory(pair=pair, item_id=paired.team.item()["id"], remote_id="", state=ItemLink.State.UNLINKED)
    assert paired.ask("schedule tomorrow 10:00").startswith("Scheduled in Planner")
    assert [link.state for link in ItemLink.objects.all()] == [ItemLink.State.LINKED]


def test_without_planner_the_person_learns_who_can_connect_it(talk: Talk) -> None:
    assert (
        talk.ask("schedule tomorrow 10:00")
        == "Planner is not connected yet. An admin can connect it on our settings page."
    )
    assert talk.said()[-1]["type"] == "elicitation"
    assert talk.team.vendors.plane.asked("PATCH") == []


def test_a_project_that_is_not_paired_is_said_to_be_so(talk: Talk) -> None:
    talk.team.connect("planner")
    answer = talk.ask("schedule tomorrow 10:00")
    assert answer == "This project is not paired with one in Planner yet. An admin can do that in the settings."
    assert talk.team.vendors.plane.asked("PATCH") == []


def test_a_pair_that_is_switched_off_counts_as_none(paired: Talk) -> None:
    paired.installation.connections.get().pairs.update(enabled=False)
    assert paired.ask("schedule tomorrow 10:00").startswith("This project is not paired")


def test_a_planner_that_is_down_gets_the_block_later_and_once(paired: Talk) -> None:
    paired.team.vendors.planner.fault(".*", status=503, times=60)
    assert paired.ask("schedule tomorrow 10:00 for 2h") == ""
    paired.team.vendors.planner.control.faults.clear()
    paired.work()
    assert paired.answers()[0].startswith("Scheduled in Planner")
    assert len(paired.team.blocks()) == 1


def test_a_token_that_planner_refuses_is_said_to_be_refused(paired: Talk) -> None:
    paired.team.vendors.planner.store.delete("tokens", "plr_pat_pat_sandbox.secret")
    answer = paired.ask("schedule tomorrow 10:00 for 2h")
    assert "An admin has to connect it again" in answer
    assert paired.said()[-1]["type"] == "error"


def test_a_time_that_has_passed_is_asked_about_and_changes_nothing(paired: Talk) -> None:
    with time_machine.travel(datetime(2026, 11, 25, 12, tzinfo=UTC), tick=False):
        assert "has passed" in paired.ask("schedule 24 Nov 2026 10:00 for 1h")
    assert paired.team.vendors.plane.asked("PATCH") == []
