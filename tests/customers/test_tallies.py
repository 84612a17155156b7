from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from planeapp.customers import tallies
from planeapp.customers.models import Company, Errand
from planeapp.lib.errors import FixSettings, OutOfQuota, RetryLater
from planeapp.providers.base import Tally
from planeapp.sync import engine
from planeapp.sync.models import ItemLink, TimelineEntry
from tests.customers.ledger import Desk, Killed, desk, killed
from tests.factories import ItemLinkFactory
from tests.sync.conftest import Bench, bench, http, sandbox, world

__all__ = ["bench", "desk", "http", "sandbox", "world"]
DAY = "2026-01-0"


def work(desk: Desk) -> list[dict[str, Tally]]:
    """One turn; gives the figures that it wrote, a dict for each call."""
    before = len(desk.ledger.written)
    tallies.work(desk.connection, "")
    return desk.ledger.written[before:]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([], {}),
        ([{}], {"a": Tally(1, 0, date(2026, 1, 5))}),
        ([{"state": "backlog"}, {"state": "unstarted"}], {"a": Tally(2, 0, date(2026, 1, 5))}),
        ([{"priority": "urgent"}, {"priority": "high"}], {"a": Tally(2, 1, date(2026, 1, 5))}),
        ([{"created": f"{DAY}7"}, {"created": f"{DAY}2"}], {"a": Tally(2, 0, date(2026, 1, 2))}),
        ([{"created": None}, {"created": f"{DAY}7"}], {"a": Tally(2, 0, date(2026, 1, 7))}),
        ([{"state": "completed", "priority": "urgent"}, {"state": "cancelled"}], {"a": Tally()}),
        ([{"parties": ["a", "b"]}], {"a": Tally(1, 0, date(2026, 1, 5)), "b": Tally(1, 0, date(2026, 1, 5))}),
        ([{"parties": []}, {"parties": None}], {}),
    ],
)
def test_work_is_counted_for_each_company_that_waits_for_it(
    desk: Desk, items: list[dict[str, Any]], expected: dict[str, Tally]
) -> None:
    for item in items:
        desk.item("a", **item)
    assert tallies.figures(desk.connection) == expected


def test_only_what_is_in_step_counts_and_an_item_with_two_rows_once(desk: Desk) -> None:
    first = desk.item("a", priority="urgent")
    ItemLinkFactory(pair=desk.pair, item_id=first.item_id, ours=first.ours)
    gone = desk.item("a")
    ItemLink.objects.filter(pk=gone.pk).update(state=ItemLink.State.UNLINKED)
    ItemLinkFactory(ours=first.ours)  # another workspace's
    assert tallies.figures(desk.connection) == {"a": Tally(1, 1, date(2026, 1, 5))}


def test_figures_take_one_query_however_many_items_there_are(desk: Desk) -> None:
    for number in range(30):
        desk.item(f"c{number}")
    with CaptureQueriesContext(database) as queries:
        assert len(tallies.figures(desk.connection)) == 30
    assert len([query for query in queries if "itemlink" in query["sql"]]) == 1


def test_what_changed_is_written_in_one_call_and_nothing_is_written_twice(desk: Desk) -> None:
    desk.choose(tallies=True)
    for ident in ("a", "b", "idle"):
        desk.company(ident)
    link = desk.item("a", priority="urgent")
    desk.item("b")
    assert work(desk) == [{"a": Tally(1, 1, date(2026, 1, 5)), "b": Tally(1, 0, date(2026, 1, 5))}]
    assert work(desk) == []
    desk.now(link, state="completed")
    assert work(desk) == [{"a": Tally()}]
    assert work(desk) == [] and Company.objects.get(remote_id="idle").counts == {}


def test_nothing_is_written_unless_it_was_chosen_or_for_companies_that_are_gone(desk: Desk) -> None:
    desk.company("a")
    desk.company("gone", gone_at=timezone.now())
    desk.item("a", "gone", "never heard of")
    assert work(desk) == []
    desk.choose(tallies=True)
    assert [set(told) for told in work(desk)] == [{"a"}]


