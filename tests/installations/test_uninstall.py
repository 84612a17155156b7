from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from allauth.socialaccount.models import SocialAccount
from django.apps import apps
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from planeapp.bot.models import Turn
from planeapp.bot.tasks import answer
from planeapp.inbox.models import Delivery, DeliveryCount
from planeapp.inbox.tasks import work_inbox
from planeapp.installations import uninstall
from planeapp.installations.gateways import bot_credential, plane_access, provider_for
from planeapp.installations.models import AuditEntry, Connection, Credential, Installation, Membership
from planeapp.installations.tasks import upkeep
from planeapp.installations.uninstall import erase_after_grace, offboard
from planeapp.lib.errors import ReconnectNeeded
from planeapp.sync.models import Due, ItemLink, ProjectPair, TimelineEntry
from planeapp.sync.tasks import plan_reconcile, work_due, work_pairs
from tests.accounts.browser import Browser
from tests.factories import (
    AuditEntryFactory,
    ConnectionFactory,
    CredentialFactory,
    DeliveryCountFactory,
    DeliveryFactory,
    DueFactory,
    HappeningFactory,
    ItemLinkFactory,
    MembershipFactory,
    ProjectPairFactory,
    SyncRunFactory,
    TieFactory,
    TimelineEntryFactory,
    TurnFactory,
)
from tests.inbox.sending import issue, push
from tests.installations.at_plane import own_token, signed_in, take_out, token_calls
from tests.telling import told
from tests.vendors import NOBODY, Team

pytestmark = pytest.mark.django_db
User = get_user_model()


def fill(installation: Installation) -> Connection:
    """Rows of every kind that a workspace can have."""
    connection: Connection = ConnectionFactory(installation=installation)
    pair = ProjectPairFactory(connection=connection)
    CredentialFactory(connection=connection, slot="api")
    CredentialFactory(connection=None, installation=installation, slot="bot", refresh="")
    for made in (ItemLinkFactory, DueFactory, SyncRunFactory):
        made(pair=pair)
    TieFactory(connection=connection)
    for made in (TimelineEntryFactory, HappeningFactory, TurnFactory, AuditEntryFactory, DeliveryCountFactory):
        made(installation=installation)
    DeliveryFactory(installation=installation, connection=connection)
    return connection


def counts() -> dict[str, int]:
    """Rows per model."""
    return {model._meta.label: model._default_manager.count() for model in apps.get_models()}


def status(installation: Installation) -> str:
    return str(Installation.objects.get(pk=installation.pk).status)


@pytest.fixture
def at_work(team: Team) -> Team:
    """Planner is connected, a project is paired, ada and milo are signed in at both sides, the bot has its token."""
    team.pair(team.connect("planner"))
    for name in ("ada", "milo"):
        signed_in(team, name)
    plane_access(team.installation).token()
    return team


# Taken out in Plane


def test_an_hourly_look_finds_that_the_app_was_taken_out_in_plane(at_work: Team) -> None:
    take_out(at_work.vendors)
    assert upkeep() == 1
    assert status(at_work.installation) == "uninstalled"


def test_a_refused_bot_token_tells_that_the_app_was_taken_out(at_work: Team) -> None:
    take_out(at_work.vendors)
    Credential.objects.filter(slot="bot").update(expires_at=timezone.now())
    with pytest.raises(ReconnectNeeded):
        plane_access(at_work.installation).token()
    assert status(at_work.installation) == "uninstalled"


@pytest.mark.parametrize("gone", [{"status": "uninstalled"}, {"status": "suspended"}])
def test_a_status_that_is_not_installed_tells_it_too(at_work: Team, gone: dict[str, Any]) -> None:
    row = at_work.vendors.row("installation")
    at_work.vendors.rows.store.put("installation", row["id"], row | gone)
    upkeep()
    assert status(at_work.installation) == "uninstalled"


def test_an_installation_that_stands_is_left_alone(at_work: Team) -> None:
    assert upkeep() == 1
    assert status(at_work.installation) == "active"
    assert not AuditEntry.objects.filter(action="uninstalled").exists()


