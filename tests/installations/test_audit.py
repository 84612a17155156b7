"""What the audit log has to cover, each through the real door: who, what, when, from where."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import time_machine

from planeapp.installations import audit
from planeapp.installations.models import AuditEntry, Membership
from tests.accounts.browser import Browser
from tests.factories import UserFactory
from tests.vendors import TOKENS, Vendors

pytestmark = pytest.mark.django_db
HOME = "198.51.100.7"
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def ada(vendors: Vendors) -> Browser:
    """Ada's browser, at an address of her own."""
    browser = Browser(vendors)
    browser.client.defaults["REMOTE_ADDR"] = HOME
    return browser


def connect(ada: Browser) -> None:
    answer = ada.client.post("/w/sandbox/connect/planner/", {"token": TOKENS["planner"]})
    assert answer.status_code == 302


def installed(ada: Browser) -> None:
    ada.install()


def connected(ada: Browser) -> None:
    ada.install()
    connect(ada)


def reconnected(ada: Browser) -> None:
    connected(ada)
    connect(ada)


def paired(ada: Browser) -> None:
    connected(ada)
    project = ada.vendors.row("project", identifier="CUST")["id"]
    ada.client.post("/w/sandbox/pairs/planner/", {"project": project, "place": "prj_ramp", "zone": "UTC"})


def refused_role(ada: Browser) -> None:
    ada.install()
    Membership.objects.update(role=15)
    assert ada.client.post("/w/sandbox/connect/planner/", {"token": "x"}).status_code == 403


def refused_guest(ada: Browser) -> None:
    ada.install()
    Membership.objects.update(role=5)
    assert ada.come("/w/sandbox/").status_code == 403


DONE: dict[str, tuple[Callable[[Browser], None], str, str]] = {
    "install": (installed, "installed", "ada"),
    "connect": (connected, "connected", "ada"),
    "reconnect": (reconnected, "reconnected", "ada"),
    "settings": (paired, "paired", "ada"),
    "role refusal": (refused_role, "refused_role", "ada"),
    "guest refusal": (refused_guest, "refused_role", "ada"),
}


@pytest.mark.parametrize("what", DONE)
def test_what_a_person_does_is_noted_with_who_what_when_and_from_where(ada: Browser, what: str) -> None:
    does, action, who = DONE[what]
    with time_machine.travel(NOON, tick=False):
        does(ada)
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.who, entry.user, entry.address, entry.at) == (action, who, ada.user, HOME, NOON)
    assert entry.installation is not None and entry.installation.slug == "sandbox"


def test_a_refused_install_is_noted_with_person_and_address_and_without_the_id(ada: Browser) -> None:
    foreign = ada.vendors.install("other", by="olga")
    ada.come(ada.decide(ada.signin()) + f"&app_installation_id={foreign['id']}")
    entry = AuditEntry.objects.get(action="refused_install")
    assert (entry.who, entry.user, entry.address) == ("ada", ada.user, HOME)
    assert foreign["id"] not in repr(entry.detail)


def test_an_erasure_is_noted_without_person_since_that_is_erased(ada: Browser) -> None:
    ada.install()
    ada.client.post("/w/sandbox/uninstall/", {"slug": "sandbox"})
    noted = list(AuditEntry.objects.order_by("id").values_list("action", "who", "address"))
    assert noted == [("installed", "", None), ("uninstall_asked", "", None), ("offboarded", "an admin", None)]


def test_a_person_with_a_very_long_name_is_noted(ada: Browser) -> None:
    ada.install()
    entry_of = UserFactory(display_name="", email=f"{'x' * 240}@example.com")
    membership = Membership.objects.get()
    membership.user = entry_of
    audit.record_left(membership)
    assert len(AuditEntry.objects.latest("id").who) == audit.LONGEST_NAME
