"""The world in which the sandbox's Plane begins: an airline's ground crew, and a second workspace beside it."""

from __future__ import annotations

from datetime import timedelta

from planeapp.sandbox.plane import comments, projects, things, work_items
from planeapp.sandbox.plane.auth import ADMIN, GUEST, MEMBER
from planeapp.sandbox.plane.core import Plane
from planeapp.sandbox.store import Doc

LABELS = (("bug", "#f97316"), ("planhat", "#7c3aed"))
PEOPLE = (
    ("ada", "Ada", "Admin", "ada@sandbox.test"),
    ("milo", "Milo", "Member", "milo@sandbox.test"),
    ("gus", "Gus", "Guest", "gus@sandbox.test"),
    ("olga", "Olga", "Other", "olga@sandbox.test"),
)
# name, state, priority, first and last day counted from today, label, who does it, description
CUSTOMER_WORK = (
    (
        "Baggage belt 4 jams on oversized ski bags",
        "In Progress",
        "urgent",
        0,
        2,
        "bug",
        "milo",
        "Alpine Charter reports three stops a day.",
    ),
    (
        "Turnaround board shows the old gate after a swap",
        "Todo",
        "high",
        1,
        4,
        "bug",
        "milo",
        "Seen by Nordwind at gates B12 to B16.",
    ),
    (
        "Onboard Alpine Charter to the de-icing schedule",
        "Todo",
        "medium",
        3,
        8,
        "planhat",
        "ada",
        "They start flying on the first of the month.",
    ),
    (
        "Renewal review with Nordwind Air",
        "Backlog",
        "high",
        7,
        7,
        "planhat",
        "ada",
        "Bring the turnaround figures of the last quarter.",
    ),
    (
        "Export of ramp checklists loses the signatures",
        "Todo",
        "medium",
        None,
        None,
        "bug",
        None,
        "The PDF is fine on screen and blank on paper.",
    ),
    (
        "Ask Coastline Express which stands they need in summer",
        "Backlog",
        "low",
        None,
        20,
        "planhat",
        None,
        "Their slot list changes in March.",
    ),
    (
        "Fuel truck app logs drivers out at shift change",
        "Done",
        "high",
        -9,
        -6,
        "bug",
        "milo",
        "Fixed with the longer session.",
    ),
)
INTEGRATION_LAB = (
    (
        "Try the flight feed over the new gateway",
        "In Progress",
        "medium",
        -1,
        1,
        None,
        "milo",
        "Compare departure times for one day.",
    ),
    ("Map crew calendars to work item dates", "Todo", "low", 2, 5, None, "ada", "Whole days first, hours later."),
    (
        "Retire the nightly CSV import",
        "Backlog",
        "none",
        None,
        None,
        None,
        None,
        "Nobody has opened the folder since spring.",
    ),
)


def seed(plane: Plane) -> None:
    """Fill an empty store; does nothing to one that has been filled."""
    if plane.store.all("workspace"):
        return
    register_app(plane)
    people = {name: person(plane, name, first, last, email) for name, first, last, email in PEOPLE}
    roles = {people["ada"]["id"]: ADMIN, people["milo"]["id"]: MEMBER, people["gus"]["id"]: GUEST}
    sandbox = workspace(plane, "sandbox", "Sandbox Air", roles)
    icon = {"icon": {"name": "eco", "color": "#e57a00"}, "in_use": "icon"}
    customers = _project(plane, sandbox, people, roles, "Customer work", "CUST", "Requests from customers", icon)
    _items(plane, customers, people, CUSTOMER_WORK)
    icon = {"icon": {"name": "sync", "color": "#95999f"}, "in_use": "icon"}
    lab = _project(plane, sandbox, people, roles, "Integration lab", "INTG", "Where new connections are tried", icon)
    _items(plane, lab, people, INTEGRATION_LAB)
    first = plane.live("work_item", project=customers["id"])[0]
    comments.add(
        plane,
        first,
        people["milo"],
        comment_html="<p>The spare sensor is here, I can fit it between the night flights.</p>",
    )
    other = workspace(plane, "other", "Other Airways", {people["olga"]["id"]: ADMIN})
    project = projects.create(
        plane, other, people["olga"], name="Quiet work", identifier="QUIET", description="Not yours"
    )
    work_items.create(plane, project, people["olga"], {"name": "Count the life vests"})


def register_app(plane: Plane) -> Doc:
    """Register the app under test with its addresses and credentials."""
    world = plane.world
    return plane.new(
        "application",
        None,
        name="Groundcrew",
        slug="groundcrew",
        description="Keeps work items, schedules and customers in step, and answers in comments.",
        client_id=world.client_id,
        client_secret=world.client_secret,
        setup_url=world.app_url + "/setup/",
        redirect_uris=[world.app_url + "/oauth/plane/callback/"],
    )


def person(plane: Plane, name: str, first: str, last: str, email: str, **more: object) -> Doc:
    """Make a user."""
    base: Doc = {
        "first_name": first,
        "last_name": last,
        "email": email,
        "display_name": name,
        "avatar": "",
        "avatar_url": None,
    }
    return plane.new("user", None, **base | {"user_timezone": "UTC", "is_bot": False} | more)


def workspace(plane: Plane, slug: str, name: str, members: dict[str, int], **more: object) -> Doc:
    """Make a workspace with these roles."""
    return plane.new(
        "workspace", None, **{"slug": slug, "name": name, "logo_url": None, "members": dict(members)} | more
    )


def _project(
    plane: Plane,
    place: Doc,
    people: dict[str, Doc],
    roles: dict[str, int],
    name: str,
    identifier: str,
    description: str,
    icon: Doc,
) -> Doc:
    views = {"module_view": True, "cycle_view": True, "intake_view": True, "logo_props": icon}
    project = projects.create(
        plane, place, people["ada"], name=name, identifier=identifier, description=description, **views
    )
    project["members"] |= roles
    plane.store.put("project", project["id"], project)
    for label, color in LABELS:
        things.add_label(plane, project, people["ada"], name=label, color=color)
    return project


def _items(plane: Plane, project: Doc, people: dict[str, Doc], rows: tuple[tuple[object, ...], ...]) -> None:
    states = {row["name"]: row["id"] for row in plane.live("state", project=project["id"])}
    labels = {row["name"]: row["id"] for row in plane.live("label", project=project["id"])}
    today = plane.clock.now().date()
    for name, state, priority, start, target, label, doer, description in rows:
        values: Doc = {
            "name": name,
            "state": states[str(state)],
            "priority": priority,
            "description_html": f"<p>{description}</p>",
        }
        for field, days in (("start_date", start), ("target_date", target)):
            values[field] = (today + timedelta(days=days)).isoformat() if isinstance(days, int) else None
        values["labels"] = [labels[str(label)]] if label else []
        values["assignees"] = [people[str(doer)]["id"]] if doer else []
        work_items.create(plane, project, people["ada"], values)