STUMBLES: list[dict[str, Any]] = [
    {"status": 503}, {"status": 500, "body": "{}"}, {"status": 403, "body": "<html>Attention Required!</html>"},
    {"status": 404, "body": "<html>Not Found</html>"}, {"drop": True}, {"status": 429, "body": "{}"},
]  # fmt: skip


@pytest.mark.parametrize("fault", STUMBLES, ids=range(len(STUMBLES)))
@pytest.mark.parametrize("path", ["/auth/o/app-installation/", "/auth/o/token/"])
def test_html_403_timeouts_and_5xx_never_mean_uninstalled(at_work: Team, fault: dict[str, Any], path: str) -> None:
    Credential.objects.filter(slot="bot").update(expires_at=timezone.now())
    at_work.vendors.plane.fault(path, times=9, **fault)
    upkeep()
    assert (status(at_work.installation), bot_credential(at_work.installation).state) == ("active", "active")


@pytest.mark.parametrize("setting", ["PLANE_CLIENT_ID", "PLANE_CLIENT_SECRET"])
def test_invalid_client_marks_no_workspace_uninstalled(at_work: Team, settings: Any, setting: str) -> None:
    Credential.objects.filter(slot="bot").update(expires_at=timezone.now())
    setattr(settings, setting, "wrong")
    upkeep()
    assert (status(at_work.installation), bot_credential(at_work.installation).state) == ("active", "active")


def test_the_end_is_shown_and_noted(at_work: Team, client: Client) -> None:
    take_out(at_work.vendors)
    upkeep()
    client.force_login(at_work.members["milo"].user)
    assert b"ninstalled" in client.get("/w/sandbox/").content
    entry = AuditEntry.objects.get(action="uninstalled")
    assert (entry.installation, entry.who) == (at_work.installation, "Plane")


def test_each_admin_gets_one_mail_and_not_a_second_one(at_work: Team, mailoutbox: list[Any]) -> None:
    MembershipFactory(installation=at_work.installation, user__email="second@example.com")
    take_out(at_work.vendors)
    for _ in range(3):
        upkeep()
        told()
    with pytest.raises(ReconnectNeeded):
        plane_access(Installation.objects.get(pk=at_work.installation.pk))
    assert sorted(mail.to for mail in mailoutbox) == [["ada@sandbox.test"], ["second@example.com"]]
    assert all("/setup/" in mail.body and "no longer installed" in mail.subject for mail in mailoutbox)


def test_no_call_goes_out_for_a_workspace_that_took_us_out(at_work: Team, client: Client) -> None:
    take_out(at_work.vendors)
    upkeep()
    for vendor in (at_work.vendors.plane, at_work.vendors.planner):
        vendor.control.requests.clear()
    for door in (upkeep, plan_reconcile, work_due, work_pairs, answer, work_inbox):
        door()
    for found in Connection.objects.all():
        with pytest.raises(ReconnectNeeded):
            provider_for(found)
    assert [*at_work.vendors.plane.control.requests, *at_work.vendors.planner.control.requests] == []


def test_jobs_that_wait_for_the_workspace_are_not_worked(at_work: Team, client: Client) -> None:
    pair = ProjectPair.objects.get()
    DueFactory(pair=pair), DueFactory(pair=pair, item_id="")
    TurnFactory(installation=at_work.installation)
    assert push(issue(at_work.installation.workspace_id, project=pair.project_id)).status_code == 200
    take_out(at_work.vendors)
    upkeep()
    assert (work_due(), work_pairs(), answer(), work_inbox()) == (0, 0, 0, 1)
    assert Delivery.objects.values_list("state", "reason").get() == ("ignored", "the app is uninstalled there")
    assert set(Turn.objects.values_list("state", "attempts")) == {("heard", 0)}


