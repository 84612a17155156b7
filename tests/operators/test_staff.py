from __future__ import annotations

import pytest

from planeapp.accounts.models import User
from planeapp.installations.models import AuditEntry
from tests.factories import UserFactory
from tests.operators.running import refused, run

pytestmark = pytest.mark.django_db


def test_a_person_is_let_in_and_kept_out_again_and_the_audit_log_knows() -> None:
    ada = UserFactory(email="ada@example.com")
    assert run("staff", "Ada@example.com", "--add").code == 0
    assert list(User.objects.filter(is_staff=True)) == [ada]
    assert run("staff", "ada@example.com", "--remove").code == 0
    assert not User.objects.filter(is_staff=True).exists()
    told = list(AuditEntry.objects.order_by("pk").values_list("action", "detail__person"))
    assert told == [("staff_added", ada.username), ("staff_removed", ada.username)]


def test_nobody_becomes_more_than_staff() -> None:
    UserFactory(email="ada@example.com")
    run("staff", "ada@example.com", "--add")
    assert not User.objects.filter(is_superuser=True).exists()


def test_the_list_names_staff_alone() -> None:
    UserFactory(email="ada@example.com", is_staff=True)
    UserFactory(email="milo@example.com")
    out = run("staff").out
    assert "ada@example.com" in out and "milo@example.com" not in out


def test_an_address_of_two_people_is_refused_with_their_ids_which_will_do() -> None:
    one, two = UserFactory(email="team@example.com"), UserFactory(email="team@example.com")
    line = refused(run("staff", "team@example.com", "--add"))
    assert one.username in line and two.username in line
    assert run("staff", one.username, "--add").code == 0
    assert list(User.objects.filter(is_staff=True)) == [one]


@pytest.mark.parametrize("words", [["ada@example.com"], ["--add"], ["nobody@example.com", "--add"]])
def test_half_a_wish_and_a_stranger_are_refused(words: list[str]) -> None:
    UserFactory(email="ada@example.com")
    assert refused(run("staff", *words))
    assert not User.objects.filter(is_staff=True).exists()
