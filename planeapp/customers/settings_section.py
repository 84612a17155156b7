"""Company rules and options as the settings file tells them: written, checked as far as the file alone shows, and compared.

Rules are known by their names, projects by their keys (or ids). What is done with a file stands in ``settings_changes``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ValidationError

from planeapp.customers.book import has_companies
from planeapp.customers.models import CompanyRule
from planeapp.customers.options import Options, options_of
from planeapp.customers.rules import Assign, Condition, CreateItem, PutLabel, RuleSpec, Say, When, as_data, spec_of
from planeapp.installations.models import Connection
from planeapp.sync.models import ProjectPair
from planeapp.sync.settings_file import meant
from planeapp.sync.settings_match import Named, NoMatch
from planeapp.sync.settings_yaml import Path, word

ANY_PROJECT = str(UUID(int=0))
ACTIONS: dict[str, type[BaseModel]] = {"create_item": CreateItem, "label": PutLabel, "comment": Say, "assign": Assign}
Find = Callable[[Named], str]
"""The id of the project that a file means. Raises NoMatch."""


class Wrong(Exception):
    """What is wrong with one rule of a file, by the path within it."""

    def __init__(self, faults: Iterable[tuple[Path, str]]) -> None:
        self.faults = list(faults)
        super().__init__(f"{len(self.faults)} faults")


class RulesSection:
    """``company_rules``: exactly these rules, known by their names; those that are not named are left alone."""

    name = "company_rules"

    def faults(self, data: Any) -> Iterator[tuple[Path, str]]:
        """What is wrong with the rules, whatever the workspace is like."""
        if not isinstance(data, list):
            yield (), "a list is expected here"
            return
        seen: dict[str, int] = {}
        for index, one in enumerate(data):
            try:
                name = spec_from(one, lambda _: ANY_PROJECT).name
            except Wrong as error:
                yield from (((index, *path), text) for path, text in error.faults)
                continue
            if seen.setdefault(name, index) != index:
                yield (index, "name"), f"a rule has this name already; see {self.name}[{seen[name]}]"

    def exported(self, connection: Connection) -> list[dict[str, Any]] | None:
        """The rules by name."""
        if not has_companies(connection):
            return None
        rows = connection.company_rules.order_by("name")
        return [entry_of(row, keys_of(connection)) for row in rows]


class OptionsSection:
    """``companies``: what is shown where; an option that is left out gets its default."""

    name = "companies"

    def faults(self, data: Any) -> Iterator[tuple[Path, str]]:
        """What is wrong with the options."""
        try:
            options_from(data)
        except Wrong as error:
            yield from error.faults

    def exported(self, connection: Connection) -> dict[str, Any] | None:
        """All options, since these are what people edit."""
        return options_of(connection).model_dump() if has_companies(connection) else None


SECTIONS = (OptionsSection(), RulesSection())


def keys_of(connection: Connection) -> dict[str, str]:
    """Project id → key, of the projects that our own rows know."""
    pairs = ProjectPair.objects.filter(connection__installation=connection.installation)
    return {str(project): key for project, key in pairs.values_list("project_id", "project_key")}


def entry_of(rule: CompanyRule, keys: Mapping[str, str]) -> dict[str, Any]:
    """A rule as a file tells it."""
    data = as_data(spec_of(rule))
    then = [_action(one, keys) for one in data["then"]]
    only = {"only": data["only"]} if data.get("only") else {}
    return {"name": rule.name, "enabled": rule.enabled, "when": data["when"], **only, "then": then}


def _action(told: Mapping[str, Any], keys: Mapping[str, str]) -> dict[str, Any]:
    """An action with the key of its project beside the id."""
    if told["do"] != "create_item":
        return dict(told)
    key = keys.get(str(told["project_id"]), "")
    return {
        "do": told["do"],
        **({"project": key} if key else {}),
        **{name: one for name, one in told.items() if name != "do"},
    }


def spec_from(data: Any, find: Find) -> RuleSpec:
    """A rule out of a file. Raises Wrong."""
    if not isinstance(data, dict):
        raise Wrong([((), "names with values are expected here")])
    told = {name: value for name, value in data.items() if name != "enabled"}
    faults: list[tuple[Path, str]] = []
    if isinstance(told.get("then"), list):
        told["then"] = [_resolved(one, find, ("then", index), faults) for index, one in enumerate(told["then"])]
    try:
        enabled_in(data)
        spec = RuleSpec.model_validate(told)
    except ValidationError as error:
        raise Wrong([*faults, *_told(error)]) from error
    except ValueError as error:
        raise Wrong([*faults, (("enabled",), str(error))]) from error
    if faults:
        raise Wrong(faults)
    return spec


def enabled_in(data: Mapping[str, Any]) -> bool:
    """Whether a rule of a file is on (the default). ValueError for neither true nor false."""
    told = str(data.get("enabled", "true")).casefold()
    if told not in ("true", "false"):
        raise ValueError("write true or false")
    return told == "true"


def _resolved(told: Any, find: Find, path: Path, faults: list[tuple[Path, str]]) -> Any:
    """An action with the id of the project that it means."""
    if not isinstance(told, dict) or told.get("do") != "create_item":
        return told
    wanted = Named(str(told.get("project_id") or ""), str(told.get("project") or ""))
    rest = {name: value for name, value in told.items() if name != "project"}
    if not (wanted.id or wanted.name):
        faults.append((path, "name the project in which the work item is made"))
        return rest | {"project_id": ANY_PROJECT}
    try:
        return rest | {"project_id": find(wanted)}
    except NoMatch as error:
        faults.append(((*path, "project"), str(error)))
        return rest | {"project_id": ANY_PROJECT}


def options_from(data: Any) -> Options:
    """Options out of a file. Raises Wrong."""
    told = {name: value for name, value in data.items() if value is not None} if isinstance(data, dict) else data
    try:
        return Options.model_validate(told)
    except ValidationError as error:
        raise Wrong(_told(error, Options)) from error


def _told(error: ValidationError, model: type[BaseModel] = RuleSpec) -> Iterator[tuple[Path, str]]:
    """What pydantic found, in words for people, by the path as the file has it."""
    for fault in error.errors():
        where = tuple(part for part in fault["loc"] if part not in ACTIONS)
        yield where, _said(fault, where, model)


def _said(fault: Any, where: Path, model: type[BaseModel]) -> str:
    kind = str(fault["type"])
    if kind == "extra_forbidden":
        kinds = [str(part) for part in fault["loc"] if part in ACTIONS]
        known = [*_names_at(where[:-1], model, kinds), *(("project",) if "create_item" in kinds else ())]
        return (
            f"there is no setting {word(str(where[-1]))}{meant(str(where[-1]), known) or ';'} known: {', '.join(known)}"
        )
    if kind in ("missing", "union_tag_not_found"):
        return "this is missing" if kind == "missing" else "say what to do: do is missing"
    if kind == "union_tag_invalid":
        return f"there is no such action; known: {', '.join(ACTIONS)}"
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        return "names with values are expected here"
    if kind == "list_type":
        return "a list is expected here"
    return str(fault["msg"]).removeprefix("Value error, ")


def _names_at(path: Path, model: type[BaseModel], kinds: list[str]) -> Iterable[str]:
    if kinds:
        return ACTIONS[kinds[0]].model_fields
    if model is RuleSpec and path:
        return (When if path[0] == "when" else Condition).model_fields
    return [*model.model_fields, *(("enabled",) if model is RuleSpec else ())]
