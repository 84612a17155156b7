"""A field that is switched on: what both sides hold then counts as not agreed yet, so that linked rows get it too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from planeapp.providers import provider_class
from planeapp.sync.models import ItemLink, ProjectPair

SOURCE = {"out": "ours", "both": "ours", "in": "theirs"}
"""Direction → the side whose value is carried over at first."""


def switched_on(pair: ProjectPair, before: Mapping[str, Any], after: Mapping[str, Any]) -> int:
    """Have the fields that were off and are not any more carried over by the next look; gives how many links that concerns.

    ``before`` and ``after``: rules as stored. From Plane where the field goes both ways.
    """
    fresh = {name: SOURCE[way] for name, way in _directions(pair, after).items()
             if way != "off" and _directions(pair, before)[name] == "off"}  # fmt: skip
    if not fresh:
        return 0
    links = pair.links.filter(state=ItemLink.State.LINKED)
    for link in links.iterator(chunk_size=500):
        for name, side in fresh.items():
            getattr(link, side).pop(name, None)
        link.seen = ""  # the next delivery is news
        link.save(update_fields=["ours", "theirs", "seen", "updated_at"])
    return links.count()


def _directions(pair: ProjectPair, rules: Mapping[str, Any]) -> dict[str, str]:
    fields = provider_class(pair.connection.provider).fields
    return {known.name: str(rules.get(known.name, {}).get("direction", known.default)) for known in fields}
