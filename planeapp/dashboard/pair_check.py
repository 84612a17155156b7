"""What a check of rules found, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.html import strip_tags
from django.utils.text import Truncator

from planeapp.providers.base import Field
from planeapp.sync.guard import objection
from planeapp.sync.models import ItemLink
from planeapp.sync.preflight import Check, FieldCheck
from planeapp.sync.shapes import Change, Snapshot
from planeapp.sync.values import spoken

EXAMPLES = 10
LONGEST_VALUE = 80
WRITES = ("create", "update", "delete")


@dataclass
class Example:
    """A work item (one that is gone has no key) and what would happen to it."""

    title: str
    key: str = ""
    url: str = ""
    lines: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Shown:
    """A check for the page: fields by name, counts in words, why items wait, examples, and what the guard would say."""

    fields: Mapping[str, FieldCheck]
    figures: Sequence[tuple[int, str]]
    steps: Sequence[str]
    held: Mapping[str, int]
    examples: Sequence[Example]
    guard: str


def in_words(found: Check, name: str, fields: Sequence[Field]) -> Shown:
    """The outcome of :func:`planeapp.sync.preflight.check`; ``name`` is the provider's."""
    snapshot, plan = found.snapshot, found.plan
    linked = sum(link.state == ItemLink.State.LINKED for link in snapshot.links)
    return Shown(
        fields={one.name: one for one in found.fields},
        figures=[
            (_written(plan.changes, "vendor"), f"to be written in {name}"),
            (_written(plan.changes, "plane"), "to be written in Plane"),
            (plan.counts.get("held", 0), "left alone for now"),
        ],
        steps=_steps(plan.counts, name),
        held=found.held,
        examples=_examples(plan.changes, snapshot, name, fields),
        guard=objection(plan, linked, snapshot.missing),
    )  # fmt: skip


def _written(changes: Sequence[Change], side: str) -> int:
    """How many items would be written on a side."""
    return len({(one.item_id, one.remote_id) for one in changes if one.kind in WRITES and one.side == side})


def _steps(counts: Mapping[str, int], name: str) -> list[str]:
    """Each kind of change with its number."""
    words = {
        "create vendor": f"new in {name}", "adopt vendor": f"found in {name} and linked",
        "update vendor": f"changed in {name}", "update plane": "changed in Plane", "show plane": "linked on the work item",
        "unlink plane": "no longer linked, gone in Plane", "unlink vendor": f"no longer linked, gone in {name}",
        "delete vendor": f"deleted in {name}",
    }  # fmt: skip
    return [f"{counts[kind]} {told}" for kind, told in words.items() if counts.get(kind)]


def _examples(changes: Sequence[Change], snapshot: Snapshot, name: str, fields: Sequence[Field]) -> list[Example]:
    labels = {known.name: known.label for known in fields} | {"starts_at": "Begins", "ends_at": "Ends"}
    found: dict[str, Example] = {}
    for change in changes:
        if change.kind == "agree" or (change.item_id not in found and len(found) == EXAMPLES):
            continue
        example = found.setdefault(change.item_id, _example(change, snapshot))
        example.lines.append(_line(change, name, labels))
    return list(found.values())


def _example(change: Change, snapshot: Snapshot) -> Example:
    ours, theirs = snapshot.ours.get(change.item_id), snapshot.theirs.get(change.remote_id)
    if ours is not None:
        return Example(str(ours.values.get("title") or ""), str(ours.values.get("key") or ""), ours.url)
    return Example(str(theirs.values.get("title") or "") if theirs else "")


def _line(change: Change, name: str, labels: Mapping[str, str]) -> str:
    where = "Plane" if change.side == "plane" else name
    if change.kind == "create":
        told = [f"{labels[key]} {_told(value)}" for key, value in change.values.items() if key in labels and value]
        return f"New in {where}: {'; '.join(told)}"
    if change.kind == "update":
        told = [
            f"{labels.get(key, key)} from {_told(change.before.get(key))} to {_told(value)}"
            for key, value in change.values.items()
        ]
        return f"In {where}: {'; '.join(told)}"
    return {
        "adopt": f"Linked to its row, which is in {name} already",
        "show": "A link to its row is put on the work item",
        "unlink": f"No longer linked: {change.why}",
        "delete": f"Deleted in {where}: {change.why}",
    }[change.kind]


def _told(value: Any) -> str:
    """A value, short; of rich text only the words."""
    words = " ".join(strip_tags(spoken(value)).split())
    told = Truncator(words).chars(LONGEST_VALUE)
    return f"“{told}”" if isinstance(value, str) and value else told
