from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from planeapp.inbox import showing
from planeapp.inbox.models import Delivery
from planeapp.inbox.tasks import work_inbox
from tests.factories import ConnectionFactory, DeliveryFactory, InstallationFactory
from tests.inbox.sending import issue, push

pytestmark = pytest.mark.django_db


def content(body: bytes) -> str:
    return showing.content(Delivery(body=body))


def test_a_body_is_shown_indented_and_in_its_own_letters() -> None:
    assert content('{"name":"Åsa","list":[1]}'.encode()) == '{\n  "name": "Åsa",\n  "list": [\n    1\n  ]\n}'


@pytest.mark.parametrize("body", [
    {"token": "s3cret"}, {"a": [{"client_secret": "s3cret"}]}, {"Authorization": {"value": "s3cret"}},
    {"x": {"refreshToken": ["s3cret"]}},
])  # fmt: skip
def test_what_looks_like_a_secret_is_never_shown(body: object) -> None:
    shown = content(json.dumps(body).encode())
    assert "s3cret" not in shown and "•••" in shown


@pytest.mark.parametrize(
    ("body", "shown"), [(b"\xff{", "\N{REPLACEMENT CHARACTER}{"), (b"", ""), (b"not json", "not json")]
)
def test_what_is_no_json_is_shown_as_it_came(body: bytes, shown: str) -> None:
    assert content(body) == shown


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 900 + b"1" + b"}" * 900, b'"' + b"x" * 4_000_000 + b'"'])
def test_a_huge_or_deep_body_is_cut(body: bytes) -> None:
    assert 0 < len(content(body)) < showing.SHOWN + 100


def test_what_a_delivery_meant_is_read_from_it_again() -> None:
    row = DeliveryFactory(body=issue(InstallationFactory().workspace_id))
    assert [event.kind for event in showing.meaning(row)] == ["item.changed"]
    assert showing.meaning(Delivery(body=b"{")) == []


def test_siblings_are_about_the_same_subject_at_the_same_time_in_the_same_workspace() -> None:
    installation, now = InstallationFactory(), timezone.now()
    row, near, *_ = (
        DeliveryFactory(installation=where, subject=subject, received_at=now - timedelta(minutes=minutes))
        for where, subject, minutes in [
            (installation, "item", 0), (installation, "item", 30), (installation, "item", 90), (installation, "other", 1),
            (InstallationFactory(), "item", 1), (None, "item", 1),
        ]
    )  # fmt: skip
    assert list(showing.siblings(installation, row)) == [near]


def test_deliveries_about_nothing_have_no_siblings() -> None:
    installation = InstallationFactory()
    row, _ = DeliveryFactory.create_batch(2, installation=installation, subject="")
    assert not showing.siblings(installation, row)


def test_what_waits_to_be_read_is_counted_by_the_workspace_that_it_names() -> None:
    installation = InstallationFactory()
    push(issue(installation.workspace_id)), push(issue(InstallationFactory().workspace_id))
    assert showing.unread(installation) == 1
    work_inbox()
    assert (showing.unread(installation), installation.deliveries.count()) == (0, 1)


def test_events_that_we_have_no_use_for_are_counted_by_their_own_names() -> None:
    installation = InstallationFactory()
    for event, times in (("cycle", 3), ("module", 1), ("issue", 1)):
        for _ in range(times):
            push(issue(installation.workspace_id, event=event))
    push(issue(InstallationFactory().workspace_id, event="cycle"))
    work_inbox()
    assert [(group["kind"], group["reason"], group["count"]) for group in showing.of_no_use(installation)] == [
        ("cycle.updated", "not an event that we use", 3), ("module.updated", "not an event that we use", 1),
    ]  # fmt: skip


def test_a_providers_unknown_event_goes_by_its_own_name_too() -> None:
    found = ConnectionFactory()
    DeliveryFactory(
        source="provider", connection=found, body=b'{"id": "1", "type": "invoice.paid", "data": {"id": "i"}}'
    )
    work_inbox()
    assert [group["kind"] for group in showing.of_no_use(found.installation)] == ["invoice.paid"]
