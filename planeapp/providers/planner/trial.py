"""A test block by REST: whether the template for new blocks is what Planner takes. The answer is shown as it came."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

from planeapp.lib.errors import GroundcrewError, OutcomeUnknown
from planeapp.providers.planner import mapping, reading, template
from planeapp.providers.planner.answers import error_for, problems, verbatim
from planeapp.providers.planner.client import BLOCKS, Client
from planeapp.providers.planner.words import flat

TITLE = "Groundcrew test - please delete"
NOTES = "<p>Made to find out whether Groundcrew can create blocks here. It stands for no work; please delete it.</p>"
AHEAD = timedelta(days=30)


def run(client: Client, shape: Any, maps: dict[str, Any], place: str, zone: str) -> str:
    """Make the block, a day long and 30 days ahead, and say where it is.

    Raises what the answer means, with the answer itself (at most 4 KB, no secrets) and the template's lines that it names
    in ``person``. Whatever Planner answers with 2xx counts as made.
    """
    template.check(shape, maps)
    day = date.today() + AHEAD
    values = {"title": TITLE, "notes": NOTES, "start": day, "end": day}
    block = mapping.new_block(values, "", place, zone, template.names_in(shape))
    try:
        answer = client.try_block(template.render(shape, block, maps))
    except OutcomeUnknown as lost:
        raise OutcomeUnknown(str(lost), person=f"Planner did not answer in time. {_look(day)}") from lost
    where, status, text = f"POST {BLOCKS}", answer.status_code, answer.text
    error = error_for(where, status, answer.headers, text, scope="blocks:write", writes=True)
    if error is not None:
        raise _shown(error, status, text, shape)
    return _made(text, day)


def _look(day: date) -> str:
    return f"Look in Planner for a block “{TITLE}” on {day.day} {day:%B %Y}, and delete it."


def _made(text: str, day: date) -> str:
    try:
        record = reading.one(json.loads(text)) or {}
    except ValueError:
        record = {}
    where = reading.web_address(record)
    named = f" (id {reading.id_of(record)})" if reading.id_of(record) else ", but did not tell its id"
    return f"Planner made the test block{named}. {_look(day)}" + (f" It is at {where}" if where else "")


def _shown(error: GroundcrewError, status: int, text: str, shape: Any) -> GroundcrewError:
    """The error with the answer as it came, and the template's lines that the answer speaks of."""
    hints = "".join(f"\n{line}" for line in _pointers(text, shape))
    error.person = f"{error.person}{hints}\n\nPlanner answered {status}:\n{verbatim(text) or '(nothing)'}"
    return error


def _pointers(text: str, shape: Any) -> list[str]:
    """For every field that the answer complains about: the complaint beside the template's line for it."""
    try:
        told = [verbatim(problem) for problem in problems(json.loads(text)) if ": " in problem]
    except ValueError:
        return []
    lines = template.lines(shape)
    found = []
    for problem in told:
        name = problem.partition(": ")[0]
        line = next((f"{path} = {value}" for path, value in lines if _same(path, name)), "")
        found.append(f"{problem} (template: {line})" if line else f"{problem} (not in the template)")
    return found


def _same(path: str, name: str) -> bool:
    return flat(path) == flat(name) or flat(path.rpartition(".")[2]) == flat(name.rpartition(".")[2])
