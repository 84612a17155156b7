"""Which of a server's tools does what: names split into verbs and nouns, checked against what the schemas ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from planeapp.providers.planner.schema import leaves
from planeapp.providers.planner.wire import Tool
from planeapp.providers.planner.words import FIELDS, LIST_FIELDS, NOUNS, OTHER_NOUNS, VERBS, names_of, singular, split

ROLES: dict[str, tuple[str, str]] = {
    "list_projects": ("list", "project"),
    "list_people": ("list", "person"),
    "list_blocks": ("list", "block"),
    "get_block": ("get", "block"),
    "create_block": ("create", "block"),
    "update_block": ("update", "block"),
    "delete_block": ("delete", "block"),
}
WRITING = frozenset({"create_block", "update_block", "delete_block"})
PREPOSITIONS = frozenset({"in", "of", "for", "by", "from", "on", "to", "within", "with"})
SCHEDULE_AS_NOUN = 2
"""``schedule`` is a verb only as a tool's first word of two or fewer; elsewhere it describes the noun."""


def classify(tools: Sequence[Tool]) -> dict[str, list[str]]:
    """Role → names of the tools that fit it, best first. A tool has one role at the most."""
    found: dict[str, list[tuple[int, str]]] = {role: [] for role in ROLES}
    for tool in tools:
        scores = {role: score(tool, role) for role in ROLES}
        best = max(scores, key=lambda role: scores[role])
        if scores[best] > 0:
            found[best].append((-scores[best], tool["name"]))
    return {role: [name for _, name in sorted(named)] for role, named in found.items() if named}


def score(tool: Tool, role: str) -> int:
    """How well a tool fits a role; 0 or less means that it does not."""
    verb, noun = ROLES[role]
    words = _telling(split(tool["name"]))
    said = _verb(words)
    nouns = [singular(word) for word in words]
    if said != verb or not any(word in NOUNS[noun] for word in nouns) or OTHER_NOUNS & set(nouns):
        return 0
    if _main_noun(nouns, words) != noun or _forbidden(tool, role):
        return 0
    first = next(place for place, word in enumerate(NOUNS[noun]) if word in nouns)
    return 100 - 5 * first - len(words) + _coverage(tool, role) + _fit_of_arguments(tool, role)


def _telling(words: list[str]) -> list[str]:
    """The words before a preposition: ``list_blocks_in_project`` is about blocks."""
    place = next((place for place, word in enumerate(words) if place and word in PREPOSITIONS), len(words))
    return words[:place]


def _verb(words: list[str]) -> str:
    """The first word (of all) that is a verb; list verbs win over a plural noun such as ``get blocks``."""
    for place, word in enumerate(words):
        if word == "schedule" and (place > 0 or len(words) > SCHEDULE_AS_NOUN):
            continue
        kind = next((kind for kind, verbs in VERBS.items() if word in verbs), "")
        if kind:
            return "list" if kind == "get" and any(map(_is_plural, words[place + 1 :])) else kind
    return ""


def _is_plural(word: str) -> bool:
    known = {name for names in NOUNS.values() for name in names}
    return word == "people" or (singular(word) != word and singular(word) in known)


def _main_noun(nouns: list[str], words: list[str]) -> str:
    """What the tool is about: the last noun, or the first one when the verb stands last (``blocks.list``)."""
    known = [kind for word in nouns for kind, names in NOUNS.items() if word in names]
    if not known:
        return ""
    verb_last = any(words[-1] in verbs for verbs in VERBS.values())
    return known[0] if verb_last else known[-1]


def _forbidden(tool: Tool, role: str) -> bool:
    """Annotations may only raise caution; ids and dates decide whether the tool can do the work at all."""
    hints = tool["annotations"]
    if role not in WRITING:
        risky = hints.get("destructiveHint") is True and hints.get("readOnlyHint") is not True
        return hints.get("readOnlyHint") is False or risky
    needs_id = role in ("update_block", "delete_block")
    return hints.get("readOnlyHint") is True or (needs_id and "id" not in _known_fields(tool, FIELDS))


def _known_fields(tool: Tool, fields: Mapping[str, tuple[str, ...]]) -> set[str]:
    names = {name for leaf in leaves(tool["input_schema"]) for name in names_of(leaf.path)}
    return {field for field, synonyms in fields.items() if names & set(synonyms)}


def _coverage(tool: Tool, role: str) -> int:
    if role not in ("create_block", "update_block"):
        return 0
    return 4 * len(_known_fields(tool, FIELDS) & {"title", "start", "end", "duration", "notes", "people", "project"})


def _fit_of_arguments(tool: Tool, role: str) -> int:
    """A get must take an id; a list must not need anything but a project and dates."""
    needed = [leaf for leaf in leaves(tool["input_schema"]) if leaf.required]
    if role == "get_block":
        return 0 if "id" in _known_fields(tool, FIELDS) else -200
    if role.startswith("list_"):
        strange = [leaf for leaf in needed if not _is_list_field(leaf.path)]
        return -60 * len(strange)
    return 0


def _is_list_field(path: tuple[str, ...]) -> bool:
    return any(name in synonyms for name in names_of(path) for synonyms in LIST_FIELDS.values())


def overridden(found: dict[str, list[str]], overrides: Mapping[str, Any]) -> dict[str, list[str]]:
    """The classification with an admin's choices in front; a choice of ``""`` switches a role off."""
    result = dict(found)
    for role, choice in overrides.items():
        name = choice.get("tool") if isinstance(choice, Mapping) else choice
        if role in ROLES and name is not None:
            result[role] = [str(name)] if name else []
    return result
