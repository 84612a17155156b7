"""Every page, as every kind of person: nothing for the browser to complain about, and it fits a phone.

Pictures of all of them, in both themes and two widths, go to ``var/screenshots``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import pytest
from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver
from playwright.sync_api import Error, Page, expect
from selectolax.lexbor import LexborHTMLParser

from tests.browser.accessibility import grave
from tests.browser.visitor import Visitor
from tests.end_to_end.journey import Newcomer
from tests.harness import ROOT, Stack

pytestmark = pytest.mark.browser
PICTURES = ROOT / "var" / "screenshots"
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WIDTHS = (390, 1280)
NO_PAGES = {"setup", "signout", "plane_callback", "healthz", "readyz", "probe",
            "confirm_tools", "try_out", "remove_pair", "sync_pair", "allow_run", "replay_one", "choose", "end_job",
            "consent", "provider_callback", "client_document", "look_again", "untie", "read_companies",
            "agree_companies_gone", "tie_item", "add_contact", "retry_company", "decide_matches", "switch_rule",
            "delete_rule", "settle_held", "retry_firing", "test_mail", "alert_seen", "ask_members", "settings_download",
            "activity_csv", "audit_csv", "metrics"}  # fmt: skip
PAGES_OF_TESTS = {"receipt", "companies", "company", "company_matching", "choose_company", "company_rules", "company_rule",
                  "new_company_rule", "firings", "company_options", "item_companies"}  # fmt: skip
"""Shown by other tests of this room."""


@dataclass(frozen=True)
class Place:
    """A page: ``who`` looks at it (``""`` is a passer-by); ``view`` is our address's name, empty on a vendor's site."""

    name: str
    path: str
    who: str = ""
    view: str = ""
    site: str = "app"
    status: int = 200


OURS = (
    Place("home", "/", view="home"),
    Place("signin", "/signin/", view="signin"),
    Place("privacy", "/privacy/", view="privacy"),
    Place("support", "/support/", view="support"),
    Place("terms", "/terms/", view="terms"),
    Place("confirm", "/confirm/", view="confirm"),
    Place("done", "/done/", view="done"),
    Place("problem", "/oauth/plane/callback/?state=unknown&code=x", view="problem", status=400),
    Place("not-found", "/w/nowhere/", "ada", status=404),
    Place("workspaces", "/workspaces/", "ada", view="workspaces"),
    Place("workspaces-none", "/workspaces/", "gus", view="workspaces"),
    Place("overview-new", "/w/other/", "olga", view="overview"),
    Place("activity-new", "/w/other/activity/", "olga", view="activity"),
    Place("messages-new", "/w/other/deliveries/?text=nothing-fits", "olga", view="deliveries"),
    Place("connect-planner-new", "/w/other/connect/planner/", "olga", view="connect"),
    Place("connect-planhat-new", "/w/other/connect/planhat/", "olga", view="connect"),
    Place("home-signed-in", "/", "ada", view="home"),
    Place("overview", "/w/sandbox/", "ada", view="overview"),
    Place("activity", "/w/sandbox/activity/", "ada", view="activity"),
    Place("messages", "/w/sandbox/deliveries/", "ada", view="deliveries"),
    Place("message", "/w/sandbox/deliveries/{delivery}/", "ada", view="delivery"),
    Place("messages-replay", "/w/sandbox/deliveries/replay/?state=ignored", "ada", view="replay"),
    Place("item", "/w/sandbox/items/{item}/", "ada", view="item"),
    Place("connect-planner", "/w/sandbox/connect/planner/", "ada", view="connect"),
    Place("connect-planhat", "/w/sandbox/connect/planhat/", "ada", view="connect"),
    Place("pairs-planner", "/w/sandbox/pairs/planner/", "ada", view="pairs"),
    Place("projects-planhat", "/w/sandbox/pairs/planhat/", "ada", view="pairs"),
    Place("backfill-planner", "/w/sandbox/pairs/planner/{pair}/backfill/", "ada", view="backfill"),
    Place("conflicts", "/w/sandbox/conflicts/", "ada", view="conflicts"),
    Place("runs", "/w/sandbox/runs/", "ada", view="runs"),
    Place("runs-all", "/w/sandbox/runs/?show=all", "ada", view="runs"),
    Place("run", "/w/sandbox/runs/{run}/", "ada", view="run"),
    Place("run-undo", "/w/sandbox/runs/{run}/undo/", "ada", view="undo"),
    Place("run-not-kept", "/w/sandbox/runs/00000000-0000-4000-8000-000000000000/", "ada", status=404),
    Place("jobs", "/w/sandbox/jobs/", "ada", view="jobs"),
    Place("settings-planner", "/w/sandbox/connect/planner/settings/", "ada", view="vendor_settings"),
    Place("webhook-planhat", "/w/sandbox/connect/planhat/webhook/", "ada", view="hand_push"),
    Place("bot-commands", "/w/sandbox/commands/", "milo", view="bot_help"),
    Place("rules", "/w/sandbox/pairs/planner/{pair}/", "ada", view="pair"),
    Place("alerts", "/w/sandbox/alerts/", "ada", view="alerts"),
    Place("members", "/w/sandbox/members/", "ada", view="members"),
    Place("settings-file", "/w/sandbox/settings-file/", "ada", view="settings_file"),
    Place("data-export", "/w/sandbox/data/", "ada", view="data_export"),
    Place("audit", "/w/sandbox/audit/", "ada", view="audit"),
    Place("uninstall", "/w/sandbox/uninstall/", "ada", view="uninstall"),
    Place("overview-member", "/w/sandbox/", "milo", view="overview"),
    Place("activity-member", "/w/sandbox/activity/", "milo", view="activity"),
    Place("messages-member", "/w/sandbox/deliveries/?state=handled", "milo", view="deliveries"),
    Place("message-member", "/w/sandbox/deliveries/{delivery}/", "milo", view="delivery"),
    Place("messages-replay-member", "/w/sandbox/deliveries/replay/", "milo", view="replay", status=403),
    Place("item-member", "/w/sandbox/items/{item}/", "milo", view="item"),
    Place("connect-planner-member", "/w/sandbox/connect/planner/", "milo", view="connect", status=403),
    Place("connect-planhat-member", "/w/sandbox/connect/planhat/", "milo", view="connect", status=403),
    Place("pairs-planner-member", "/w/sandbox/pairs/planner/", "milo", view="pairs", status=403),
    Place("conflicts-member", "/w/sandbox/conflicts/", "milo", view="conflicts"),
    Place("run-member", "/w/sandbox/runs/{run}/", "milo", view="run"),
    Place("run-undo-member", "/w/sandbox/runs/{run}/undo/", "milo", view="undo", status=403),
    Place(
        "settings-planner-member", "/w/sandbox/connect/planner/settings/", "milo", view="vendor_settings", status=403
    ),
    Place("rules-member", "/w/sandbox/pairs/planner/{pair}/", "milo", view="pair"),
    Place("alerts-member", "/w/sandbox/alerts/", "milo", view="alerts", status=403),
    Place("members-member", "/w/sandbox/members/", "milo", view="members"),
    Place("audit-member", "/w/sandbox/audit/", "milo", view="audit", status=403),
    Place("uninstall-member", "/w/sandbox/uninstall/", "milo", view="uninstall", status=403),
)
SANDBOX = (
    Place("plane-who", "/who/", "ada", site="plane"),
    Place("plane-projects", "/sandbox/", "ada", site="plane"),
    Place("plane-items", "/sandbox/projects/{project}/issues/", "ada", site="plane"),
    Place("plane-item", "/sandbox/browse/CUST-1/", "ada", site="plane"),
    Place("plane-marketplace", "/sandbox/settings/integrations/", "ada", site="plane"),
    Place("plane-deliveries", "/sandbox/settings/webhooks/", "ada", site="plane"),
    Place("plane-settings", "/sandbox/settings/", "ada", site="plane"),
    Place("plane-consent", "{app}/setup/", "ada", site="plane"),
    Place("planner-week", "/", "ada", site="planner"),
    Place("planner-month", "/?view=month", "ada", site="planner"),
    Place("planner-block", "/blocks/{block}/", "ada", site="planner"),
    Place("planner-settings", "/settings/", "ada", site="planner"),
    Place("planhat-companies", "/", "ada", site="planhat"),
    Place("planhat-company", "/company/{company}", "ada", site="planhat"),
    Place("planhat-settings", "/settings/", "ada", site="planhat"),
)


@pytest.fixture(scope="package")
def known(stack: Stack, settled: Newcomer) -> dict[str, str]:
    """Ids that the addresses of pages need, found where a person would find them."""
    item = first_link(settled, f"{stack.app}/w/sandbox/activity/", "a[href*='/items/']")
    delivery = first_link(settled, f"{stack.app}/w/sandbox/deliveries/?state=handled", "tbody a[href*='/deliveries/']")
    run = first_link(settled, f"{stack.app}/w/sandbox/runs/", "tbody a[href*='/runs/']")
    pair = first_link(settled, f"{stack.app}/w/sandbox/pairs/planner/", "a[href$='/backfill/']")
    project = first_link(settled, f"{stack.plane}/sandbox/", "a[href*='/projects/']")
    [company] = [row["_id"] for row in settled.planhat("/leancompanies") if row["name"] == "Acme Air"]
    [block, *_] = settled.blocks("Baggage belt 4")
    return {"app": stack.app, "company": company, "block": str(block["data-id"]),
            "run": run.split("/runs/")[1].strip("/"), "pair": pair.split("/")[-3],
            "item": item.split("/items/")[1].strip("/"),
            "delivery": delivery.split("/deliveries/")[1].strip("/"),
            "project": project.split("/projects/")[1].split("/")[0]}  # fmt: skip


def first_link(ada: Newcomer, address: str, link: str) -> str:
    """Where the first such link of a page leads."""
    found = LexborHTMLParser(ada.web.get(address).text).css_first(link)
    assert found is not None, f"no {link} on {address}"
    return str(found.attributes["href"])


@pytest.fixture(scope="package")
def guests(stack: Stack, people: Callable[[str], Visitor]) -> None:
    """Two people with unusual memberships: Ada in both workspaces, Gus in none any more."""
    for name in ("ada", "olga", "gus"):
        people(name)
    stack.manage("shell", "-v0", "-c", MEMBERSHIPS)


MEMBERSHIPS = """
from django.utils.timezone import now
from planeapp.accounts.models import User
from planeapp.installations.models import Installation, Membership
other, ada = Installation.objects.get(slug="other"), User.objects.get(display_name="ada")
Membership.objects.get_or_create(installation=other, user=ada, defaults={"role": 15, "checked_at": now()})
Membership.objects.filter(user__display_name="gus").delete()
"""


@pytest.mark.parametrize("place", [*OURS, *SANDBOX], ids=lambda place: place.name)
def test_the_page_loads_without_complaints_and_fits_a_phone(
    place: Place, stack: Stack, people: Callable[[str], Visitor], known: dict[str, str], guests: None
) -> None:
    visitor = people(place.who)
    visitor.complaints.clear()
    path = place.path.format_map(known)
    answer = visitor.tab.goto(path if path.startswith("http") else getattr(stack, place.site) + path)
    assert answer is not None
    assert answer.status == place.status
    assert pictured(visitor.tab, place.name) == []
    if place.site == "app":
        assert grave(visitor.tab) == []
    assert unexpected(visitor, place) == []


@pytest.mark.parametrize("place", [place for place in OURS if place.status == 200], ids=lambda place: place.name)
def test_the_page_shows_the_same_without_script(
    place: Place, stack: Stack, people: Callable[[str], Visitor], plain: Callable[[str], Visitor],
    known: dict[str, str], guests: None,
) -> None:  # fmt: skip
    address = stack.app + place.path.format_map(known)
    shown = [offered(person(place.who), address) for person in (people, plain)]
    assert shown[0] == shown[1] and shown[0][0]


def offered(visitor: Visitor, address: str) -> tuple[list[str], int]:
    """Headings, and how many forms one can send."""
    visitor.tab.goto(address)
    main = visitor.tab.locator("main")
    return main.locator("h1, h2").all_inner_texts(), main.locator("form button[type=submit]").count()


def test_uninstalling_hands_out_a_receipt(people: Callable[[str], Visitor]) -> None:
    visitor = people("olga")
    visitor.complaints.clear()
    page = visitor.tab
    page.goto("/w/other/uninstall/")
    page.get_by_role("textbox", name="Workspace").fill("other")
    page.get_by_role("button", name="Erase other").click()
    expect(page.get_by_role("heading", name="Deletion receipt")).to_be_visible()
    with page.expect_download() as receipt:
        page.get_by_role("link", name="Download as JSON").click()
    assert receipt.value.suggested_filename == "deletion-receipt-other.json"
    assert pictured(page, "receipt") == []
    assert visitor.complaints == []


def test_messages_are_filtered_at_once_and_the_address_can_be_shared(
    people: Callable[[str], Visitor], known: dict[str, str]
) -> None:
    visitor = people("ada")
    visitor.complaints.clear()
    page = visitor.tab
    page.goto("/w/sandbox/deliveries/")
    rows = page.locator("#found tbody tr")
    expect(rows.first).to_be_visible()
    for words in ("nothing-fits", "", "nor-this"):  # more than once: a form that was sent can be sent again
        page.get_by_label("Search").fill(words)
        expect(page.get_by_text("No message fits")).to_have_count(1 if words else 0)
        expect(page).to_have_url(re.compile(rf"text={words}(&|$)"))
    page.get_by_label("Search").fill("")
    page.get_by_label("About", exact=True).select_option(label="Comment written")
    expect(page.locator("#found tbody .mono").first).to_have_text("comment.written")
    page.reload()
    expect(page.get_by_label("About", exact=True)).to_have_value("comment.written")
    assert visitor.complaints == []


def test_ticked_messages_are_worked_on_again(people: Callable[[str], Visitor], known: dict[str, str]) -> None:
    visitor = people("ada")
    visitor.complaints.clear()
    page = visitor.tab
    page.goto("/w/sandbox/deliveries/?state=handled")
    page.locator("#found").get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Work on the ticked ones again").click()
    expect(page.get_by_text("1 message is worked on again.")).to_be_visible()
    assert visitor.complaints == []


def unexpected(visitor: Visitor, place: Place) -> list[str]:
    """Complaints, without the browser's remark that the page asked for was refused as it should be."""
    remark = f"the server responded with a status of {place.status}"
    return [told for told in visitor.complaints if place.status == 200 or remark not in told]


