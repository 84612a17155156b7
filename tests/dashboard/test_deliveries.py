from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from selectolax.lexbor import LexborHTMLParser

from planeapp.inbox import replay as replaying
from planeapp.inbox.models import Delivery
from planeapp.installations.models import AuditEntry, Installation, Membership
from tests.factories import DeliveryCountFactory, DeliveryFactory, InstallationFactory, MembershipFactory
from tests.inbox.sending import issue, push

pytestmark = pytest.mark.django_db
LIST = "/w/air/deliveries/"
REPLAY = f"{LIST}replay/"


@pytest.fixture
def installation() -> Installation:
    """A workspace of its own."""
    made: Installation = InstallationFactory(slug="air")
    return made


@pytest.fixture
def ada(client: Client, installation: Installation) -> Client:
    """An admin's browser."""
    membership: Membership = MembershipFactory(installation=installation, user__display_name="Ada")
    client.force_login(membership.user)
    return client


@pytest.fixture
def milo(installation: Installation) -> Client:
    """The browser of one who may only look."""
    browser = Client()
    browser.force_login(MembershipFactory(installation=installation, plain=True).user)
    return browser


def page(browser: Client, address: str = LIST) -> LexborHTMLParser:
    answer = browser.get(address)
    assert answer.status_code == 200
    return LexborHTMLParser(answer.content.decode())


def text(browser: Client, address: str = LIST) -> str:
    main = page(browser, address).css_first("main")
    assert main is not None
    return " ".join(main.text().split())


def told(answer: Any) -> list[str]:
    """What a page says on top."""
    return [str(message) for message in answer.context["messages"]]


# Looking


def test_the_list_tells_how_messages_ended_here_alone_and_never_their_content(
    milo: Client, installation: Installation
) -> None:
    DeliveryFactory(installation=installation, state="ignored", reason="our own change", body=b'{"note": "salary"}')
    DeliveryFactory(state="dead", reason="of another workspace"), DeliveryFactory(state="dead", reason="of nobody")
    shown = text(milo)
    assert "our own change" in shown and "Ignored 1" in shown and "Given up 0" in shown
    assert not [word for word in ("salary", "of another workspace", "of nobody") if word in shown]


def test_the_filter_narrows_the_list_and_the_counts(milo: Client, installation: Installation) -> None:
    DeliveryFactory(installation=installation, state="dead", reason="first", kind="item.changed")
    DeliveryFactory(installation=installation, state="handled", reason="second", kind="item.changed")
    DeliveryFactory(installation=installation, state="dead", reason="third", kind="comment.written")
    shown = text(milo, f"{LIST}?kind=item.changed&state=dead")
    assert "first" in shown and "second" not in shown and "third" not in shown
    assert "All 2" in shown and "Handled 1" in shown and "Given up 1" in shown


def test_links_keep_the_filter_and_forget_the_place(milo: Client, installation: Installation) -> None:
    DeliveryFactory.create_batch(51, installation=installation, state="dead")
    found = page(milo, f"{LIST}?state=dead&text=")
    older = str(found.css_first('a[rel="next"]').attributes["href"])
    assert "state=dead" in older and "before=" in older
    second = page(milo, older)
    assert len(second.css("tbody tr")) == 1
    assert {"before" in str(chip.attributes["href"]) for chip in second.css(".chip")} == {False}
    assert second.css_first('a[rel="prev"]') is not None


def test_a_filter_that_makes_no_sense_says_so_and_shows_nothing(milo: Client, installation: Installation) -> None:
    DeliveryFactory(installation=installation, reason="our own change")
    shown = text(milo, f"{LIST}?since=soon&state=bogus")
    assert "do not understand this filter" in shown and "our own change" not in shown


def test_what_has_just_arrived_is_told_though_nobody_read_it_yet(milo: Client, installation: Installation) -> None:
    push(issue(installation.workspace_id)), push(issue(InstallationFactory().workspace_id))
    assert "1 more has just arrived and waits to be read." in text(milo)


