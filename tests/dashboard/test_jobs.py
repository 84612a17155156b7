from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from selectolax.lexbor import LexborHTMLParser

from planeapp.installations.models import AuditEntry, Connection, Installation
from planeapp.lib.errors import OutOfQuota
from planeapp.sync import jobs
from planeapp.sync.models import Job, ProjectPair
from tests.factories import InstallationFactory, JobFactory, MembershipFactory, ProjectPairFactory, SyncRunFactory
from tests.sync.conftest import Bench
from tests.vendors import Team

pytestmark = pytest.mark.django_db
PAGE = "/w/air/jobs/"


@pytest.fixture
def pair() -> ProjectPair:
    """A pair of workspace ``air``."""
    installation = InstallationFactory(slug="air", zone="Europe/Stockholm")
    made: ProjectPair = ProjectPairFactory(connection__installation=installation, zone="America/New_York")
    return made


@pytest.fixture
def ada(client: Client, pair: ProjectPair) -> Client:
    """An admin's browser."""
    membership = MembershipFactory(installation=pair.connection.installation, user__display_name="Ada")
    client.force_login(membership.user)
    return client


def begin_at(pair: ProjectPair) -> str:
    """The address of the form that begins a backfill."""
    return f"/w/air/pairs/{pair.connection.provider}/{pair.pk}/backfill/"


def live(browser: Client, page: str = PAGE) -> Any:
    """The part of a page that refreshes itself."""
    return LexborHTMLParser(browser.get(page).content.decode()).css_first("#long-work")


def said(browser: Client, page: str = PAGE) -> str:
    """What that part says."""
    return " ".join(live(browser, page).text(separator=" ").split())


# Beginning


def test_everything_is_brought_over_once_however_often_it_is_clicked(ada: Client, pair: ProjectPair) -> None:
    first, second = (ada.post(begin_at(pair), follow=True).content.decode() for _ in range(2))
    assert "Customer work is being brought over now." in first
    assert "Customer work is being brought over already." in second
    assert (Job.objects.get().pair, Job.objects.get().since, Job.objects.get().asked_by) == (pair, None, "Ada")
    assert AuditEntry.objects.get(action="began_backfill").detail["project"] == "CUST"


def test_a_day_means_its_beginning_in_the_pairs_zone(ada: Client, pair: ProjectPair) -> None:
    ada.post(begin_at(pair), {"since": "2026-01-31"})
    assert Job.objects.get().since == datetime(2026, 1, 31, tzinfo=ZoneInfo("America/New_York"))


@pytest.mark.parametrize("wrong", ["soon", "2026-02-31", "2999-01-01"])
def test_a_day_that_is_none_or_still_to_come_is_refused(ada: Client, pair: ProjectPair, wrong: str) -> None:
    answer = ada.post(begin_at(pair), {"since": wrong})
    assert (answer.status_code, Job.objects.count()) == (422, 0)
    assert answer.context["form"].errors["since"]


def test_the_form_says_what_happens_and_that_it_is_under_way_already(ada: Client, pair: ProjectPair) -> None:
    assert "gets one in Planner" in ada.get(begin_at(pair)).content.decode()
    JobFactory(pair=pair)
    page = ada.get(begin_at(pair)).content.decode()
    assert "It is under way already." in page and 'name="since"' not in page


def test_the_pairs_page_leads_to_the_form_and_shows_what_is_under_way(team: Team, client: Client) -> None:
    pair = team.pair(team.connect("planner"))
    client.force_login(team.members["ada"].user)
    page = client.get(f"{team.base}pairs/planner/").content.decode()
    assert f"{team.base}pairs/planner/{pair.pk}/backfill/" in page and "long-work" not in page
    JobFactory(pair=pair, total=10, done=4)
    part = live(client, f"{team.base}pairs/planner/")
    assert part.attributes["hx-get"] == f"{team.base}jobs/?provider=planner"
    assert "4 of 10 work items looked at" in part.text()


# Following


def test_progress_says_how_far_it_is_and_how_long_the_rest_takes(ada: Client, pair: ProjectPair) -> None:
    result = SyncRunFactory(pair=pair, kind="backfill", counts={"create vendor": 100})
    job = JobFactory(pair=pair, result=result, total=5_900, done=100, failed=2, asked_by="Ada")
    part = live(ada)
    bar = part.css_first("progress")
    assert (bar.attributes["value"], bar.attributes["max"]) == ("100", "5900")
    assert part.css_first(f"#{bar.attributes['aria-labelledby']}") is not None
    for words in ("100 of 5900 work items looked at", "2 failed", "about 2 hours left at what the limits on calls allow",
                  "by Ada", f"/w/air/runs/{job.result_id}/"):  # fmt: skip
        assert words in " ".join((part.text(), part.html)), words