def pictured(page: Page, name: str) -> list[str]:
    """Take the four pictures; gives what sticks out to the right on the way."""
    sticking: list[str] = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 844})
        sticking += page.evaluate(STICKING_OUT)
        height = page.evaluate("Math.min(document.documentElement.scrollHeight, 4000)")
        page.set_viewport_size({"width": width, "height": height})
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            page.screenshot(path=PICTURES / f"{name}-{theme}-{width}.png")
    return sticking


STICKING_OUT = """() => {
  const wide = document.documentElement;
  if (wide.scrollWidth <= wide.clientWidth) return [];
  const past = [...document.querySelectorAll("body *")].filter((one) => one.getBoundingClientRect().right > wide.clientWidth + 1);
  return [`${wide.scrollWidth} > ${wide.clientWidth}`, ...past.slice(0, 5).map((one) => one.outerHTML.slice(0, 120))];
}"""


def test_what_people_cannot_read_or_use_would_be_noticed(visitor: Visitor) -> None:
    visitor.tab.goto("/")
    visitor.tab.evaluate(HARD_TO_USE)
    told = " ".join(grave(visitor.tab))
    visitor.complaints.clear()  # of the picture that is not there
    assert all(rule in told for rule in ("image-alt", "label", "color-contrast"))


HARD_TO_USE = """() => {
  document.querySelector("main").innerHTML = "<img src='/static/img/none.svg'><input><p>Hello</p>";
  Object.assign(document.querySelector("main p").style, {color: "#999", background: "#aaa"});
}"""


