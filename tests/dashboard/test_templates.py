"""What people see: every page works, says what to do next, and keeps to the rules of the house."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import get_template, render_to_string
from django.test import Client
from selectolax.lexbor import LexborHTMLParser

from planeapp.installations.models import Connection, Installation, Membership
from tests.factories import ConnectionFactory, DeliveryFactory, MembershipFactory, TimelineEntryFactory

ROOT = Path(settings.BASE_DIR)
MAILS = sorted((ROOT / "templates" / "mail").glob("*.html"))
TEMPLATES = sorted(set((ROOT / "templates").rglob("*.html")) - set(MAILS))
STYLE = (ROOT / "static/css/app.css").read_text()
PAIRS = [
    *((text, ground, 4.5) for text in ("ink", "soft", "accent") for ground in ("bg", "surface", "sunken")),
    *((tone, f"{tone}-tint", 4.5) for tone in ("ok", "warn", "bad", "idle")),
    *(("ink", f"{tone}-tint", 4.5) for tone in ("ok", "warn", "bad", "accent")),
    ("on-accent", "accent", 4.5), ("on-accent", "accent-strong", 4.5), ("accent-strong", "accent-tint", 4.5),
    ("bad", "surface", 4.5), ("surface", "ok", 4.5), ("edge", "surface", 3.0), ("accent", "surface", 3.0),
    *((f"chart-{tone}", "surface", 3.0) for tone in ("one", "two", "three", "ok", "warn", "bad")),
]  # fmt: skip


@pytest.fixture
def admin(db: None) -> Membership:
    """An admin of an active workspace."""
    membership: Membership = MembershipFactory()
    return membership


def _page(membership: Membership, path: str = "", status: int = 200) -> LexborHTMLParser:
    client = Client()
    client.force_login(membership.user)
    answer = client.get(f"/w/{membership.installation.slug}/{path}")
    assert answer.status_code == status
    return LexborHTMLParser(answer.content.decode())


def _hrefs(page: LexborHTMLParser) -> list[str]:
    return [str(link.attributes.get("href")) for link in page.css("main a")]


def _text(page: LexborHTMLParser) -> str:
    main = page.css_first("main")
    assert main is not None
    return " ".join(main.text().split())


def _tokens(dark: bool) -> dict[str, str]:
    """The hex colours of a theme by token name."""
    light_part, dark_part = STYLE.split("prefers-color-scheme: dark", 1)
    part = dark_part.split("/* --- Ground", 1)[0] if dark else light_part
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", part))


def _luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb`` (WCAG 2.2)."""
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: str, other: str) -> float:
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


# --- Rules that hold for every file


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_parses_and_needs_nothing_that_the_content_policy_forbids(path: Path) -> None:
    source = path.read_text()
    assert get_template(str(path.relative_to(ROOT / "templates"))) is not None
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*src=)|hx-on|\bjs:|\|\s*safe\b", source)
    assert not re.search(r"(src|href)=\"(https?:)?//", source)


@pytest.mark.parametrize("path", MAILS, ids=lambda path: path.name)
def test_a_mail_loads_nothing_and_has_its_text_beside_it(path: Path) -> None:
    source = path.read_text()
    assert not re.search(r"<(img|script|link|style|iframe)|url\(|\ssrc=|\|\s*safe\b", source)
    assert path.with_suffix(".txt").exists() and "autoescape off" in path.with_suffix(".txt").read_text()


def test_the_stylesheet_asks_no_other_machine() -> None:
    assert not re.search(r"url\(|@import|https?:", STYLE)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground", "least"), PAIRS)
def test_colours_that_meet_are_easy_to_tell_apart(dark: bool, text: str, ground: str, least: float) -> None:
    tokens = _tokens(dark)
    assert _contrast(tokens[text], tokens[ground]) >= least


def test_every_icon_that_a_template_names_is_in_the_sprite() -> None:
    source = "".join(path.read_text() for path in TEMPLATES)
    named = set(re.findall(r'(?:_icon\.html" with name|icon|tone)="(\w+)"', source))
    drawn = set(re.findall(r'<symbol id="(\w+)"', (ROOT / "static/img/icons.svg").read_text()))
    assert {"ok", "bad", "clock"} <= named <= drawn


