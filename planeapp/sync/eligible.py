"""Which work items are kept in step: the pair's filters. Pure."""

from __future__ import annotations

from planeapp.providers.base import Values
from planeapp.sync.options import Filters


def filtered_out(values: Values, filters: Filters) -> str:
    """Why the filters leave a work item out, for people (``state backlog``), or ``""``.

    A value that Plane did not tell passes: a filter must not drop what it cannot see.
    """
    return next((why for why in (_state(values, filters), _priority(values, filters), _labels(values, filters),
                                 _people(values, filters), _days(values, filters)) if why), "")  # fmt: skip


def _state(values: Values, filters: Filters) -> str:
    state = values.get("state")
    return f"state {state}" if filters.states and state and state not in filters.states else ""


def _priority(values: Values, filters: Filters) -> str:
    priority = values.get("priority")
    return f"priority {priority}" if filters.priorities and priority and priority not in filters.priorities else ""


def _labels(values: Values, filters: Filters) -> str:
    if not filters.labels or "labels" not in values:
        return ""
    wanted = {name.casefold() for name in filters.labels}
    has = any(name.casefold() in wanted for name in values["labels"] or ())
    return "" if has else f"none of the labels {', '.join(filters.labels)}"


def _people(values: Values, filters: Filters) -> str:
    if "people" not in values:
        return ""
    people = set(values["people"] or ())
    if filters.people and not people & set(filters.people):
        return "assigned to none of the chosen people"
    return "assigned to nobody" if filters.assigned and not people else ""


def _days(values: Values, filters: Filters) -> str:
    days = [day for day in (values.get("start"), values.get("end")) if day is not None]
    if not days:
        return ""
    if filters.dated_from and max(days) < filters.dated_from:
        return f"before {filters.dated_from.isoformat()}"
    return f"after {filters.dated_until.isoformat()}" if filters.dated_until and min(days) > filters.dated_until else ""
