from __future__ import annotations

import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount, SocialLogin
from django.db import connection

from planeapp.accounts.models import User
from planeapp.installations.models import AuditEntry, Connection, Installation, Membership
from planeapp.sandbox.store import Doc
from tests.accounts.browser import Browser
from tests.factories import ConnectionFactory
from tests.vendors import Vendors

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(vendors: Vendors) -> Browser:
    """An admin of workspace ``sandbox``, at her browser."""
    return Browser(vendors)


def shown(row: Doc, place: Doc, **more: Any) -> Doc:
    """An installation as Plane's list shows it, in the workspace ``place``."""
    detail = {"slug": place["slug"], "name": place["name"], "id": place["id"]}
    kept = {name: row[name] for name in ("id", "app_bot", "webhook", "status")}
    return kept | {"workspace": place["id"], "workspace_detail": detail, "deleted_at": None} | more


def odd(row: Doc) -> Doc:
    """An installation that Plane shows and gives no bot token for."""
    return shown(row, {"id": str(uuid.uuid4()), "slug": "elsewhere", "name": "Elsewhere"}, id=str(uuid.uuid4()))


def listing(browser: Browser, *rows: Doc) -> None:
    """The next list of installations that Plane gives."""
    browser.vendors.plane.fault("/app-installation/", status=200, body=json.dumps(rows))


# Installing again


def test_installing_twice_keeps_the_settings(ada: Browser) -> None:
    ada.install()
    first = Installation.objects.get()
    ConnectionFactory(installation=first)
    first.zone = "Europe/Oslo"
    first.save()
    ada.install(reinstall="1")
    again = Installation.objects.get()
    assert (again.pk, again.zone, Connection.objects.count()) == (first.pk, "Europe/Oslo", 1)
    assert again.app_installation_id != first.app_installation_id
    assert list(AuditEntry.objects.order_by("id").values_list("action", flat=True)) == ["installed", "reinstalled"]


def test_a_workspace_that_was_uninstalled_comes_back_with_its_settings(ada: Browser) -> None:
    ada.install()
    first = Installation.objects.get()
    Installation.objects.update(status=Installation.Status.UNINSTALLED)
    ada.install(reinstall="1")
    assert (Installation.objects.get().pk, Installation.objects.get().status) == (first.pk, "active")


def test_a_workspace_whose_slug_changed_is_the_same_workspace(ada: Browser) -> None:
    ada.install()
    first = Installation.objects.get()
    workspace = ada.vendors.row("workspace", slug="sandbox")
    workspace.update(slug="sandbox-air", name="Sandbox Air Lines")
    assert ada.enter(workspace="sandbox-air").headers["location"] == "/w/sandbox-air/"
    found = Installation.objects.get()
    assert (found.pk, found.slug, found.name) == (first.pk, "sandbox-air", "Sandbox Air Lines")
    assert ada.come("/w/sandbox/").status_code == 404


def test_signing_in_again_asks_for_no_new_bot_token(ada: Browser) -> None:
    ada.install()
    ada.vendors.plane.control.requests.clear()
    ada.enter()
    tokens = [row["body"] for row in ada.vendors.plane.asked("POST", "/auth/o/token/")]
    assert len(tokens) == 1 and "authorization_code" in tokens[0]


def test_two_installers_share_one_installation(ada: Browser) -> None:
    ada.install()
    workspace = ada.vendors.row("workspace", slug="sandbox")
    workspace["members"][ada.vendors.person("milo")["id"]] = 20
    Browser(ada.vendors, "milo").install(reinstall="1")
    assert (Installation.objects.count(), Membership.objects.filter(role=20).count()) == (1, 2)


# Roles


@pytest.mark.parametrize(("who", "role", "is_admin"), [("ada", 20, True), ("milo", 15, False), ("gus", 5, False)])
def test_a_persons_role_is_the_one_they_have_in_plane(vendors: Vendors, who: str, role: int, is_admin: bool) -> None:
    vendors.install()
    Browser(vendors, who).enter()
    membership = Membership.objects.get()
    assert (membership.user.display_name, membership.role, membership.is_admin) == (who, role, is_admin)


def test_a_role_that_changed_in_plane_has_changed_at_the_next_sign_in(vendors: Vendors) -> None:
    vendors.install()
    milo = Browser(vendors, "milo")
    milo.enter()
    vendors.row("workspace", slug="sandbox")["members"][vendors.person("milo")["id"]] = 20
    milo.enter()
    assert Membership.objects.get().role == 20


