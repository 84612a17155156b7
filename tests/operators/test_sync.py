from __future__ import annotations

import pytest

from planeapp.lib.errors import FixSettings
from planeapp.sync.models import ItemLink, SyncRun, TimelineEntry
from tests.factories import ConnectionFactory, InstallationFactory, ItemLinkFactory
from tests.operators.running import refused, run
from tests.sync.conftest import Bench
from tests.vendors import Team


@pytest.fixture
def paired(team: Team) -> Team:
    """Project CUST paired with Planner; four of its items have dates, and one that is done."""
    team.pair(team.connect("planner"))
    team.vendors.planner.control.requests.clear()
    return team


def dated(team: Team) -> int:
    """How many of CUST's items have a date."""
    rows = team.vendors.rows.live("work_item", project=team.project()["id"])
    return sum(bool(row["start_date"] or row["target_date"]) for row in rows)


def test_a_run_brings_the_pairs_in_step_and_prints_its_counts(paired: Team) -> None:
    ran = run("sync", "sandbox")
    assert (ran.code, ran.out.strip()) == (0, f"CUST ↔ Ramp operations: {dated(paired)} create vendor")
    assert len(paired.blocks()) == ItemLink.objects.count() == dated(paired)
    assert SyncRun.objects.get().state == "done"


def test_a_second_run_finds_nothing_to_do(paired: Team) -> None:
    run("sync", "sandbox")
    assert run("sync", "sandbox", "planner", "--json").json["pairs"][0]["counts"] == {}
    assert len(paired.blocks()) == dated(paired)


def test_a_dry_run_prints_the_plan_and_writes_nothing_anywhere(paired: Team) -> None:
    before = [dict(row) for row in paired.vendors.planner.store.all("blocks")]
    items = [dict(row) for row in paired.vendors.rows.live("work_item")]
    assert run("sync", "sandbox", "--dry-run").code == 0
    assert [dict(row) for row in paired.vendors.planner.store.all("blocks")] == before
    assert [dict(row) for row in paired.vendors.rows.live("work_item")] == items
    assert (ItemLink.objects.count(), SyncRun.objects.count(), TimelineEntry.objects.count()) == (0, 0, 0)


def test_a_dry_run_for_machines_lists_changes_and_what_is_held(paired: Team) -> None:
    found = run("sync", "sandbox", "--dry-run", "--json").json
    (pair,) = found["pairs"]
    assert (found["dry_run"], pair["provider"]) == (True, "planner")
    assert [set(change) for change in pair["changes"]] == dated(paired) * [
        {"kind", "side", "item", "remote", "values", "before", "why"}
    ]
    assert [held["code"] for held in pair["held"]] == ["no_dates"]
    assert pair["counts"] == {"create vendor": dated(paired), "held": 1}


def test_what_the_dry_run_shows_is_what_the_run_does(paired: Team) -> None:
    shown = run("sync", "sandbox", "--dry-run", "--json").json["pairs"][0]["counts"]
    assert shown.pop("held") == 1  # what is held back is shown, and nothing is done with it
    assert run("sync", "sandbox", "--json").json["pairs"][0]["counts"] == shown


@pytest.mark.django_db
def test_an_unknown_workspace_is_refused() -> None:
    assert refused(run("sync", "nowhere")).startswith("No workspace 'nowhere' has the app installed.")


@pytest.mark.django_db
@pytest.mark.parametrize(("arguments", "what"), [([], "any provider"), (["planhat"], "planhat")])
def test_a_workspace_without_the_connection_is_refused(arguments: list[str], what: str) -> None:
    InstallationFactory(slug="air")
    assert refused(run("sync", "air", *arguments)).startswith(f"air is not connected to {what}.")


@pytest.mark.django_db
def test_a_workspace_without_pairs_has_nothing_to_do() -> None:
    ConnectionFactory(installation__slug="air")
    assert run("sync", "air", "--json").json == {"dry_run": False, "pairs": []}


def test_a_vendor_that_is_down_ends_with_one_line(paired: Team) -> None:
    paired.vendors.planner.fault(".*", status=503, times=50)
    assert "We try again on our own." in refused(run("sync", "sandbox"))
    assert SyncRun.objects.get().state == "failed"


def test_a_pair_that_is_switched_off_is_left_alone(paired: Team) -> None:
    paired.installation.connections.get().pairs.update(enabled=False)
    assert run("sync", "sandbox", "--json").json["pairs"] == []
    assert paired.blocks() == []


def test_a_run_that_the_guard_stops_is_refused_with_the_way_on(paired: Team) -> None:
    run("sync", "sandbox")
    for link in ItemLink.objects.all():
        paired.vendors.planner.store.delete("blocks", link.remote_id)
    for number in range(12):
        ItemLinkFactory(pair=ItemLink.objects.first().pair, remote_id=f"blk-gone-{number}")
    ran = run("sync", "sandbox")
    assert (ran.code, "far more than usual. Nothing was written." in ran.out) == (1, True)
    assert ran.err.startswith("Stopped before the first write: CUST ↔ Ramp operations.") and "--force" in ran.err
    assert run("sync", "sandbox", "--force").code == 0
    assert not ItemLink.objects.filter(state="linked").exists()


def test_items_that_failed_are_counted_and_end_the_run_with_1(bench: Bench) -> None:
    bench.world.fail("create", FixSettings("422", person="The title is too long."))
    ran = run("sync", "sandbox")
    assert (ran.code, ran.out.strip()) == (1, "CUST ↔ Main shelf: 1 failed")
    assert ran.err == "1 work item of CUST ↔ Main shelf failed; the page Activity says why."
    assert run("sync", "sandbox").code == 0