def test_progress_without_a_total_has_a_bar_without_a_value(ada: Client, pair: ProjectPair) -> None:
    JobFactory(pair=pair)
    bar = live(ada).css_first("progress")
    assert "value" not in bar.attributes and "left" not in said(ada)


def test_the_part_refreshes_itself_only_while_something_is_under_way(ada: Client, pair: ProjectPair) -> None:
    job = JobFactory(pair=pair)
    assert live(ada).attributes["hx-get"] == PAGE
    Job.objects.update(state="done", finished_at=timezone.now())
    assert "hx-get" not in live(ada).attributes and "Done" in said(ada)
    Job.objects.filter(pk=job.pk).update(finished_at=timezone.now() - timedelta(days=2))
    assert said(ada) == "" and "Nothing is under way" in ada.get(PAGE).content.decode()


@pytest.mark.parametrize("paused", [True, False])
def test_progress_says_until_when_it_waits(ada: Client, pair: ProjectPair, paused: bool) -> None:
    with time_machine.travel(datetime(2026, 11, 20, 12, 50, tzinfo=ZoneInfo("UTC")), tick=False):
        until = timezone.now() + timedelta(minutes=13)
        JobFactory(pair=pair, due_at=until, detail=OutOfQuota.default_person)
        Connection.objects.update(paused_until=until if paused else None)
        quota = "for quota " if paused else ""
        assert f"Waiting {quota}until 14:03 . {OutOfQuota.default_person}" in said(ada)


def test_progress_says_that_the_connection_has_to_be_mended(ada: Client, pair: ProjectPair) -> None:
    JobFactory(pair=pair)
    Connection.objects.update(status="reconnect")
    assert "It goes on once the connection is mended." in said(ada)
    Connection.objects.update(status="active")
    assert "mended" not in said(ada)
    Installation.objects.update(status="reconnect")
    assert "It goes on once the connection is mended." in said(ada)


@pytest.mark.parametrize(("state", "words"), [("failed", "Refused for good."), ("ended", "Ended by a person")])
def test_a_job_that_came_to_no_good_end_says_so(ada: Client, pair: ProjectPair, state: str, words: str) -> None:
    JobFactory(pair=pair, state=state, detail="Refused for good.", finished_at=timezone.now())
    assert words in said(ada)


def test_jobs_of_one_run_or_provider_alone(ada: Client, pair: ProjectPair) -> None:
    run = SyncRunFactory(pair=pair)
    JobFactory(pair=pair, kind="undo", run=run)
    JobFactory(pair=ProjectPairFactory(connection=pair.connection, project_name="Other work"))
    JobFactory()  # in another workspace
    assert "Taking back a run of Customer work" in said(ada) and "Other work" in said(ada)
    assert "Other work" not in said(ada, f"{PAGE}?run={run.pk}")
    assert "Other work" in said(ada, f"{PAGE}?run=nonsense")
    assert said(ada, f"{PAGE}?provider=planhat") == ""


# Ending


def test_a_job_is_ended_once_and_what_it_has_done_stays(ada: Client, pair: ProjectPair) -> None:
    job = JobFactory(pair=pair, done=3)
    first, second = (ada.post(f"{PAGE}{job.pk}/end/", follow=True).content.decode() for _ in range(2))
    assert "is ended. What it has done stays." in first and "It was over already." in second
    assert (Job.objects.get().state, Job.objects.get().done) == ("ended", 3)
    assert AuditEntry.objects.filter(action="ended_backfill").count() == 1


def test_a_member_follows_and_cannot_end(pair: ProjectPair) -> None:
    job, milo = JobFactory(pair=pair, total=9), Client()
    milo.force_login(MembershipFactory(installation=pair.connection.installation, plain=True).user)
    part = live(milo)
    assert "0 of 9" in part.text() and part.css_first("form") is None
    assert milo.post(f"{PAGE}{job.pk}/end/").status_code == 403


def test_a_backfill_from_the_page_brings_everything_over_and_tells_so(bench: Bench, boss: Client) -> None:
    base = f"/w/{bench.pair.connection.installation.slug}/"
    boss.post(f"{base}pairs/memory/{bench.pair.pk}/backfill/")
    jobs.work_one()
    assert len(bench.rows()) == 1
    job = Job.objects.get()
    assert (job.state, job.done) == ("done", job.total)
    assert f"{job.total} of {job.total} work items looked at" in said(boss, f"{base}jobs/")
    assert "1 made in Memory" in boss.get(f"{base}runs/{job.result_id}/").content.decode()
