"""Which features a token allows, told from the models that it may read.

Reading proves nothing about writing. So a feature that writes counts as there when its models can be read, and its line
says which right it needs beyond; a right that is missing shows at the first write, by the model's name.
"""

from __future__ import annotations

from dataclasses import dataclass

from planeapp.providers.base import ReportLine
from planeapp.providers.planhat import models
from planeapp.providers.planhat.models import Model


@dataclass(frozen=True)
class Feature:
    """A feature for people, with the abilities it stands for.

    ``needs``: models of which all must be readable; ``any_of``: one of these is enough; ``helps``: without these it works in
    part, as ``without`` says. ``writes`` is the right beyond reading, for people.
    """

    name: str
    label: str
    abilities: frozenset[str]
    needs: tuple[Model, ...] = ()
    any_of: tuple[Model, ...] = ()
    helps: tuple[Model, ...] = ()
    without: str = ""
    writes: str = ""


FEATURES = (
    Feature("issues_feature", "Work items as issues",
        frozenset({"list", "get", "find", "create", "update", "delete"}), (models.ISSUES,),
        writes="create and update issues"),
    Feature("search_feature", "Finding companies", frozenset({"parties"}),
        any_of=(models.COMPANIES, models.LEAN_COMPANIES)),
    Feature("companies_feature", "Companies and what changes about them", frozenset({"companies"}), (models.COMPANIES,),
        helps=(models.USERS, models.CUSTOM_FIELDS),
        without="Without it owners or custom fields are not known."),
    Feature("update_feature", "Changing phase, owner and tags", frozenset({"update_company"}), (models.COMPANIES,),
        helps=(models.USERS,), without="Without it the owner cannot be changed.", writes="update companies"),
    Feature("figures_feature", "Figures of work items on companies", frozenset({"write_tallies"}), (models.COMPANIES,),
        helps=(models.CUSTOM_FIELDS,), without="Without it the three fields have to be made by hand.",
        writes="update companies and create custom fields"),
    Feature("tell_feature", "Notes and tasks when work is done", frozenset({"tell"}), (models.COMPANIES,),
        any_of=(models.CONVERSATIONS, models.TASKS), writes="create and update notes (conversations) or tasks"),
    Feature("contacts_feature", "Contacts", frozenset({"contacts", "add_contact"}), (models.ENDUSERS,),
        writes="create contacts, to add one"),
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """Lines for people, and the abilities."""

    lines: tuple[ReportLine, ...]
    abilities: frozenset[str]


def found(readable: frozenset[str], *, open_calls: bool) -> Found:
    """What works with these models readable (by path)."""
    there = [feature for feature in FEATURES if _works(feature, readable)]
    lines = [_line(feature, readable) for feature in FEATURES]
    abilities = frozenset[str]().union(*(feature.abilities for feature in there))
    by_token = models.CALLS.path in readable and bool(
        there
    )  # a server that answers 404 to everything has no calls either
    open_calls = open_calls and bool(there)
    if by_token or open_calls:
        abilities |= {"log_call"}
    return Found((*lines, _calls(by_token, open_calls)), abilities)


def _works(feature: Feature, readable: frozenset[str]) -> bool:
    every = all(model.path in readable for model in feature.needs)
    return every and (not feature.any_of or any(model.path in readable for model in feature.any_of))


def _line(feature: Feature, readable: frozenset[str]) -> ReportLine:
    if not _works(feature, readable):
        lacking = [model.label for model in feature.needs if model.path not in readable]
        lacking += [" or ".join(model.label for model in feature.any_of)] if feature.any_of and not lacking else []
        return ReportLine(feature.name, feature.label, "off", f"Needs to see {', '.join(lacking)}.")
    missing = [model.label for model in feature.helps if model.path not in readable]
    said = [f"Needs the right to {feature.writes}, which shows at the first write."] if feature.writes else []
    said += [f"This token does not see {', '.join(missing)}. {feature.without}"] if missing else []
    return ReportLine(feature.name, feature.label, "ok", " ".join(said))


def _calls(by_token: bool, open_calls: bool) -> ReportLine:
    if by_token:
        return ReportLine("calls_feature", "Logging calls", "ok", "Needs the right to create calls.")
    if open_calls:
        return ReportLine("calls_feature", "Logging calls", "ok", "By the open endpoint, with the tenant UUID.")
    return ReportLine(
        "calls_feature",
        "Logging calls",
        "off",
        "Not offered to this token. With the tenant UUID it may work without one.",
    )