def test_a_reinstall_within_the_grace_period_finds_everything_again(at_work: Team) -> None:
    pair = ProjectPair.objects.get()
    link, entry = ItemLinkFactory(pair=pair), TimelineEntryFactory(installation=at_work.installation)
    take_out(at_work.vendors)
    upkeep()
    Installation.objects.update(uninstalled_at=timezone.now() - timedelta(days=29))
    assert erase_after_grace() == 0
    ada = at_work.members["ada"].user
    SocialAccount.objects.create(user=ada, provider="plane", uid=ada.username)
    Browser(at_work.vendors).install()
    assert (status(at_work.installation), Installation.objects.get().uninstalled_at) == ("active", None)
    assert (ProjectPair.objects.get(), ItemLink.objects.get(), TimelineEntry.objects.get()) == (pair, link, entry)
    assert plane_access(Installation.objects.get()).token()
    assert Due.objects.filter(pair=pair, item_id="").exists()


def test_after_the_grace_period_it_is_erased(at_work: Team) -> None:
    take_out(at_work.vendors)
    upkeep()
    Installation.objects.update(uninstalled_at=timezone.now() - timedelta(days=30, seconds=1))
    upkeep()
    assert not Installation.objects.exists()
    assert not Credential.objects.exists()
    assert AuditEntry.objects.get(action="offboarded").who == "grace period"


def test_the_grace_period_concerns_no_workspace_that_stands(at_work: Team) -> None:
    Installation.objects.update(uninstalled_at=timezone.now() - timedelta(days=99))
    assert erase_after_grace() == 0
    assert Installation.objects.exists()


# Asked for on our side


def ask(client: Client, typed: str = "sandbox") -> Any:
    return client.post("/w/sandbox/uninstall/", {"slug": typed})


@pytest.fixture
def ada(at_work: Team, client: Client) -> Membership:
    """Ada's browser, signed in."""
    client.force_login(at_work.members["ada"].user)
    return at_work.members["ada"]


@pytest.mark.parametrize("typed", ["", "sandbo", "SANDBOX", "sandbox2", "sandbox other", "*"])
def test_only_the_exact_name_erases(ada: Membership, client: Client, typed: str) -> None:
    assert ask(client, typed).status_code == 422
    assert Installation.objects.filter(slug="sandbox").exists()


def test_looking_at_the_page_erases_nothing(ada: Membership, client: Client) -> None:
    assert client.get("/w/sandbox/uninstall/").status_code == 200
    assert Installation.objects.filter(slug="sandbox").exists()


def test_a_member_cannot_erase(at_work: Team, client: Client) -> None:
    client.force_login(at_work.members["milo"].user)
    assert ask(client).status_code == 403
    assert Installation.objects.exists()


def test_the_receipt_is_shown_and_can_be_kept(ada: Membership, client: Client) -> None:
    assert (ask(client).status_code, client.get("/receipt/").status_code) == (302, 200)
    kept = client.get("/receipt/?download")
    assert kept["Content-Disposition"] == 'attachment; filename="deletion-receipt-sandbox.json"'
    assert set(json.loads(kept.content)) == {"receipt", "workspace", "slug", "erased_at", "by", "rows", "revoked"}


def test_there_is_no_receipt_for_another_browser(ada: Membership, client: Client) -> None:
    ask(client)
    assert Client().get("/receipt/").status_code == 302


def test_the_receipt_counts_every_row_that_went(team: Team) -> None:
    fill(team.installation)
    before = counts()
    receipt = offboard(team.installation, by="a test")
    gone = {name: before[name] - now for name, now in counts().items() if now < before[name]}
    assert receipt["rows"] == gone
    assert {"installations.Installation", "sync.ItemLink", "bot.Turn", "accounts.User"} <= set(gone)
    assert {"inbox.Delivery", "inbox.DeliveryCount", "inbox.Happening"} <= set(gone)


def test_neither_the_receipt_nor_what_stays_names_a_person(ada: Membership, client: Client) -> None:
    client.get("/w/sandbox/connect/planner/")
    AuditEntryFactory(installation=ada.installation, user=ada.user, who="ada", address="192.0.2.7")
    AuditEntryFactory(installation=None, user=ada.user, who="ada", address="192.0.2.7")
    personal = [ada.user.email, ada.user.username, "milo", "192.0.2.7", "127.0.0.1"]
    ask(client)
    left = client.get("/receipt/?download").content.decode() + repr(list(AuditEntry.objects.values()))
    assert [text for text in personal if text in left] == []
    assert set(AuditEntry.objects.values_list("who", flat=True)) == {"", "an admin"}
    assert AuditEntry.objects.filter(action="uninstall_asked").exists()


