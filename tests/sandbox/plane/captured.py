"""The world of the captured Plane server, rebuilt from its own answers so that ids in the captures fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from planeapp.sandbox.clock import Clock
from planeapp.sandbox.plane import projects, things, work_items
from planeapp.sandbox.plane.core import Plane
from planeapp.sandbox.store import Store
from planeapp.sandbox.world import World

FOLDER = Path(__file__).parents[2] / "fixtures" / "plane_api"
BOT, ADA, MILO = (
    "c05dee0f-8235-48d9-b338-0f4a1be063d3",
    "f38baf15-9533-4630-b0e0-554e3e295433",
    "9d9c2f8d-8417-41ab-93c9-3ada3a80adfa",
)
WORKSPACE = "4ebe9d11-4ef7-43f3-a486-667e10df0135"
CUST, INTG = "e0e8542b-2eb3-40a7-8f8b-313a23e04424", "24e8b594-387c-4852-b92b-096a80bf36d4"
KEYS = {"<bot api key>": BOT, "<admin api key>": ADA, "<member api key>": MILO}
CUST_STATES = {
    "Backlog": "948c42a2-2126-46d5-8ca5-ab5364002eee",
    "Todo": "6721f5fe-5b9d-4a09-9cc6-141571f0ce58",
    "In Progress": "91c3d880-eb8f-4369-9258-2152d6f1802e",
    "Done": "c910af7d-10b1-4180-a2bb-0a7cec5b9c63",
    "Cancelled": "00000000-0000-4000-8000-000000000001",
}
CUST_LABELS = {"customer": "33bebe3f-f654-4dfc-b6c4-271ae6a829cc", "bug": "e894fd5f-a262-4da3-919e-1ec910e841b2"}


def captures() -> list[dict[str, Any]]:
    """Every captured call, in order, with the number of its file."""
    return [json.loads(path.read_text()) | {"number": int(path.name[:3])} for path in sorted(FOLDER.glob("*.json"))]


def answers(number: int) -> Any:
    """The body that the real server answered in capture ``number``."""
    return json.loads(next(FOLDER.glob(f"{number:03}_*.json")).read_text())["response"]["body"]


def world() -> Plane:
    """A sandbox's rows with the captured people, projects, states and labels."""
    plane = Plane(World(), Store(), Clock())
    people = {}
    for row in answers(15):
        member = {"user_timezone": "UTC", "is_bot": row["id"] == BOT, "deleted_at": None}
        people[row["id"]] = plane.store.put(
            "user", row["id"], {name: row[name] for name in row if name != "role"} | member
        )
    roles = {row["id"]: row["role"] for row in reversed(answers(15))}
    place = {
        "id": WORKSPACE,
        "slug": "sandbox",
        "name": "Sandbox",
        "logo_url": None,
        "deleted_at": None,
        "members": roles,
    }
    plane.store.put("workspace", WORKSPACE, place)
    for row in answers(6)["results"]:
        plane.store.put("project", row["id"], row | {"members": {ADA: 20, MILO: 15, BOT: 20}})
    for row in answers(19)["results"]:
        plane.store.put("state", row["id"], row)
    for row in reversed(answers(20)["results"]):
        plane.store.put("label", row["id"], row)
    _customer_work(plane, people[ADA])
    return plane


def _customer_work(plane: Plane, ada: dict[str, Any]) -> None:
    project = plane.store.get("project", CUST)
    assert project is not None
    for index, (name, color, group) in enumerate(projects.STATES):
        values = {"name": name, "color": color, "group": group, "id": CUST_STATES[name]}
        projects.add_state(plane, project, ada, **values, sequence=15_000.0 + 10_000 * index, default=index == 0)
    for name, key in CUST_LABELS.items():
        things.add_label(plane, project, ada, name=name, id=key)
    # The captured CUST-1 was gone when the numbered calls began.
    work_items.delete(plane, work_items.create(plane, project, ada, {"name": "gone"}), ada)