def test_what_was_deleted_is_still_counted(milo: Client, installation: Installation) -> None:
    DeliveryCountFactory(installation=installation, count=7), DeliveryCountFactory(count=100)
    assert "7 older messages were counted and then deleted, as all are after 30 days." in text(milo)


def test_events_that_we_have_no_use_for_are_shown_to_admins(
    ada: Client, milo: Client, installation: Installation
) -> None:
    DeliveryFactory.create_batch(2, installation=installation, state="ignored", kind="cycle.updated", reason="no use")
    assert "cycle.updated no use 2" in text(ada)
    assert "no use for" not in text(milo)


def test_the_part_that_a_filter_swaps_is_on_the_page_that_it_asks(milo: Client) -> None:
    form = page(milo).css_first("form.filter")
    assert form is not None
    assert (form.attributes["action"], form.attributes["hx-get"]) == (LIST, LIST)
    assert form.attributes["hx-select"] == form.attributes["hx-target"] == "#found"
    assert page(milo).css_first("#found") is not None


@pytest.mark.parametrize("address", [LIST, f"{LIST}?text=x"])
def test_a_long_list_takes_no_more_questions_than_a_short_one(
    ada: Client, installation: Installation, address: str, django_assert_max_num_queries: Any
) -> None:
    DeliveryFactory.create_batch(60, installation=installation, reason="x")
    with django_assert_max_num_queries(12):
        ada.get(address)


# One message


def test_a_message_shows_what_it_meant_and_how_it_goes_on(milo: Client, installation: Installation) -> None:
    soon = timezone.now() + timedelta(minutes=5)
    row = DeliveryFactory(
        installation=installation, state="failed", reason="KeyError: will be tried again", attempts=3, due_at=soon,
        body=issue(installation.workspace_id, item="7e7c1b7e-0000-4000-8000-000000000007"),
    )  # fmt: skip
    shown = text(milo, f"{LIST}{row.pk}/")
    assert all(part in shown for part in ("KeyError: will be tried again", "Failed tries3", "Next try"))
    assert "item.changed" in shown and "7e7c1b7e-0000-4000-8000-000000000007" in shown


def test_its_content_is_for_admins_as_text_and_without_secrets(
    ada: Client, milo: Client, installation: Installation
) -> None:
    body = b'{"title": "<script>alert(1)</script>", "token": "s3cret"}'
    row = DeliveryFactory(installation=installation, body=body, headers={"x-plane-event": "<b>issue</b>"})
    shown = ada.get(f"{LIST}{row.pk}/").content.decode()
    assert "&lt;script&gt;alert(1)" in shown and "&lt;b&gt;issue" in shown
    assert "<script>alert" not in shown and "<b>issue" not in shown and "s3cret" not in shown
    assert "alert(1)" not in milo.get(f"{LIST}{row.pk}/").content.decode()


def test_what_came_about_the_same_is_beside_it(milo: Client, installation: Installation) -> None:
    row, other = DeliveryFactory.create_batch(2, installation=installation, subject="item-7")
    links = [str(link.attributes["href"]) for link in page(milo, f"{LIST}{row.pk}/").css("main a")]
    assert f"{LIST}{other.pk}/" in links


# Working on them again


def test_members_see_no_way_to_replay(milo: Client, installation: Installation) -> None:
    row = DeliveryFactory(installation=installation, state="dead")
    assert page(milo).css_first("main form[method=post]") is None
    assert page(milo, f"{LIST}{row.pk}/").css_first("main form[method=post]") is None


def test_one_message_is_worked_on_again(ada: Client, installation: Installation) -> None:
    row = DeliveryFactory(installation=installation, state="dead")
    answer = ada.post(f"{LIST}{row.pk}/replay/", follow=True)
    assert told(answer) == ["1 message is worked on again. Refresh to see how it went."]
    assert Delivery.objects.get().state == "waiting"
    entry = AuditEntry.objects.get()
    assert (entry.who, entry.address, entry.detail) == (
        "Ada", "127.0.0.1", {"deliveries": str(row.pk), "replayed": 1, "left_alone": 0},
    )  # fmt: skip


