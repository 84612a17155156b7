"""What Plane's marketplace asks for when an app is registered, ready to paste: ``docs/marketplace/listing.md``.

Source of the fields: Plane developer docs, "Create an OAuth application" (App Name, Setup URL, Redirect URI(s), Webhook URL,
"Enable App Mentions", Scopes & Permissions), and the registration form, which also asks for contact, privacy policy and terms.
Plane documents no limits for texts: these stay short enough for any card.
"""

from __future__ import annotations

from django.urls import reverse

from planeapp.bot.commands import COMMANDS
from planeapp.plane.scopes import MINIMUM_SCOPES, OPTIONAL_SCOPES

EXAMPLE, EXAMPLE_MAIL = "https://groundcrew.example", "support@groundcrew.example"
TAGLINE = "Plane, Planner and Planhat in step, and a bot that answers in comments."
SHORT = (
    "Work items with dates become blocks in Planner, moved blocks move the dates, and a customer’s page in Planhat shows the "
    "work that is open for it. Mention the bot in a comment and it does the rest."
)
CATEGORIES = ("Productivity", "Calendar and scheduling", "Customer success", "AI agents and bots")
LONG = (
    "People plan in Plane, live in a calendar, and answer to customers. {name} keeps the three in step, so that nobody copies "
    "dates by hand or asks which customers wait for what.",
    "**Schedule.** A work item with dates gets its block in Planner; a block that is dragged moves the dates. Working hours, "
    "time zones, estimates and people are yours to set, project by project and field by field.",
    "**Customers.** Tie a work item to companies, by hand, by label or by Plane customer. It stands on their pages in Planhat "
    "while the work goes on; phase, health, owner and revenue stand on the work item.",
    "**Bot.** Say it in a comment, in your own words: `schedule tomorrow 10:00 for 2h`, `who is this for?`, `why not synced`. "
    "It answers in the thread, asks back when something is not clear, and `undo` takes its last step back.",
    "**Trust.** Every change, and everything held back, is on the item’s timeline with the reason. Runs can be taken back. "
    "It stops before it changes far more than usual, and deletes nothing unless you choose so. Tokens are encrypted; roles "
    "come from Plane.",
)
FEATURES = (
    "Two-way sync of dates, titles, states, people and labels with Planner, with a direction and a winner for each field",
    "Preview on your own items before a rule counts; conflicts wait for a person where you want that",
    "Companies from Planhat on work items, and open work on companies",
    "Rules on companies, such as “phase becomes Onboarding: create these items”",
    "{count} commands in comments and agent runs, tolerant of typos and politeness",
    "Activity, runs with undo, audit log, alerts, export of everything, and a receipt when all is erased",
)
SCREENSHOTS = {
    "overview-light-1280.png": "Health of the connections, what is waiting, and the last 14 days",
    "plane-item-light-1280.png": "The bot answers under a work item",
    "rules-light-1280.png": "Field rules with directions, tried on real items",
    "conflicts-light-1280.png": "Both values, and a person chooses",
    "item-light-1280.png": "One work item: its links, and why it is (not) in step",
    "companies-company-light-1280.png": "A company with the work that is open for it",
}
"""Pictures that ``make screenshots`` takes → what they show."""
HEAD = """\
# Listing in Plane's marketplace

<!-- Made from planeapp/dashboard/listing.py: `python manage.py listing --example > docs/marketplace/listing.md`.
     Do not edit by hand. Without --example the addresses are those of the installation that prints it. -->

To be listed, write to support@plane.so with what stands here. The app itself is registered in Plane under *Workspace settings →
Integrations → Build your own*.
"""


def page(name: str, origin: str = EXAMPLE, mail: str = EXAMPLE_MAIL) -> str:
    """The whole kit in Markdown. ``origin``: where the app runs; ``mail``: where people can write to."""
    parts = [HEAD, _fields(name, origin, mail), _texts(name), _scopes(), _pictures(origin)]
    return "\n".join(parts)


def _fields(name: str, origin: str, mail: str) -> str:
    rows = {
        "App Name": name, "Tagline": TAGLINE, "Categories": ", ".join(CATEGORIES),
        "Setup URL": origin + reverse("setup"), "Redirect URI": origin + reverse("plane_callback"),
        "Webhook URL": f"{origin}/webhooks/plane/", "Enable App Mentions": "on", "Website": f"{origin}/",
        "Support": origin + reverse("support"), "Contact e-mail": mail, "Privacy policy URL": origin + reverse("privacy"),
        "Terms URL": origin + reverse("terms"),
    }  # fmt: skip
    return "## The form\n\n" + _table(("field", "value"), rows)


def _texts(name: str) -> str:
    features = "\n".join(f"- {one.format(count=len(COMMANDS))}" for one in FEATURES)
    long = "\n\n".join(one.format(name=name) for one in LONG)
    return f"## Short description\n\n{SHORT}\n\n## Long description\n\n{long}\n\n## Features\n\n{features}\n"


def _scopes() -> str:
    asked = {f"`{scope}`": f"to {reason}" for scope, reason in MINIMUM_SCOPES.items()}
    optional = {f"`{scope}`": f"to {reason}" for scope, reason in OPTIONAL_SCOPES.items()}
    return (
        "## Scopes & Permissions\n\nTick these; each is needed for what stands beside it:\n\n" + _table(("scope", "why"), asked)
        + "\nFor workspaces with customers (Plane's Business plan), these as well, and in `PLANE_SCOPES`:\n\n"
        + _table(("scope", "why"), optional)
    )  # fmt: skip


def _pictures(origin: str) -> str:
    rows = {f"`var/screenshots/{name}`": told for name, told in SCREENSHOTS.items()}
    return (
        f"## Logo and screenshots\n\nLogo: `static/img/logo.svg` ({origin}/static/img/logo.svg), drawn for this app; it stands "
        "on light and dark ground.\n\n`make screenshots` takes pictures of every page. These tell the story:\n\n"
        + _table(("picture", "what it shows"), rows)
    )


def _table(head: tuple[str, str], rows: dict[str, str]) -> str:
    lines = [f"| {head[0]} | {head[1]} |", "|---|---|", *(f"| {left} | {right} |" for left, right in rows.items())]
    return "\n".join(lines) + "\n"
