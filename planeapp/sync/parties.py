"""Which companies a work item is tied to: what people, rules and Plane customers say, and the labels that it carries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from planeapp.lib.folding import folded
from planeapp.providers.base import Item
from planeapp.sync.models import LabelTie, ProjectPair, Tie


def with_parties(pair: ProjectPair, items: Sequence[Item], **only: Any) -> list[Item]:
    """The work items with ``parties`` and ``contacts`` (ids, sorted); ``only`` narrows the ties that are read.

    A label ties all that carry it, but for those that a person untied. Where labels may not be read and some stand for
    companies, ``parties`` is left out: then nothing is taken off over there that we cannot see.
    """
    ties, by_label = _ties(pair, only), _by_label(pair, items)
    return [replace(item, values={**item.values, **_tied(item, ties.get(item.id, []), by_label)}) for item in items]


def _ties(pair: ProjectPair, only: Mapping[str, Any]) -> dict[str, list[Tie]]:
    found: dict[str, list[Tie]] = defaultdict(list)
    for tie in Tie.objects.filter(connection_id=pair.connection_id, project_id=pair.project_id, **only):
        found[str(tie.item_id)].append(tie)
    return found


def _by_label(pair: ProjectPair, items: Sequence[Item]) -> dict[str, str]:
    """Folded label → company, of the labels that these items carry; of all labels when some items do not tell."""
    carried = {label for item in items for label in _labels(item)}
    unknown = any("labels" not in item.values for item in items)
    if not carried and not unknown:
        return {}
    standing = LabelTie.objects.filter(connection_id=pair.connection_id)
    wanted = standing if unknown else standing.filter(label__in=carried)
    return dict(wanted.values_list("label", "party_id"))


def _labels(item: Item) -> list[str]:
    return [folded(label)[:255] for label in item.values.get("labels") or ()]


def _tied(item: Item, ties: Sequence[Tie], by_label: Mapping[str, str]) -> dict[str, Any]:
    active = [tie for tie in ties if tie.state == Tie.State.ACTIVE]
    off = {tie.party_id for tie in ties if tie.state == Tie.State.OFF}
    contacts = tuple(sorted({str(contact) for tie in active for contact in tie.contacts}))
    if by_label and "labels" not in item.values:
        return {"contacts": contacts}
    labelled = {by_label[label] for label in _labels(item) if label in by_label}
    return {"parties": tuple(sorted({tie.party_id for tie in active} | (labelled - off))), "contacts": contacts}