def test_a_second_click_leaves_it_alone(ada: Client, installation: Installation) -> None:
    row = DeliveryFactory(installation=installation, state="dead")
    ada.post(f"{LIST}{row.pk}/replay/", follow=True)
    assert told(ada.post(f"{LIST}{row.pk}/replay/", follow=True)) == [
        "1 message is left alone: there the work is not done yet."
    ]


def test_there_is_no_button_while_the_work_is_not_done(ada: Client, installation: Installation) -> None:
    row = DeliveryFactory(installation=installation)
    assert page(ada, f"{LIST}{row.pk}/").css_first("main form[method=post]") is None


def test_the_ticked_ones_alone_are_worked_on_again(ada: Client, installation: Installation) -> None:
    rows = DeliveryFactory.create_batch(3, installation=installation, state="dead")
    foreign = DeliveryFactory(installation=InstallationFactory(), state="dead")
    answer = ada.post(f"{REPLAY}?state=dead&before=x", {"pick": [rows[0].pk, rows[2].pk, foreign.pk, "x"]})
    assert answer.headers["location"] == f"{LIST}?state=dead"
    assert {row.pk for row in Delivery.objects.filter(state="waiting")} == {rows[0].pk, rows[2].pk}
    assert told(ada.get(LIST))[1] == "1 of them are not here any more: messages are kept for 30 days."


def test_without_a_tick_nothing_happens_and_the_next_step_is_told(ada: Client, installation: Installation) -> None:
    DeliveryFactory(installation=installation, state="dead")
    assert told(ada.post(REPLAY, follow=True))[0].startswith("Tick the messages")
    assert (Delivery.objects.get().state, AuditEntry.objects.count()) == ("dead", 0)


def test_all_that_fit_the_filter_are_worked_on_again_after_a_confirmation(
    ada: Client, installation: Installation
) -> None:
    DeliveryFactory.create_batch(3, installation=installation, state="dead")
    other = DeliveryFactory(installation=installation, state="handled")
    confirm = page(ada, f"{REPLAY}?state=dead")
    form = confirm.css_first("main form")
    assert form is not None and "Work on 3 messages again" in form.text()
    late = DeliveryFactory(installation=installation, state="dead")  # came while somebody read the page
    answer = ada.post(str(form.attributes["action"]), {"all": "yes"}, follow=True)
    assert told(answer) == ["3 messages are worked on again. Refresh to see how it went."]
    assert set(Delivery.objects.exclude(state="waiting").values_list("pk", flat=True)) == {other.pk, late.pk}
    detail = AuditEntry.objects.get().detail
    assert (detail["state"], detail["replayed"], "until" in detail) == ("Given up", 3, True)


def test_the_confirmation_changes_nothing(ada: Client, installation: Installation) -> None:
    DeliveryFactory(installation=installation, state="dead")
    page(ada, REPLAY)
    assert Delivery.objects.get().state == "dead"


def test_a_filter_that_makes_no_sense_replays_nothing(ada: Client, installation: Installation) -> None:
    DeliveryFactory(installation=installation, state="dead")
    assert page(ada, f"{REPLAY}?since=soon").css_first("main button") is None
    assert told(ada.post(f"{REPLAY}?since=soon", {"all": "yes"}, follow=True)) == [
        "The filter is not understood. Nothing was changed."
    ]
    assert Delivery.objects.get().state == "dead"


def test_too_many_are_told_before_and_refused_after(
    ada: Client, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "LIMIT", 2)
    DeliveryFactory.create_batch(3, installation=installation, state="dead")
    assert "At most 2 can be done at once" in text(ada, REPLAY)
    assert page(ada, REPLAY).css_first("main button") is None
    answer = ada.post(REPLAY, {"all": "yes"}, follow=True)
    assert told(answer) == ["These are more than 2 deliveries. Replay them in parts, by a shorter time range."]
    assert not Delivery.objects.filter(state="waiting").exists()
