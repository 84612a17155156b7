"""Company rules, what they are going to do and what they did, as people read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.html import strip_tags
from django.utils.text import Truncator, get_text_list

from planeapp.customers.cache import CUSTOM
from planeapp.customers.rule_texts import said
from planeapp.dashboard.words import BLOCKS
from planeapp.providers.base import COMPANY_FIELDS

LONGEST = 200
KEYS = 6
WHEN = {
    "becomes": "{field} becomes {value}", "leaves": "{field} is no longer {value}", "changes": "{field} changes",
    "below": "{field} falls below {value}", "above": "{field} rises above {value}", "gains": "{field} get {value}",
    "loses": "{field} lose {value}", "within": "The renewal is at most {value} days ahead", "created": "A company is new",
}  # fmt: skip
ONLY = {
    "is": "{field} is {value}", "is_not": "{field} is not {value}", "below": "{field} is below {value}",
    "above": "{field} is above {value}", "has": "{field} have {value}", "has_not": "{field} do not have {value}",
}  # fmt: skip
THEN = {
    "create_item": "make a work item", "comment": "comment on open work items", "label": "label open work items",
    "assign": "assign open work items",
}  # fmt: skip


def label_of(name: str) -> str:
    """A company's field in words."""
    known = {
        "name": "Name",
        "external_id": "External id",
        "created": "Became known",
        "owner_name": "Owner",
    } | COMPANY_FIELDS
    return known.get(name) or name.removeprefix(CUSTOM)


def told(rule: Any) -> str:
    """A rule in one sentence: "Phase becomes Onboarding, if Health is below 4: make a work item"."""
    when = _filled(WHEN, rule.when)
    only = [_lower(_filled(ONLY, one)) for one in rule.only]
    then = get_text_list(list(dict.fromkeys(THEN.get(one.get("do"), "do something") for one in rule.then)), "and")
    return f"{when}{', if ' + get_text_list(only, 'and') if only else ''}: {then}."


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _filled(words: Mapping[str, str], part: Mapping[str, Any]) -> str:
    name = str(part.get("field") or "")
    return words.get(str(part.get("test")), "Something changes").format(
        field=label_of(name), value=said(part.get("value"))
    )


def step(plan: Mapping[str, Any], projects: Mapping[str, str]) -> str:
    """One step of a plan (see :mod:`planeapp.customers.rule_steps`) in a sentence; ``projects``: id → name."""
    do = plan.get("do")
    if do == "create_item":
        text = _create(plan, projects)
    elif do == "comment":
        text = f"Comment “{_plain(plan.get('html'))}” {_where(plan)}"
    elif do == "label":
        text = f"Put the label {plan.get('label')} {_where(plan)}"
    else:
        text = f"Assign {plan.get('assign') or 'nobody'} {_where(plan)}"
    return f"{text}. {plan['note']}" if plan.get("note") else f"{text}."


def _create(plan: Mapping[str, Any], projects: Mapping[str, str]) -> str:
    project = projects.get(str(plan.get("project")), "a project that the app does not see")
    more = [
        f"state {plan['state']}" if plan.get("state") else "",
        f"priority {plan['priority']}" if plan.get("priority", "none") != "none" else "",
        f"labels {', '.join(plan['labels'])}" if plan.get("labels") else "",
        f"for {plan['assign']}" if plan.get("assign") else "",
        f"from {plan['start']}" if plan.get("start") else "", f"due {plan['end']}" if plan.get("end") else "",
    ]  # fmt: skip
    return ", ".join(filter(None, [f"Make the work item “{plan.get('title')}” in {project}", *more]))


def _where(plan: Mapping[str, Any]) -> str:
    items: Sequence[Mapping[str, Any]] = plan.get("items") or ()
    count = len(items) + int(plan.get("more") or 0)
    if not count:
        return "on no work item, since none is open"
    keys = [str(one.get("key")) for one in items if one.get("key")][:KEYS]
    left = count - len(keys)
    if not keys:
        return f"on {count} open work item{'' if count == 1 else 's'}"
    return f"on {', '.join(keys)}{f' and {left} more' if left else ''}"


def _plain(html: Any) -> str:
    """Only the words of a text."""
    words = strip_tags(BLOCKS.sub(" ", str(html or ""))).split()
    return Truncator(" ".join(words)).chars(LONGEST)
