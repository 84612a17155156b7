"""The rows that a new sandbox Planner begins with."""

from __future__ import annotations

from datetime import date, timedelta

from planeapp.sandbox.planner.schedule import Schedule
from planeapp.sandbox.store import Doc, Store
from planeapp.sandbox.world import World

SCOPES = ("events:read", "projects:read", "blocks:read", "blocks:write", "webhooks:read", "webhooks:write")
SERVICE_TOKEN = "plr_sa_sandbox.secret"
READ_TOKEN = "plr_pat_pat_readonly.secret"
CLIENT_ID, CLIENT_SECRET = "planner-preregistered", "planner-secret"

PROJECTS = (
    ("prj_ramp", "Ramp operations", "Europe/Stockholm"),
    ("prj_winter", "Winter schedule", "Europe/Stockholm"),
    ("prj_fleet", "Fleet maintenance", "America/New_York"),
)
PEOPLE = (
    ("per_ada", "Ada Lindqvist", "ada@sandbox.test"),
    ("per_milo", "Milo Berg", "milo@sandbox.test"),
    ("per_noor", "Noor Haddad", "noor@sandbox.test"),
    ("per_tess", "Tess Okafor", "tess@sandbox.test"),
)


def seed(world: World, store: Store, schedule: Schedule) -> None:
    """Put the known tokens and the OAuth client in place; fill an empty store with projects, people and blocks."""
    for token, name, kind, scopes in (
        (world.planner_token, "Sandbox token", "pat", SCOPES),
        (READ_TOKEN, "Reading only", "pat", ("events:read", "projects:read", "blocks:read")),
        (SERVICE_TOKEN, "Service account", "service", SCOPES),
    ):
        store.put("tokens", token, {"token": token, "name": name, "kind": kind, "scopes": list(scopes)})
    store.put("clients", CLIENT_ID, _client(world))
    if store.all("projects"):
        return
    for key, name, zone in PROJECTS:
        store.put("projects", key, {"id": key, "name": name, "timezone": zone})
    for key, name, email in PEOPLE:
        store.put("people", key, {"id": key, "name": name, "email": email})
    for block in _first_blocks(schedule.clock.now().date()):
        schedule.create(block)


def _client(world: World) -> Doc:
    return {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "client_name": "Groundcrew (pre-registered)",
        "redirect_uris": [f"{world.app_url}/oauth/planner/callback/"],
    }


def _first_blocks(today: date) -> list[Doc]:
    monday = today - timedelta(days=today.weekday())

    def day(number: int) -> str:
        return (monday + timedelta(days=number)).isoformat()

    return [
        {
            "project_id": "prj_ramp",
            "title": "Stand 14 resurfacing",
            "start": day(0),
            "end": day(2),
            "assignees": ["per_milo"],
        },
        {
            "project_id": "prj_ramp",
            "title": "Night towing briefing",
            "start": f"{day(3)}T14:00",
            "end": f"{day(3)}T15:30",
            "assignees": ["per_ada", "per_milo"],
            "status": "confirmed",
        },
        {
            "project_id": "prj_winter",
            "title": "De-icing rota review",
            "start": f"{day(1)}T09:00",
            "end": f"{day(1)}T12:00",
            "assignees": ["per_noor"],
        },
        {
            "project_id": "prj_winter",
            "title": "Snow clearing drill",
            "start": day(4),
            "end": day(5),
            "notes": "Both crews, weather permitting.",
        },
        {
            "project_id": "prj_fleet",
            "title": "Belt loader inspection",
            "start": day(2),
            "end": day(3),
            "assignees": ["per_tess"],
        },
    ]
