from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from selectolax.lexbor import LexborHTMLParser

from planeapp.installations.models import AuditEntry
from planeapp.sync import engine, jobs
from planeapp.sync.models import Job, ProjectPair, SyncRun
from tests.factories import (
    InstallationFactory,
    ItemLinkFactory,
    JobFactory,
    MembershipFactory,
    ProjectPairFactory,
    RunChangeFactory,
    SyncRunFactory,
)
from tests.sync.conftest import Bench

pytestmark = pytest.mark.django_db
PAGE = "/w/air/runs/"


@pytest.fixture
def pair() -> ProjectPair:
    """A pair of workspace ``air``."""
    made: ProjectPair = ProjectPairFactory(connection__installation=InstallationFactory(slug="air"))
    return made


@pytest.fixture
def ada(client: Client, pair: ProjectPair) -> Client:
    """An admin's browser."""
    membership = MembershipFactory(installation=pair.connection.installation, user__display_name="Ada")
    client.force_login(membership.user)
    return client


def run_of(pair: ProjectPair, *changes: dict[str, Any], **more: Any) -> SyncRun:
    """A run that made these changes (one, when none is named)."""
    made: SyncRun = SyncRunFactory(pair=pair, **more)
    for change in changes or ({},):
        RunChangeFactory(run=made, **change)
    return made


def text(browser: Client, page: str) -> str:
    """What a page says."""
    main = LexborHTMLParser(browser.get(page).content.decode()).css_first("main")
    return " ".join(main.text(separator=" ").split())


def shown(browser: Client, query: str = "") -> list[str]:
    """Ids of the runs on the list, as they follow each other."""
    page = LexborHTMLParser(browser.get(f"{PAGE}{query}").content.decode())
    return [str(link.attributes["id"]).removeprefix("run-") for link in page.css("tbody a[id^=run-]")]


# The list


def test_runs_that_changed_something_come_first_and_the_others_on_request(ada: Client, pair: ProjectPair) -> None:
    changed = run_of(pair, counts={"create vendor": 2, "update plane": 1})
    quiet, foreign = SyncRunFactory(pair=pair), run_of(ProjectPairFactory())
    assert shown(ada) == [str(changed.pk)]
    assert shown(ada, "?show=all") == [str(quiet.pk), str(changed.pk)]
    assert str(foreign.pk) not in shown(ada, "?show=all")
    assert "2 made in Planner, 1 changed in Plane" in text(ada, PAGE)


def test_runs_are_filtered_by_pair_and_kind(ada: Client, pair: ProjectPair) -> None:
    other = ProjectPairFactory(connection=pair.connection)
    sync, backfill = run_of(pair), run_of(other, kind="backfill")
    assert shown(ada, f"?pair={other.pk}") == [str(backfill.pk)]
    assert shown(ada, "?kind=sync") == [str(sync.pk)]
    assert shown(ada, f"?pair={pair.pk}&kind=backfill") == []
    assert "No run fits" in text(ada, f"{PAGE}?pair={pair.pk}&kind=backfill")


@pytest.mark.parametrize("query", ["?pair=nonsense", "?kind=nonsense", "?show=nonsense"])
def test_a_filter_that_means_nothing_says_so(ada: Client, pair: ProjectPair, query: str) -> None:
    run_of(pair)
    assert (shown(ada, query), "do not understand this filter" in text(ada, PAGE + query)) == ([], True)


def test_a_foreign_pair_is_no_filter(ada: Client) -> None:
    assert shown(ada, f"?pair={run_of(ProjectPairFactory()).pair_id}") == []


def test_fifty_runs_make_a_page_in_few_queries(
    ada: Client, pair: ProjectPair, django_assert_max_num_queries: Any
) -> None:
    for _ in range(53):
        SyncRunFactory(pair=pair)
    with django_assert_max_num_queries(25):
        assert len(shown(ada, "?show=all")) == 50
    assert len(shown(ada, "?show=all&page=2")) == 3
    assert len(shown(ada, "?show=all&page=nonsense")) == 50


def test_a_workspace_without_runs_says_what_will_show_here(ada: Client) -> None:
    assert "No run has changed anything yet" in text(ada, PAGE)