def test_a_turn_that_is_killed_after_the_write_leaves_the_same_figures(desk: Desk) -> None:
    desk.choose(tallies=True)
    desk.company("a")
    desk.item("a")
    desk.ledger.fail_after("write_tallies", Killed())
    killed(lambda: tallies.work(desk.connection, ""))
    assert work(desk) == [desk.ledger.written[0]] and work(desk) == []


def test_a_company_that_is_refused_says_why_and_the_others_are_written(desk: Desk) -> None:
    desk.choose(tallies=True)
    desk.company("a")
    desk.company("b")
    desk.ledger.refuses["a"] = FixSettings("400", person="The field is locked.")
    link = desk.item("a", "b")
    assert work(desk) == [{"b": Tally(1, 0, date(2026, 1, 5))}]
    (line,) = TimelineEntry.objects.filter(data__company="a")
    assert (line.installation, line.connection) == (desk.connection.installation, desk.connection)
    assert "The field is locked." in line.text
    assert work(desk) == [], "the same figures are not tried again at once"
    desk.now(link, priority="urgent")
    assert [set(told) for told in work(desk)] == [{"b"}] and TimelineEntry.objects.count() == 1


def test_refused_figures_are_tried_again_after_a_day_and_the_reason_goes_with_them(desk: Desk) -> None:
    desk.choose(tallies=True)
    desk.company("a")
    desk.item("a")
    desk.ledger.refuses["a"] = FixSettings("400", person="Locked.")
    work(desk)
    del desk.ledger.refuses["a"]
    with time_machine.travel(timezone.now() + timedelta(days=1, minutes=1)):
        assert [set(told) for told in work(desk)] == [{"a"}]
    assert not TimelineEntry.objects.exists()


def test_a_person_has_refused_figures_tried_again_at_once(desk: Desk) -> None:
    desk.choose(tallies=True)
    company = desk.company("a")
    desk.item("a")
    desk.ledger.refuses["a"] = FixSettings("400", person="Locked.")
    work(desk)
    company.refresh_from_db()
    tallies.retry(company)
    assert Errand.objects.get().kind == "tallies" and not TimelineEntry.objects.exists()
    assert work(desk) == [{}] and "Locked." in TimelineEntry.objects.get().text


@pytest.mark.parametrize("error", [RetryLater("503"), OutOfQuota("429")])
def test_what_passes_by_itself_is_tried_with_the_next_turn_and_nobody_is_told(desk: Desk, error: RetryLater) -> None:
    desk.choose(tallies=True)
    desk.company("a")
    desk.item("a")
    desk.ledger.refuses["a"] = error
    work(desk)
    assert not TimelineEntry.objects.exists()
    del desk.ledger.refuses["a"]
    assert [set(told) for told in work(desk)] == [{"a"}]


def test_many_companies_take_few_queries_and_one_call(desk: Desk) -> None:
    desk.choose(tallies=True)
    rows = [
        Company(connection=desk.connection, remote_id=f"c{n}", name="x", folded="x", fingerprint="f")
        for n in range(120)
    ]
    Company.objects.bulk_create(rows)
    ours = [{"state": "started", "priority": "none", "parties": [f"c{n % 100}"]} for n in range(200)]
    ItemLink.objects.bulk_create(
        ItemLink(pair=desk.pair, item_id=f"00000000-0000-0000-0000-{n:012d}", remote_id=f"r{n}", ours=one)
        for n, one in enumerate(ours)
    )
    with CaptureQueriesContext(database) as queries:
        (written,) = work(desk)
    assert len(written) == 100 and {tally.open for tally in written.values()} == {2}
    assert len(queries) < 20


def test_a_link_from_before_that_knows_no_day_of_creation_causes_no_write(bench: Bench) -> None:
    engine.run_pair(bench.pair)
    (link,) = bench.links()
    assert link.ours["created"] and link.ours["reporter"]
    ItemLink.objects.update(
        ours={name: told for name, told in link.ours.items() if name not in ("created", "reporter")}
    )
    bench.world.calls.clear()
    engine.run_pair(bench.pair)
    assert bench.world.writes() == []