def test_rows_of_other_workspaces_are_not_touched(team: Team) -> None:
    other = MembershipFactory(installation__slug="other")
    fill(other.installation)
    before = {model: set(model._default_manager.values_list("pk", flat=True)) for model in apps.get_models()}
    mine = team.installation
    fill(mine)
    offboard(mine, by="a test")
    after = {model: set(model._default_manager.values_list("pk", flat=True)) for model in apps.get_models()}
    theirs = [Connection, Credential, ProjectPair, ItemLink, Due, TimelineEntry, Turn, Delivery, DeliveryCount]
    assert [after[model] == before[model] and bool(after[model]) for model in theirs] == [True] * len(theirs)
    assert Membership.objects.get() == other
    assert Installation.objects.get() == other.installation


def test_people_without_another_workspace_are_erased_and_others_stay(at_work: Team) -> None:
    stays = MembershipFactory(user=at_work.members["ada"].user)
    offboard(at_work.installation, by="a test")
    assert list(User.objects.all()) == [stays.user]
    assert list(Membership.objects.all()) == [stays]
    assert own_token(stays).access


def test_who_was_erased_is_signed_out_and_a_second_click_does_no_harm(ada: Membership, client: Client) -> None:
    ask(client)
    receipt = client.get("/receipt/?download").content
    assert "_auth_user_id" not in client.session
    before = counts()
    again = ask(client)
    assert (again.status_code, again["Location"].split("?")[0]) == (302, "/signin/")
    assert client.get("/receipt/?download").content == receipt
    assert counts() == before


def test_a_second_click_of_somebody_who_stays_finds_nothing(ada: Membership, client: Client) -> None:
    MembershipFactory(user=ada.user)
    assert (ask(client).status_code, ask(client).status_code) == (302, 404)
    assert AuditEntry.objects.filter(action="offboarded").count() == 1


# Revocation


def test_tokens_and_webhooks_are_revoked_at_the_vendors(at_work: Team) -> None:
    bot = str(bot_credential(at_work.installation).access)
    person = str(own_token(at_work.members["ada"]).access)
    receipt = offboard(at_work.installation, by="a test")
    revoked = {"planner webhook": "revoked", "plane bot token": "revoked", "people's plane tokens": "revoked"}
    assert receipt["revoked"] == revoked
    for token in (bot, person):
        me = f"{at_work.vendors.plane.url}/api/v1/users/me/"
        assert httpx2.get(me, headers={"Authorization": f"Bearer {token}"}, trust_env=False).status_code == 401


def test_the_token_of_a_person_with_another_workspace_is_not_revoked(at_work: Team) -> None:
    MembershipFactory(user=at_work.members["ada"].user)
    token = str(own_token(at_work.members["ada"]).access)
    offboard(at_work.installation, by="a test")
    me = f"{at_work.vendors.plane.url}/api/v1/users/me/"
    assert httpx2.get(me, headers={"Authorization": f"Bearer {token}"}, trust_env=False).status_code == 200


def test_what_was_never_there_is_not_called_revoked(team: Team) -> None:
    assert offboard(team.installation, by="a test")["revoked"] == {}


def test_a_vendor_that_does_not_answer_does_not_keep_the_data_alive(at_work: Team, settings: Any) -> None:
    settings.PLANE_BASE_URL = NOBODY
    at_work.vendors.planner.fault(".*", times=99, status=503)
    receipt = offboard(at_work.installation, by="a test")
    assert set(receipt["revoked"].values()) == {"not confirmed (retry_later)"}
    assert not Installation.objects.exists()


def test_looking_asks_for_a_new_bot_token_before_it_believes_a_refusal(at_work: Team) -> None:
    uninstall.look(at_work.installation)
    held = bot_credential(at_work.installation)
    at_work.vendors.rows.store.delete("token", str(held.access))
    before = len(token_calls(at_work.vendors, "client_credentials"))
    uninstall.look(at_work.installation)
    assert len(token_calls(at_work.vendors, "client_credentials")) == before + 1
    assert status(at_work.installation) == "active"
