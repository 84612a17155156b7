"""Our own writes coming back: an event that carries a row just as we left it costs no call."""

from __future__ import annotations

from contextlib import closing

from planeapp.installations.gateways import provider_for
from planeapp.lib.errors import ReconnectNeeded
from planeapp.lib.events import Event
from planeapp.providers.base import Item
from planeapp.sync.counterpart import Counterpart
from planeapp.sync.models import ItemLink, ProjectPair
from planeapp.sync.options import options_of
from planeapp.sync.values import from_json


def is_echo(event: Event, link: ItemLink) -> bool:
    """Whether an event tells, of every field that may change Plane, what both sides agreed on last.

    An event that leaves out one of these fields is no echo: then the row is read.
    """
    pair = link.pair
    try:
        with closing(provider_for(pair.connection, pair.zone)) as vendor:
            row = vendor.of_event(event.data)
            read = [
                known.name for known in vendor.fields if _direction(pair, known.name, known.default) in ("in", "both")
            ]
            counterpart = Counterpart(vendor, pair.place_id, options_of(pair.options).people)
    except ReconnectNeeded:
        return False
    if row is None or counterpart.elsewhere(row):
        return False
    return _agreed(counterpart.in_our_words(row), link, read)


def _direction(pair: ProjectPair, name: str, default: str) -> str:
    return str(pair.rules.get(name, {}).get("direction", default))


def _agreed(row: Item, link: ItemLink, names: list[str]) -> bool:
    agreed = from_json(link.theirs)
    return all(name in row.values and row.values[name] == agreed.get(name) for name in names)
