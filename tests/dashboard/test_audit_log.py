"""The audit log's page. Who may open it is in test_urls, paging in test_long_lists."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from django.test import Client

from planeapp.installations.models import AuditEntry, Installation
from tests.factories import AuditEntryFactory, InstallationFactory, MembershipFactory

pytestmark = pytest.mark.django_db
PAGE = "/w/air/audit/"


@pytest.fixture
def ada(client: Client) -> Client:
    """The browser of an admin of a workspace with two entries."""
    air: Installation = InstallationFactory(slug="air", zone="Asia/Kolkata")
    AuditEntryFactory(installation=air, who="Ada", action="connected", detail={"provider": "planner"})
    AuditEntryFactory(installation=air, who="=cmd", action="refused_role", address="192.0.2.7")
    AuditEntryFactory(who="Stranger", action="connected")
    client.force_login(MembershipFactory(installation=air).user)
    return client


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"Ada", "=cmd"}), ("who=ad", {"Ada"}), ("action=refused_role", {"=cmd"}), ("action=never", set()),
        ("since=2020-01-01T00:00", {"Ada", "=cmd"}), ("until=2020-01-01T00:00", set()), ("since=soon", set()),
    ],
)  # fmt: skip
def test_a_filter_finds_what_it_says_here_alone(ada: Client, query: str, expected: set[str]) -> None:
    assert {entry.who for entry in ada.get(f"{PAGE}?{query}").context["entries"]} == expected


def test_only_actions_that_happened_here_can_be_chosen(ada: Client) -> None:
    form: Any = ada.get(PAGE).context["form"]
    choices = [label for _, label in form.fields["action"].choices]
    assert choices == ["Anything", "Connected", "Refused role"]


def test_an_empty_result_says_what_to_do(ada: Client) -> None:
    assert "No entry fits" in ada.get(f"{PAGE}?who=nobody").content.decode()
    assert "do not understand this filter" in ada.get(f"{PAGE}?since=soon").content.decode()
    AuditEntry.objects.all().delete()
    assert "Nothing to show yet" in ada.get(PAGE).content.decode()


def test_a_long_log_has_pages(ada: Client) -> None:
    AuditEntryFactory.create_batch(55, installation=Installation.objects.get(slug="air"))
    first = ada.get(f"{PAGE}?since=2020-01-01T00:00")
    assert len(first.context["entries"]) == 50
    older = f"{PAGE}?since=2020-01-01T00:00&before={first.context['page'].older}".replace("+", "%2B")
    assert len(ada.get(older).context["entries"]) == 7


def test_the_file_holds_what_the_filter_finds_and_no_formula(ada: Client) -> None:
    answer = ada.get(f"{PAGE}csv/?action=refused_role")
    rows = list(csv.reader(io.StringIO(answer.getvalue().decode("utf-8-sig"))))
    assert rows[0] == ["When", "Who", "What", "Details", "From"]
    assert [row[1:] for row in rows[1:]] == [["'=cmd", "Refused role", "", "192.0.2.7"]]
    assert rows[1][0].endswith("+05:30")