def test_every_class_that_a_template_names_is_styled() -> None:
    values = re.findall(r'class="([^"{]+)[" {]', "".join(path.read_text() for path in TEMPLATES))
    named = {name for value in values for name in value.split() if not name.endswith("--")}
    styled = set(re.findall(r"\.([a-z][a-z_-]*)", STYLE))
    assert {"card", "timeline"} <= named <= styled


# --- Pages outside a workspace


def test_the_landing_page_offers_install_and_sign_in(db: None) -> None:
    page = LexborHTMLParser(Client().get("/").content.decode())
    assert {"/setup/", "/signin/"} <= set(_hrefs(page))


def test_the_landing_page_leads_a_signed_in_person_to_the_workspaces(admin: Membership) -> None:
    client = Client()
    client.force_login(admin.user)
    page = LexborHTMLParser(client.get("/").content.decode())
    assert "/workspaces/" in _hrefs(page)
    assert page.css_first('form[action="/signout/"] button') is not None


def test_the_sign_in_form_remembers_where_the_person_wanted_to_go(db: None) -> None:
    page = LexborHTMLParser(Client().get("/signin/?next=/w/acme/").content.decode())
    form = page.css_first('main form[method="post"][action="/signin/"]')
    assert form is not None and form.css_first('[name="csrfmiddlewaretoken"]') is not None
    assert form.css_first('[name="next"]').attributes["value"] == "/w/acme/"


def test_what_is_typed_into_the_address_is_never_markup(db: None) -> None:
    answer = Client().get("/signin/", {"next": '"><script src=x>'})
    assert b"<script src=x>" not in answer.content


def test_the_page_for_a_fault_of_ours_needs_no_context() -> None:
    page = LexborHTMLParser(render_to_string("dashboard/broken.html"))
    assert "try again" in _text(page) and _hrefs(page) == ["/"]


def test_a_stale_form_gets_a_page_that_says_what_to_do(door: Client, db: None) -> None:
    answer = door.post("/signin/")
    assert answer.status_code == 403
    assert "once more" in answer.content.decode()


def test_somebody_without_a_workspace_is_told_how_to_get_one(admin: Membership) -> None:
    Membership.objects.all().delete()
    client = Client()
    client.force_login(admin.user)
    page = LexborHTMLParser(client.get("/workspaces/").content.decode())
    assert "No workspace yet" in _text(page) and "/setup/" in _hrefs(page)


# --- Pages of a workspace


def test_the_overview_of_a_fresh_workspace_leads_to_the_next_step(admin: Membership) -> None:
    page = _page(admin)
    step = page.css_first('[aria-current="step"]')
    assert step is not None and "Connect Planner" in step.text()
    assert step.css_first("a").attributes["href"] == f"/w/{admin.installation.slug}/connect/planner/"


def test_a_member_sees_the_overview_without_buttons_for_admins(admin: Membership) -> None:
    page = _page(MembershipFactory(installation=admin.installation, plain=True))
    assert not [href for href in _hrefs(page) if "/connect/" in href]
    assert f"An admin of {admin.installation.name}" in _text(page)


@pytest.mark.parametrize(("status", "button"), [("reconnect", "Reconnect Plane"), ("uninstalled", "Install again")])
def test_a_broken_installation_is_said_on_top_with_the_mend(admin: Membership, status: str, button: str) -> None:
    Installation.objects.update(status=status)
    banner = _page(admin).css_first('main > [role="alert"]')
    assert banner is not None and button in banner.text()
    assert banner.css_first("a").attributes["href"] == "/setup/"


def test_a_member_is_told_who_can_mend_a_broken_installation(admin: Membership) -> None:
    Installation.objects.update(status="reconnect")
    banner = _page(MembershipFactory(installation=admin.installation, plain=True)).css_first('main > [role="alert"]')
    assert banner is not None and "An admin of" in banner.text() and banner.css_first("a") is None


@pytest.mark.parametrize(
    ("status", "label"), [("active", "Connected"), ("reconnect", "Reconnect needed"), ("paused", "Paused")]
)
def test_a_connection_says_in_words_how_it_fares(admin: Membership, status: str, label: str) -> None:
    ConnectionFactory(installation=admin.installation, status=Connection.Status(status))
    pills = [pill.text(strip=True) for pill in _page(admin).css(".health .pill")]
    assert pills == ["Connected", label, "Not connected"]


