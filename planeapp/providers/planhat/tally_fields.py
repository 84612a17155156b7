"""The custom fields on companies that hold our figures: found, followed when somebody renames them, made when missing.

Source: Planhat developer docs, "Custom field". Values are kept under a field's display name; values under a name that no
definition has are shown to nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from planeapp.lib.errors import FixSettings
from planeapp.providers.base import Access, Notes
from planeapp.providers.planhat.models import Record, record_id
from planeapp.providers.planhat.resources import CustomFields, definition_named

NOTE = "tally_fields"
PARENT = "company"


@dataclass(frozen=True)
class Figure:
    """One of our fields. ``key`` is the name in ``Tally``, ``kind`` Planhat's type."""

    key: str
    name: str
    kind: str


FIGURES = (
    Figure("open", "Plane open items", "number"),
    Figure("urgent", "Plane urgent items", "number"),
    Figure("oldest", "Plane oldest open item", "date"),
)


def known_names(notes: Notes) -> frozenset[str]:
    """The names under which our figures are, or may be, on companies."""
    kept = _kept(notes)
    return frozenset({*(figure.name for figure in FIGURES), *(str(name) for _, name in kept.values())})


def settled(fields: CustomFields, access: Access) -> Mapping[str, str]:
    """The fields' names by ``Figure.key``, after making those that are missing.

    FixSettings names the fields that a person has to make by hand, or the one that has another type.
    """
    if access.settings.get("fields_by_hand"):
        return {figure.key: figure.name for figure in FIGURES}
    kept = _kept(access.notes)
    try:
        defined = fields.of(PARENT)
        found = {figure.key: _settled(figure, fields, defined, kept) for figure in FIGURES}
    except FixSettings as problem:
        if problem.code != "no_permission":
            raise
        raise _by_hand(problem) from problem
    told = {key: [record_id(one), str(one["name"])] for key, one in found.items()}
    if told != kept:
        access.notes.write(NOTE, told)
    return {key: name for key, (_, name) in told.items()}


def _settled(figure: Figure, fields: CustomFields, defined: Sequence[Record], kept: Mapping[str, Any]) -> Record:
    """The field that we used so far, else the one of that name, else a new one."""
    ident = (kept.get(figure.key) or [""])[0]
    found = next((one for one in defined if ident and record_id(one) == ident), None)
    found = found or definition_named(defined, figure.name) or fields.make(PARENT, figure.name, figure.kind)
    if found.get("type") != figure.kind:
        raise FixSettings(
            f"custom field {PARENT}/{figure.name}: exists as {found.get('name')!r} of type {found.get('type')!r}",
            person=f"Planhat has a custom field “{found.get('name')}” of type “{found.get('type')}” on companies, and our "
            f"figure needs the type “{figure.kind}”. Please rename or remove that field in Planhat.",
        )
    return found


def _kept(notes: Notes) -> Mapping[str, Any]:
    value = (notes.read(NOTE) or ({}, 0.0))[0]
    return value if isinstance(value, dict) else {}


def _by_hand(problem: FixSettings) -> FixSettings:
    wanted = ", ".join(f"“{figure.name}” ({figure.kind})" for figure in FIGURES)
    return FixSettings(
        str(problem),
        person=f"The Planhat token may not see or make custom fields. Make these on companies in Planhat by hand: {wanted}. "
        "Then let the token see custom fields, or tick “The fields for figures are there” in the settings of Planhat.",
        code=problem.code,
    )
