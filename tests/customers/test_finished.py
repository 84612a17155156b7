from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from planeapp.customers import tallies
from planeapp.customers.figures import Work
from planeapp.customers.finished import words
from planeapp.customers.models import Company, Errand
from planeapp.lib.errors import FixSettings, OutOfQuota, RetryLater
from planeapp.sync.models import ItemLink, TimelineEntry
from tests.customers.factories import CompanyFactory
from tests.customers.ledger import Desk, Killed, desk, killed

__all__ = ["desk"]


def work(desk: Desk) -> None:
    tallies.work(desk.connection, "")


@pytest.fixture
def acme(desk: Desk) -> Company:
    """Acme, of which a note is left when its work is done; one item waits for it, and that was seen."""
    desk.choose(finished="note")
    made = desk.company("a", name="Acme")
    desk.item("a")
    work(desk)
    return made


def done(desk: Desk, state: str = "completed") -> ItemLink:
    link = ItemLink.objects.get()
    desk.now(link, state=state)
    return link


def marks(desk: Desk) -> list[str]:
    return sorted(desk.ledger.told)


def test_a_company_whose_last_item_is_done_is_told_once(desk: Desk, acme: Company) -> None:
    done(desk)
    work(desk)
    work(desk)
    assert desk.ledger.told == {f"done:{acme.pk}:1": ("a", "note", "All work for Acme is done")}
    assert desk.asked() == ["tell"]


def test_a_task_for_the_owner_is_left_where_that_was_chosen(desk: Desk, acme: Company) -> None:
    desk.choose(finished="task")
    done(desk)
    work(desk)
    assert [told[1:] for told in desk.ledger.told.values()] == [("task", "Tell Acme that their work is done")]


def test_a_worker_that_is_killed_between_the_note_and_our_memory_of_it_leaves_one(desk: Desk, acme: Company) -> None:
    done(desk)
    desk.ledger.fail_after("tell", Killed())
    killed(lambda: work(desk))
    work(desk)
    assert marks(desk) == [f"done:{acme.pk}:1"]
    acme.refresh_from_db()
    assert acme.finished == 1


def test_work_that_is_opened_again_and_done_again_is_told_a_second_time(desk: Desk, acme: Company) -> None:
    link = done(desk)
    work(desk)
    desk.now(link, state="started")
    work(desk)
    desk.now(link, state="completed")
    work(desk)
    assert marks(desk) == [f"done:{acme.pk}:1", f"done:{acme.pk}:2"]


def test_what_was_done_before_the_first_look_is_never_told(desk: Desk) -> None:
    desk.choose(finished="note", tallies=True)
    desk.company("a")
    desk.item("a", state="completed")
    work(desk)
    work(desk)
    assert desk.ledger.told == {}


def test_what_was_done_while_nobody_wanted_to_be_told_is_not_told_later(desk: Desk, acme: Company) -> None:
    desk.choose(tallies=True)
    work(desk)
    done(desk)
    desk.choose(finished="note")
    work(desk)
    assert desk.ledger.told == {}


@pytest.mark.parametrize("how", ["cancelled", "untied", "unlinked"])
def test_work_that_ends_without_anything_done_is_no_news(desk: Desk, acme: Company, how: str) -> None:
    link = ItemLink.objects.get()
    if how == "cancelled":
        desk.now(link, state="cancelled")
    elif how == "untied":
        desk.now(link, parties=[])
    else:
        ItemLink.objects.update(state=ItemLink.State.UNLINKED)
    work(desk)
    assert desk.ledger.told == {}


def test_an_item_that_is_removed_beside_others_done_long_ago_is_no_news(desk: Desk, acme: Company) -> None:
    desk.item("a", state="completed")
    work(desk)
    ItemLink.objects.filter(ours__state="started").update(state=ItemLink.State.UNLINKED)
    work(desk)
    assert desk.ledger.told == {}


def test_one_of_two_items_is_not_all(desk: Desk, acme: Company) -> None:
    desk.item("a", state="completed")
    work(desk)
    assert desk.ledger.told == {}


def test_a_refusal_is_told_on_the_page_and_rests_for_a_day_while_others_go_on(desk: Desk, acme: Company) -> None:
    desk.choose(finished="note", tallies=True)
    desk.company("b")
    desk.item("b")
    work(desk)
    desk.ledger.refuses["a"] = FixSettings("403", person="Notes are not allowed.")
    for link in ItemLink.objects.all():
        desk.now(link, state="completed")
    work(desk)
    work(desk)
    assert [told[0] for told in desk.ledger.told.values()] == ["b"] and desk.asked().count("tell") == 2
    lines = TimelineEntry.objects.filter(data__company="a", data__about="finished")
    assert "Notes are not allowed." in lines.get().text
    desk.ledger.refuses.clear()
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        work(desk)
    assert f"done:{acme.pk}:1" in marks(desk) and not lines.exists()


def test_a_company_that_cannot_be_told_just_now_keeps_no_figures_waiting(desk: Desk, acme: Company) -> None:
    desk.choose(finished="note", tallies=True)
    work(desk)
    done(desk)
    desk.ledger.fail("tell", RetryLater("503"))
    with pytest.raises(RetryLater):
        work(desk)
    assert len(desk.ledger.written) == 2 and desk.ledger.told == {}
    work(desk)
    assert marks(desk) == [f"done:{acme.pk}:1"]


def test_a_limit_that_is_used_up_stops_the_turn(desk: Desk, acme: Company) -> None:
    done(desk)
    desk.ledger.fail("tell", OutOfQuota("429"))
    with pytest.raises(OutOfQuota):
        work(desk)
    assert not TimelineEntry.objects.exists()


def test_many_companies_are_told_over_several_turns(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "MOST_TOLD", 1)
    desk.choose(finished="note")
    links = [desk.item(desk.company(ident).remote_id) for ident in ("a", "b")]
    work(desk)
    for link in links:
        desk.now(link, state="completed")
    work(desk)
    assert len(desk.ledger.told) == 1 and Errand.objects.get().kind == "tallies"
    work(desk)
    assert len(desk.ledger.told) == 2


@pytest.mark.parametrize(
    ("work", "told"),
    [(Work(completed=1), "1 work item done."), (Work(completed=3, cancelled=2), "3 work items done, 2 cancelled.")],
)
def test_a_note_says_how_much_was_done(work: Work, told: str) -> None:
    company = CompanyFactory.build(name="<Acme>")
    assert words(company, "note", work)[1] == f"<p>Nothing in Plane waits for &lt;Acme&gt; any more: {told}</p>"
