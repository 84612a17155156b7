"""What the steps of a rule do in Plane. Each may be repeated: what was made carries a mark, what is there already stays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from planeapp.customers import ties
from planeapp.customers.models import Company
from planeapp.customers.open_items import OPEN
from planeapp.installations.gateways import side_for
from planeapp.installations.models import Connection
from planeapp.lib.errors import FixSettings, Gone, GroundcrewError, OutcomeUnknown, ReconnectNeeded, RetryLater
from planeapp.lib.folding import folded
from planeapp.plane.adding import add_label, add_person, member_id
from planeapp.plane.scopes import ScopeMissing
from planeapp.plane.side import PlaneSide
from planeapp.providers.base import Item, Values
from planeapp.sync.models import Tie

PASSING = (RetryLater, OutcomeUnknown, ReconnectNeeded)
NOT_THERE = "The project is no longer there, or the bot is not a member of it. Check the rule, then try again."


@dataclass(frozen=True)
class Turn:
    """One step of a firing that is to be done.

    ``told`` is what was said of its work items so far (item → reason why it was left out, ``""`` when it was done). ``keep``
    stores it after each. ``beat`` raises RetryLater when another worker has taken over.
    """

    connection: Connection
    company: Company
    mark: str
    step: Mapping[str, Any]
    told: dict[str, str]
    keep: Callable[[], None]
    beat: Callable[[], None]

    @cached_property
    def side(self) -> PlaneSide:
        """Plane's work items."""
        return side_for(self.connection.installation)


def perform(turn: Turn) -> dict[str, Any]:
    """Do the step; gives ``said`` (a sentence) and, of a work item that was made, ``project``, ``item``, ``key``, ``url``."""
    turn.beat()
    return _create(turn) if turn.step["do"] == "create_item" else _on_items(turn, ON_ITEM[turn.step["do"]])


def _create(turn: Turn) -> dict[str, Any]:
    step = turn.step
    known = bool(step["assign"]) and bool(member_id(turn.side, step["project"], step["assign"]))
    try:
        item = _made(turn)
    except Gone as error:
        own = error.person != Gone.default_person
        raise FixSettings(str(error), person=error.person if own else NOT_THERE, code=error.code) from error
    key = str(item.values.get("key") or "")
    _bring(turn, item, key)
    said = " ".join([f"Made {key or 'a work item'}.", *_shortfalls(step, item, known)])
    return {"said": said, "project": step["project"], "item": item.id, "key": key, "url": item.url}


def _made(turn: Turn) -> Item:
    """The work item. When Plane refuses it, once more with what the project looks like now: a state or label that we remember
    may have been deleted since."""
    step = turn.step
    try:
        return turn.side.create(step["project"], _values(step), turn.mark)
    except FixSettings as error:
        if isinstance(error, ScopeMissing) or not (step["labels"] or step["state"]):
            raise
        for name in ("states", "labels"):
            turn.side.about.renew(step["project"], name, ours=True)
        return turn.side.create(step["project"], _values(step), turn.mark)


def _values(step: Mapping[str, Any]) -> Values:
    values: dict[str, Any] = {"title": step["title"], "priority": step["priority"]}
    values |= {name: step[name] for name in ("notes", "state") if step[name]}
    values |= {name: date.fromisoformat(step[name]) for name in ("start", "end") if step[name]}
    if step["labels"]:
        values["labels"] = tuple(step["labels"])
    return {**values, "people": (step["assign"],)} if step["assign"] else values


def _bring(turn: Turn, item: Item, key: str) -> None:
    """Tie it to the company, and have that brought over there."""
    project = turn.step["project"]
    ties.tie(turn.connection, project, item.id, turn.company, origin=Tie.Origin.RULE, item_key=key)
    with suppress(FixSettings):  # a project that an admin has to pair: the tie waits for it
        ties.pair_for(turn.connection, project)
    ties.look(turn.connection, [(project, item.id)])


def _shortfalls(step: Mapping[str, Any], item: Item, known: bool) -> list[str]:
    """What could not be as the rule says."""
    found = [step["note"]] if step.get("note") else []
    if step["assign"] and not known:
        found.append(_stranger(step["assign"]))
    if step["state"] and item.values.get("state") != step["state"]:
        found.append(f"The project has no state of the kind {step['state']}.")
    there = {folded(name) for name in item.values.get("labels", ())}
    found += [f"The label {name} could not be put." for name in step["labels"] if folded(name) not in there]
    return found


def _stranger(email: str) -> str:
    return f"{email} is no member of the project, so nobody was assigned."


def _on_items(turn: Turn, act: Callable[[Turn, str, str], str]) -> dict[str, Any]:
    failed: list[GroundcrewError] = []
    for entry in turn.step["items"]:
        if entry["item"] in turn.told:
            continue
        turn.beat()
        try:
            closed = "" if entry["sure"] else _closed(turn, entry)
            turn.told[entry["item"]] = closed or act(turn, entry["project"], entry["item"])
        except Gone as error:
            turn.told[entry["item"]] = error.person
        except PASSING:
            raise
        except GroundcrewError as error:
            failed.append(error)
            continue
        turn.keep()
    if failed:
        raise FixSettings(str(failed[0]), person=_failures(turn, failed), code=failed[0].code)
    return {"said": _summary(turn)}


def _closed(turn: Turn, entry: Mapping[str, Any]) -> str:
    """Why a work item of which we knew nothing is not open, or ``""``."""
    item = turn.side.get(entry["project"], entry["item"])
    if item is None:
        raise Gone(person="It was deleted or archived.")
    return "" if item.values.get("state", "unstarted") in OPEN else "It is finished."


def _put_label(turn: Turn, project: str, item: str) -> str:
    add_label(turn.side, project, item, turn.step["label"])
    return ""


def _comment(turn: Turn, project: str, item: str) -> str:
    if turn.side.plane.item(project, item) is None:
        raise Gone(person="It was deleted or archived.")
    turn.side.plane.add_comment(project, item, turn.step["html"], f"{turn.mark}:{item}")
    return ""


def _assign(turn: Turn, project: str, item: str) -> str:
    return "" if add_person(turn.side, project, item, turn.step["assign"]) else _stranger(turn.step["assign"])


ON_ITEM: Mapping[str, Callable[[Turn, str, str], str]] = {
    "label": _put_label, "comment": _comment, "assign": _assign,
}  # fmt: skip


def _failures(turn: Turn, failed: list[GroundcrewError]) -> str:
    return f"{len(failed)} of {len(turn.step['items'])} work items were not changed. {failed[0].person}"


def _summary(turn: Turn) -> str:
    step, keys = turn.step, {entry["item"]: entry["key"] for entry in turn.step["items"]}
    left = [f"{keys[item] or 'one'}: {why}" for item, why in turn.told.items() if why]
    done = sum(not why for why in turn.told.values())
    parts = [f"{WORDS[step['do']]} {done} work item{'' if done == 1 else 's'}."]
    if step.get("note"):
        return str(step["note"])
    if not step["items"]:
        return "The company has no open work items."
    if left:
        parts.append(f"Left out: {' '.join(left[:10])}")
    if step["more"]:
        parts.append(f"{step['more']} more were left as they are: a rule changes at most {len(step['items'])} at once.")
    return " ".join(parts)


WORDS = {"label": "Labelled", "comment": "Commented on", "assign": "Assigned"}