def test_a_stopped_run_tells_why(ada: Client, pair: ProjectPair) -> None:
    SyncRunFactory(pair=pair, state="stopped", detail="It would end 12 of 14 links.")
    assert "It would end 12 of 14 links." in text(ada, f"{PAGE}?show=all")


# One run


def test_a_run_shows_each_change_from_what_to_what(ada: Client, pair: ProjectPair) -> None:
    created = {"kind": "create", "before": {}, "after": {"title": "Gate 7", "start": "2026-11-23", "notes": None}}
    link = ItemLinkFactory(pair=pair, item_key="CUST-7")
    run = run_of(pair, {"link": link}, created, {"kind": "unlink", "before": {}, "after": {}}, {"done": False})
    said = text(ada, f"{PAGE}{run.pk}/")
    assert "CUST-7 Changed in Planner Title Old belt → became New belt" in said
    assert "Made in Planner Title Gate 7 Start date Mon 23 Nov 2026 No" in said
    assert "Link taken off, since it was gone in Planner" in said and "(not confirmed)" in said


def test_a_run_shows_what_was_taken_back_and_what_was_left_and_why(ada: Client, pair: ProjectPair) -> None:
    run = run_of(pair, {"undone_at": timezone.now()}, {"kept": "Changed since: title (now Belt IV)."})
    undo = SyncRunFactory(pair=pair, kind="undo", undoes=run, counts={"undone": 1, "kept": 1})
    said = text(ada, f"{PAGE}{run.pk}/")
    assert "1 change; 1 left as it is, with the reason below" in said and "now Belt IV" in said
    assert "Take the rest back…" in said and "Taken back in part" in text(ada, PAGE)
    assert "1 taken back, 1 left as it is" in text(ada, f"{PAGE}{undo.pk}/")


def test_many_changes_are_shown_page_by_page(ada: Client, pair: ProjectPair) -> None:
    run = run_of(pair, *({"item_key": f"CUST-{number}"} for number in range(1, 104)))
    assert "CUST-100" in text(ada, f"{PAGE}{run.pk}/") and "CUST-101" not in text(ada, f"{PAGE}{run.pk}/")
    assert "CUST-101" in text(ada, f"{PAGE}{run.pk}/?page=2")


def test_a_run_that_is_not_kept_says_how_long_runs_are(ada: Client) -> None:
    answer = ada.get(f"{PAGE}00000000-0000-4000-8000-000000000000/")
    assert (answer.status_code, "kept for 90 days" in answer.content.decode()) == (404, True)


def test_a_run_of_a_vendor_that_this_version_knows_no_more_is_shown_all_the_same(
    pair: ProjectPair, ada: Client
) -> None:
    pair.connection.provider = "elder"
    pair.connection.save()
    assert "Changed in Elder" in text(ada, f"{PAGE}{run_of(pair).pk}/")


# Taking back


def undo_link(browser: Client, run: SyncRun) -> bool:
    """Whether the run's page leads to taking it back."""
    return f"/runs/{run.pk}/undo/" in browser.get(f"{PAGE}{run.pk}/").content.decode()


def test_the_question_counts_what_happens_on_each_side(ada: Client, pair: ProjectPair) -> None:
    run = run_of(
        pair, {"kind": "create"}, {"kind": "create"}, {}, {"side": "plane"}, {"kind": "delete"}, {"kind": "unlink"},
        {"kind": "adopt"}, {"kind": "show", "side": "plane"}, {"undone_at": timezone.now()},
    )  # fmt: skip
    page = LexborHTMLParser(ada.get(f"{PAGE}{run.pk}/undo/").content.decode())
    assert {entry.text() for entry in page.css("main .plain li")} == {
        "2 rows that were made in Planner are removed", "1 change in Planner is set back",
        "1 change in Plane is set back", "1 row that was removed is made again in Planner",
        "1 link that was taken off is made again", "1 link to Planner is taken off",
    }  # fmt: skip
    assert "Take 7 changes back" in page.css_first("main form button").text()
    assert "What people (or later runs) have changed since stays as it is" in page.css_first("main").text()


