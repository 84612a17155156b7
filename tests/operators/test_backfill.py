from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from planeapp.installations.models import AuditEntry, Connection
from planeapp.lib.errors import FixSettings, OutOfQuota
from planeapp.sync.models import ItemLink, Job, ProjectPair
from tests.factories import ConnectionFactory, InstallationFactory, JobFactory
from tests.operators.running import refused, run
from tests.sync.conftest import Bench
from tests.vendors import Team

ITEMS = "CUST ↔ Main shelf"


def test_everything_is_brought_over_with_progress(bench: Bench) -> None:
    ran = run("backfill", "sandbox")
    job = Job.objects.get()
    *_, last = ran.out.splitlines()
    assert (ran.code, last) == (0, f"{ITEMS}: {job.total} of {job.total} work items looked at")
    assert ran.out.startswith(f"{ITEMS}: 0 work items looked at\n")
    assert (job.state, job.asked_by, len(bench.rows())) == ("done", "command line", 1)
    assert AuditEntry.objects.get(action="began_backfill").detail["by"] == "command line"


def test_a_vendor_over_http_gets_all_of_it_once(team: Team) -> None:
    team.pair(team.connect("planner"))
    assert run("backfill", "sandbox", "planner").code == 0
    made = len(team.blocks())
    assert made == ItemLink.objects.count() > 0
    again = run("backfill", "sandbox", "planner", "--json").json["pairs"]
    assert (again[0]["state"], again[0]["counts"], len(team.blocks())) == ("done", {}, made)


def test_machines_get_one_document(bench: Bench) -> None:
    (pair,) = run("backfill", "sandbox", "--json").json["pairs"]
    assert pair == {
        "pair": ITEMS, "provider": "memory", "state": "done", "done": pair["total"], "total": pair["total"], "failed": 0,
        "counts": {"create vendor": 1}, "detail": "",
    }  # fmt: skip


def test_a_backfill_that_is_under_way_is_joined(bench: Bench) -> None:
    job = JobFactory(pair=bench.pair, since=None)
    ran = run("backfill", "sandbox", "--since", "2026-11-20")
    told = f"{ITEMS}: a backfill is under way already, this goes on with it (it takes everything)"
    assert (ran.code, ran.out.splitlines()[0]) == (0, told)
    job.refresh_from_db()
    assert (job.state, Job.objects.count(), AuditEntry.objects.count()) == ("done", 1, 0)


def test_a_day_is_understood_in_the_zone_of_the_workspace(bench: Bench) -> None:
    bench.pair.connection.installation.zone = "Europe/Stockholm"
    bench.pair.connection.installation.save()
    assert run("backfill", "sandbox", "--since", "2026-11-20").code == 0
    assert Job.objects.get().since == datetime(2026, 11, 20, tzinfo=ZoneInfo("Europe/Stockholm"))
    assert "--since: 'soon' is not ISO 8601" in refused(run("backfill", "sandbox", "--since", "soon"))


def test_it_waits_for_quota_and_says_until_when(bench: Bench) -> None:
    bench.world.fail("create", OutOfQuota("429", delay=0.3))
    ran = run("backfill", "sandbox")
    assert (ran.code, len(bench.rows())) == (0, 1)
    assert "; waiting for quota until " in ran.out and OutOfQuota.default_person in ran.out


def test_what_another_worker_does_is_watched(bench: Bench) -> None:
    taken = timezone.now() - timedelta(seconds=119.7)  # that worker is dead, which shows in a moment
    JobFactory(pair=bench.pair, claimed_at=taken)
    assert run("backfill", "sandbox").code == 0
    assert Job.objects.get().state == "done"


def test_items_that_failed_are_counted_and_end_it_with_1(bench: Bench) -> None:
    bench.world.fail("create", FixSettings("422", person="The title is too long."))
    ran = run("backfill", "sandbox")
    assert (ran.code, ran.err) == (1, f"{ITEMS}: 1 work item failed; the page Activity says why.")
    assert ", 1 failed" in ran.out.splitlines()[-1]


def test_a_backfill_that_failed_says_why_in_one_line(bench: Bench) -> None:
    bench.world.fail("list", FixSettings("403", person="The token may not read."))
    ran = run("backfill", "sandbox")
    assert (ran.code, ran.err) == (1, f"{ITEMS}: failed. The token may not read.")
    assert Job.objects.get().state == "failed"


def test_a_connection_that_is_to_be_mended_is_said_and_the_job_stays(bench: Bench) -> None:
    Connection.objects.update(status="reconnect")
    ran = run("backfill", "sandbox")
    assert (ran.code, Job.objects.get().state) == (1, "waiting")
    assert ran.err == f"{ITEMS}: the connection has to be mended first; then workers go on with it."


def test_somebody_ends_it_meanwhile(bench: Bench) -> None:
    def end(values: object) -> str:
        Job.objects.update(state="ended")
        return ""

    bench.world.hold = end
    ran = run("backfill", "sandbox")
    assert (ran.code, ran.err, bench.rows()) == (1, f"{ITEMS}: ended by a person.", [])


def test_ctrl_c_leaves_it_to_the_workers(bench: Bench) -> None:
    def interrupt(values: object) -> str:
        raise KeyboardInterrupt

    bench.world.hold = interrupt
    ran = run("backfill", "sandbox")
    assert (ran.code, "Workers go on with it within two minutes" in ran.err) == (130, True)
    assert Job.objects.get().state == "waiting"


def test_a_pair_that_is_switched_off_is_left_alone(bench: Bench) -> None:
    ProjectPair.objects.update(enabled=False)
    ran = run("backfill", "sandbox")
    assert (ran.code, ran.out.strip(), Job.objects.count()) == (0, "There is no pair to bring over.", 0)


@pytest.mark.django_db
def test_an_unknown_workspace_or_connection_is_refused() -> None:
    assert refused(run("backfill", "nowhere")).startswith("No workspace 'nowhere' has the app installed.")
    ConnectionFactory(installation=InstallationFactory(slug="air"))
    assert refused(run("backfill", "air", "planhat")).startswith("air is not connected to planhat.")