def test_the_live_part_reloads_itself_from_the_page_that_holds_it(admin: Membership) -> None:
    page = _page(admin)
    live = page.css_first("#live")
    assert live is not None and live.attributes["hx-get"] == f"/w/{admin.installation.slug}/"
    assert live.attributes["hx-select"] == "#live"
    assert page.css_first("[data-live-toggle]") is not None


def test_activity_shows_the_reason_and_leads_to_the_messages(admin: Membership) -> None:
    TimelineEntryFactory(installation=admin.installation, code="no_dates", text="It has no dates.")
    page = _page(admin, "activity/")
    assert "It has no dates." in _text(page) and "no_dates" in _text(page)
    assert f"/w/{admin.installation.slug}/deliveries/" in _hrefs(page)


def test_messages_show_what_became_of_them_and_why(admin: Membership) -> None:
    DeliveryFactory(installation=admin.installation, state="dead", reason="The project is gone.")
    text = _text(_page(admin, "deliveries/"))
    assert "Given up" in text and "The project is gone." in text


def test_empty_activity_and_messages_say_what_to_do_next(admin: Membership) -> None:
    assert "mention the bot in a comment" in _text(_page(admin, "activity/"))
    messages = _page(admin, "deliveries/")
    assert "No messages yet" in _text(messages) and f"/w/{admin.installation.slug}/" in _hrefs(messages)
    assert "No message fits" in _text(_page(admin, "deliveries/?text=nothing"))


def test_an_item_page_says_why_it_is_not_synced(admin: Membership) -> None:
    entry = TimelineEntryFactory(installation=admin.installation, code="no_dates", text="It has no dates.")
    note = _page(admin, f"items/{entry.item_id}/").css_first(".note--warning")
    assert note is not None and "It has no dates." in note.text()


def test_times_are_shown_in_the_zone_of_the_workspace(admin: Membership) -> None:
    Installation.objects.update(zone="Asia/Kolkata")
    entry = TimelineEntryFactory(installation=admin.installation)
    type(entry).objects.update(at="2026-03-04T20:00:00Z")
    text = _text(_page(admin, "activity/"))
    assert "Thursday 5 March 2026" in text and "01:30" in text


def test_the_report_of_a_connection_names_each_ability_and_its_state(admin: Membership) -> None:
    lines = [{"name": "webhooks", "label": "Webhooks", "state": "failed", "detail": "The token lacks a scope."}]
    ConnectionFactory(installation=admin.installation, report={"lines": lines, "abilities": []})
    text = _text(_page(admin, "connect/planner/"))
    assert "Webhooks Needs a look The token lacks a scope." in text


def test_a_wrong_field_is_tied_to_its_error(admin: Membership) -> None:
    client = Client()
    client.force_login(admin.user)
    answer = client.post(f"/w/{admin.installation.slug}/connect/planner/", {"token": ""})
    page = LexborHTMLParser(answer.content.decode())
    field = page.css_first("#id_token")
    assert field is not None and field.attributes["aria-invalid"] == "true"
    assert all(page.css_first(f"#{name}") for name in str(field.attributes["aria-describedby"]).split())


def test_a_secret_is_never_sent_back(admin: Membership) -> None:
    client = Client()
    client.force_login(admin.user)
    answer = client.post(f"/w/{admin.installation.slug}/connect/planner/", {"token": "plr_pat_sécret"})
    assert answer.status_code == 422
    assert "sécret" not in answer.content.decode()


def test_members_are_told_who_can_change_connections(admin: Membership) -> None:
    page = _page(MembershipFactory(installation=admin.installation, plain=True), "connect/planner/", status=403)
    assert "Please ask one of them" in _text(page) and page.css_first("main form") is None


def test_projects_that_cannot_be_read_leave_a_way_to_try_again() -> None:
    page = LexborHTMLParser(render_to_string("dashboard/_pair_form.html", {
        "fault": "Planner did not answer.", "installation": Installation(slug="acme"), "provider": {"key": "planner"},
    }))  # fmt: skip
    assert page.css_first('[role="alert"] a').attributes["href"] == "/w/acme/pairs/planner/"
    assert page.css_first("form") is None
