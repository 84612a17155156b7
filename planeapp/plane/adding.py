"""Adding to what a work item has. Plane replaces labels and people as a whole, so they are read, added to and written by id:
nothing that we know no name of is taken away."""

from __future__ import annotations

from planeapp.lib.errors import FixSettings, Gone
from planeapp.plane.bodies import clean_id
from planeapp.plane.records import Row
from planeapp.plane.side import PlaneSide


def add_label(side: PlaneSide, project: str, item_id: str, name: str) -> bool:
    """Give a work item a label, made when the project has none of this name (letter case does not matter).

    False when it has it already. Gone when the work item was deleted or archived.
    """
    labels, wanted = _ids(_record(side, project, item_id), "labels"), _label_id(side, project, name)
    if wanted in labels:
        return False
    try:
        side.plane.update_item(project, item_id, labels=[*labels, wanted])
    except FixSettings:
        side.about.renew(project, "labels", ours=True)  # somebody may have deleted it since we asked for the labels
        fresh = _label_id(side, project, name)
        if fresh == wanted:
            raise
        side.plane.update_item(project, item_id, labels=[*labels, fresh])
    return True


def add_person(side: PlaneSide, project: str, item_id: str, email: str) -> bool:
    """Assign a work item to somebody as well. False when Plane does not know the address, or leaves the person out in silence
    (guests). Gone when the work item was deleted or archived."""
    record = _record(side, project, item_id)
    member, people = member_id(side, project, email), _ids(record, "assignees")
    if not member or member in people:
        return bool(member)
    saved = side.plane.update_item(project, item_id, assignees=[*people, member])
    return "assignees" not in saved.dropped


def member_id(side: PlaneSide, project: str, email: str) -> str:
    """The id of the project's member with this address, who may have been let in just now; ``""`` when there is none."""
    found = _members(side, project).get(email.lower(), "")
    if not found and email:
        side.about.renew(project, "members")
        found = _members(side, project).get(email.lower(), "")
    return found


def _members(side: PlaneSide, project: str) -> dict[str, str]:
    return {member.email: member.id for member in side.members(project) if member.email and not member.is_bot}


def _label_id(side: PlaneSide, project: str, name: str) -> str:
    for label in side.labels(project):
        if str(label.get("name") or "").casefold() == name.casefold():
            return clean_id(label)
    made = clean_id(side.plane.ensure_label(project, name))
    side.about.renew(project, "labels", ours=True)
    return made


def _record(side: PlaneSide, project: str, item_id: str) -> Row:
    record = side.plane.item(project, item_id)
    if record is None:
        raise Gone(f"work item {item_id} is gone or archived", person="It was deleted or archived.")
    return record


def _ids(record: Row, column: str) -> list[str]:
    return [clean_id(entry) for entry in record.get(column) or ()]