def test_foreign_requests_inline_styles_and_script_errors_would_be_noticed(visitor: Visitor) -> None:
    visitor.tab.goto("/")
    visitor.tab.evaluate(BAD_MANNERS)
    visitor.tab.wait_for_timeout(50)
    told = " ".join(visitor.complaints)
    visitor.complaints.clear()
    assert "Content Security Policy" in told
    assert "elsewhere.invalid" in told
    assert "on purpose" in told


BAD_MANNERS = """() => {
  document.body.insertAdjacentHTML("beforeend", '<p style="color: red">x</p><img src="http://elsewhere.invalid/x.png">');
  setTimeout(() => { throw new Error("on purpose"); });
}"""


def test_a_navigation_to_another_machine_would_be_noticed(visitor: Visitor) -> None:
    with pytest.raises(Error, match="ERR_FAILED"):
        visitor.tab.goto("http://elsewhere.invalid/")
    assert visitor.complaints.pop(0) == "asked another machine: http://elsewhere.invalid/"


def test_no_page_of_ours_is_left_out() -> None:
    shown = {place.view for place in OURS if place.view}
    assert shown | PAGES_OF_TESTS | NO_PAGES == names(get_resolver().url_patterns)


def names(patterns: list[URLPattern | URLResolver]) -> set[str]:
    """Names of all addresses."""
    found: set[str] = set()
    for pattern in patterns:
        found |= names(pattern.url_patterns) if isinstance(pattern, URLResolver) else {str(pattern.name)}
    return found


def test_pictures_were_taken_in_both_themes_and_widths(known: dict[str, str]) -> None:
    taken = {path.stem for path in PICTURES.glob("*.png")}
    assert {f"{place.name}-{theme}-{width}" for place in OURS for theme in THEMES for width in WIDTHS} <= taken
