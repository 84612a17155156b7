"""What planning takes and gives: plain values, shared by the plan, its carrying out, the guard and the pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from planeapp.providers.base import Item, Values

Kind = Literal["create", "adopt", "update", "agree", "show", "unlink", "delete"]
Side = Literal["plane", "vendor"]
HeldBack = Callable[[Values], str]
MarkOf = Callable[[str], str]
ENDS = frozenset({"unlink", "delete"})
ASKED = "somebody asked for it"
"""Why a link ends, when neither side is gone."""


def nothing(values: Values) -> str:
    """The filter of a pair that has none."""
    return ""


def unchanged(values: Values) -> dict[str, Any]:
    """The placing of a pair that makes rows of whole days."""
    return dict(values)


@dataclass(frozen=True)
class Rule:
    """One field's direction and who wins when both sides changed it.

    ``closed`` is a reason code when the field cannot be written in Plane now: what it would be given is held back.
    """

    direction: str
    winner: str = "plane"
    closed: str = ""


@dataclass(frozen=True)
class Policy:
    """A pair's options as planning needs them.

    ``filtered`` says why a work item is not kept in step (or ``""``), ``placed`` gives a new row its times. ``deletes``:
    rows that we made go with their work items. ``shows``: a row's address is put on the work item.
    """

    filtered: Callable[[Values], str] = nothing
    placed: Callable[[Values], dict[str, Any]] = unchanged
    deletes: bool = False
    shows: bool = False


@dataclass(frozen=True)
class Decision:
    """What a person chose for a field in conflict: whose value stays, and the two values that it was chosen between."""

    stays: Side
    mine: Any
    their: Any


@dataclass(frozen=True)
class Link:
    """What is known of a pair of rows; ``ours`` and ``theirs`` as each side stood when they last agreed.

    ``url``: the row's address; ``shown``: it stands on the work item. ``decided``: field → what a person chose. ``seen``:
    Plane's version of the item that was known last.
    """

    id: str
    item_id: str
    remote_id: str
    state: str
    ours: Values = field(default_factory=dict)
    theirs: Values = field(default_factory=dict)
    version: datetime | None = None  # when the link was last written, to see whether the plan still fits
    made_by_us: bool = False
    url: str = ""
    shown: bool = False
    seen: str = ""
    decided: Mapping[str, Decision] = field(default_factory=dict)


@dataclass(frozen=True)
class Snapshot:
    """Both sides as read. ``gone_*`` are ids that were looked for and are certainly not there; ``archived`` are work items
    that Plane keeps out of sight; ``moved`` are rows that lie in another place now.

    ``missing``: how many links lost a side in the listings, whether or not it was looked for yet.
    """

    ours: Mapping[str, Item]
    theirs: Mapping[str, Item]
    links: Sequence[Link]
    gone_ours: frozenset[str] = frozenset()
    gone_theirs: frozenset[str] = frozenset()
    archived: frozenset[str] = frozenset()
    moved: frozenset[str] = frozenset()
    missing: int = 0


@dataclass(frozen=True)
class Change:
    """One thing to do. ``values`` is what is written to ``side``; ``before`` what stood there."""

    kind: Kind
    side: Side
    item_id: str
    remote_id: str = ""
    link_id: str = ""
    values: Values = field(default_factory=dict)
    before: Values = field(default_factory=dict)
    why: str = ""


@dataclass(frozen=True)
class Held:
    """An item that is left alone, with the reason code that its timeline shows, and more words where the code has some.

    ``detail``: field → (agreed last, Plane's value, the other side's).
    """

    item_id: str
    code: str
    detail: Values = field(default_factory=dict)
    link_id: str = ""
    text: str = ""


@dataclass(frozen=True)
class Plan:
    """Everything one run would do, in order."""

    changes: tuple[Change, ...]
    held: tuple[Held, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many of each kind, such as ``{"create vendor": 2, "held": 1}``; kinds that write nothing left out."""
        found = Counter(f"{change.kind} {change.side}" for change in self.changes if change.kind != "agree")
        if self.held:
            found["held"] = len({held.item_id for held in self.held})
        return dict(sorted(found.items()))

    def __repr__(self) -> str:
        told = ", ".join(f"{count} {name}" for name, count in self.counts.items())
        return f"<Plan {told or 'nothing to do'}>"