def test_a_person_who_left_the_workspace_sees_it_no_longer(vendors: Vendors) -> None:
    row, milo = vendors.install(), Browser(vendors, "milo")
    milo.enter()
    workspace, address = vendors.row("workspace", slug="sandbox"), milo.decide(milo.signin())
    del workspace["members"][vendors.person("milo")["id"]]
    listing(milo, shown(row, workspace))  # a list that still shows it
    milo.come(address)
    assert Membership.objects.count() == 0
    assert milo.come("/w/sandbox/").status_code == 404


def test_a_stranger_sees_nothing_of_the_workspace(ada: Browser) -> None:
    ada.install()
    olga = Browser(ada.vendors, "olga")
    assert olga.enter(workspace="other").headers["location"] == "/w/other/"
    assert [row.installation.slug for row in Membership.objects.filter(user=olga.user)] == ["other"]
    assert olga.come("/w/sandbox/").status_code == 404


# Several workspaces, one of them odd


def test_an_installation_that_ended_is_not_taken_in(ada: Browser) -> None:
    row, workspace = ada.vendors.install(), ada.vendors.row("workspace", slug="sandbox")
    gone = shown(row, workspace, id=str(uuid.uuid4()), status="uninstalled", deleted_at="2026-01-01T00:00:00Z")
    listing(ada, gone)
    assert ada.enter().headers["location"] == "/workspaces/"
    assert Installation.objects.count() == 0


def test_a_workspace_that_plane_refuses_does_not_keep_the_person_out_of_the_others(ada: Browser) -> None:
    row, workspace = ada.vendors.install(), ada.vendors.row("workspace", slug="sandbox")
    listing(ada, odd(row), shown(row, workspace))
    assert ada.enter().headers["location"] == "/w/sandbox/"
    assert [found.slug for found in Installation.objects.all()] == ["sandbox"]


def test_the_workspace_that_was_just_installed_must_work(ada: Browser) -> None:
    broken = odd(ada.vendors.install())
    address = ada.decide(ada.signin()) + f"&app_installation_id={broken['id']}"
    listing(ada, broken)
    assert "Please start again" in ada.problem(ada.come(address))
    assert Installation.objects.count() == 0


def test_somebody_whom_plane_gives_no_address_can_sign_in(ada: Browser) -> None:
    ada.vendors.person("ada").update(email="", display_name="")
    ada.enter()
    user = User.objects.get()
    assert (user.email, str(user)) == ("", user.username)


def test_two_people_with_one_address_are_two_people(vendors: Vendors) -> None:
    for name in ("ada", "milo"):
        vendors.person(name)["email"] = "shared@sandbox.test"
        Browser(vendors, name).enter()
    assert sorted(User.objects.values_list("display_name", flat=True)) == ["ada", "milo"]


# Two at once


def both_come(vendors: Vendors) -> list[str]:
    """One person comes back from Plane in two browsers at the same moment; where they are led."""
    browsers = [Browser(vendors), Browser(vendors)]
    addresses, gate = [one.decide(one.signin()) for one in browsers], threading.Barrier(2)

    def come(number: int) -> str:
        gate.wait()
        try:
            return str(browsers[number].come(addresses[number]).headers["location"])
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        led = list(pool.map(come, range(2)))
    assert len({one.user.pk for one in browsers if one.user}) == 1
    assert [one.come("/w/sandbox/").status_code for one in browsers] == [200, 200]
    return led


@pytest.mark.django_db(transaction=True)
def test_two_first_sign_ins_of_one_person_at_once_both_get_in(vendors: Vendors) -> None:
    vendors.install()
    assert both_come(vendors) == ["/w/sandbox/"] * 2
    assert (User.objects.count(), SocialAccount.objects.count(), Membership.objects.count()) == (1, 1, 1)
    assert str(User.objects.get().plane_id) == User.objects.get().username


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_first_sign_ins_that_both_found_no_account_both_get_in(
    vendors: Vendors, monkeypatch: pytest.MonkeyPatch
) -> None:
    found_nobody, looks = threading.Barrier(2), []
    real = SocialLogin.lookup

    def lookup(login: SocialLogin) -> None:
        real(login)
        looks.append(login.is_existing)
        if len(looks) <= 2:
            found_nobody.wait()

    monkeypatch.setattr(SocialLogin, "lookup", lookup)
    vendors.install()
    assert both_come(vendors) == ["/w/sandbox/"] * 2
    assert looks == [False, False, True]
    assert (User.objects.count(), SocialAccount.objects.count()) == (1, 1)


def test_a_first_sign_in_that_breaks_off_half_way_leaves_no_person_behind(
    ada: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(*_: Any, **__: Any) -> None:
        raise OSError("the plug was pulled")

    with monkeypatch.context() as patch, pytest.raises(OSError):
        patch.setattr(SocialAccount, "save", break_off)
        ada.enter()
    assert User.objects.count() == 0
    assert ada.enter().status_code == 302
    assert ada.user is not None