def test_taking_back_is_asked_for_once_however_often_it_is_clicked(ada: Client, pair: ProjectPair) -> None:
    run = run_of(pair)
    assert undo_link(ada, run)
    first, second = (ada.post(f"{PAGE}{run.pk}/undo/", follow=True).content.decode() for _ in range(2))
    assert "The run is being taken back now." in first and "This run is being taken back already." in second
    assert (Job.objects.get().run, Job.objects.get().asked_by, Job.objects.get().total) == (run, "Ada", 1)
    entry = AuditEntry.objects.get(action="undid")
    assert (entry.who, entry.detail["run"], entry.detail["changes"]) == ("Ada", str(run.pk), 1)
    assert not undo_link(ada, run)


def test_a_run_at_work_cannot_be_taken_back_until_it_is_over_or_was_left(ada: Client, pair: ProjectPair) -> None:
    run = run_of(pair, state="running", finished_at=None)
    assert "still at work" in ada.post(f"{PAGE}{run.pk}/undo/", follow=True).content.decode()
    run.changes.update(at=timezone.now() - timedelta(minutes=11))
    assert undo_link(ada, run)  # whoever worked on it is dead
    JobFactory(pair=pair, result=run)
    assert not undo_link(ada, run)


@pytest.mark.parametrize("state", ["done", "failed"])
def test_a_run_that_wrote_nothing_that_counts_cannot_be_taken_back(ada: Client, pair: ProjectPair, state: str) -> None:
    run = run_of(pair, {"kind": "show", "side": "plane"}, state=state)
    assert "nothing to take back" in ada.post(f"{PAGE}{run.pk}/undo/", follow=True).content.decode()
    assert not undo_link(ada, run) and not Job.objects.exists()


def test_a_run_that_is_too_old_cannot_be_taken_back(ada: Client, pair: ProjectPair) -> None:
    run = run_of(pair)
    assert "it can be taken back until then" in text(ada, f"{PAGE}{run.pk}/")
    SyncRun.objects.update(started_at=timezone.now() - timedelta(days=91))
    assert "can be taken back for 90 days" in ada.post(f"{PAGE}{run.pk}/undo/", follow=True).content.decode()
    assert "it can no longer be taken back" in text(ada, f"{PAGE}{run.pk}/") and not Job.objects.exists()


def test_a_member_reads_a_run_and_cannot_take_it_back(pair: ProjectPair) -> None:
    run, milo = run_of(pair), Client()
    milo.force_login(MembershipFactory(installation=pair.connection.installation, plain=True).user)
    assert "New belt" in text(milo, f"{PAGE}{run.pk}/") and not undo_link(milo, run)
    assert milo.post(f"{PAGE}{run.pk}/undo/").status_code == 403


def test_a_run_is_taken_back_from_the_page_and_that_again(bench: Bench, boss: Client) -> None:
    engine.run_pair(bench.pair)
    before = bench.title
    bench.patch(name="A new title")
    changed = engine.run_pair(bench.pair)
    runs = f"{bench.pair.connection.installation.slug}/runs/"
    assert "→ became A new title" in text(boss, f"/w/{runs}{changed.pk}/")
    boss.post(f"/w/{runs}{changed.pk}/undo/")
    jobs.work_one()
    undo = SyncRun.objects.get(kind="undo")
    assert bench.rows()[0].values["title"] == before and bench.title == "A new title"
    assert "Taken back 1 change Taken back by the run of" in text(boss, f"/w/{runs}{changed.pk}/")
    assert "1 taken back" in text(boss, f"/w/{runs}{undo.pk}/")
    boss.post(f"/w/{runs}{undo.pk}/undo/")
    jobs.work_one()
    assert bench.rows()[0].values["title"] == "A new title"


def test_what_was_changed_since_stays_and_is_listed(bench: Bench, boss: Client) -> None:
    run = engine.run_pair(bench.pair)
    bench.world.edit(bench.rows()[0].id, title="Mine now")
    address = f"/w/{bench.pair.connection.installation.slug}/runs/{run.pk}/"
    boss.post(f"{address}undo/")
    jobs.work_one()
    assert bench.rows()[0].values["title"] == "Mine now"
    said = text(boss, address)
    assert "Changed since, so it is not removed: title (now Mine now)." in said
    assert "Done, not all" in said and "1 left as it is" in said
