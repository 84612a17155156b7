"""Which record a keyable points to, and which values must be unique."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from planeapp.sandbox.planhat.models import Model
from planeapp.sandbox.store import Doc

UNIQUE = {"companies": ("slug", "sourceId", "externalId"), "endusers": ("sourceId", "externalId")}
Key = tuple[str, object, object]


class Index:
    """The keyables of all records of a model, kept current while a bulk write goes on.

    On endusers ``externalId`` and ``email`` count inside one company when the asker names a company
    (Planhat help centre, "Uniqueness & keyables").
    """

    def __init__(self, model: Model, records: Iterable[Doc]) -> None:
        self._model = model
        self._names = dict.fromkeys((*model.keys, *UNIQUE.get(model.path, ("sourceId",))))
        self._ids: dict[Key, str] = {}
        for record in records:
            self.add(record)

    def add(self, record: Doc) -> None:
        """Take a record's keys up; the oldest record keeps a key that two have."""
        for key in self._keys(record):
            self._ids.setdefault(key, record["_id"])

    def drop(self, record: Doc) -> None:
        """Forget the keys that belong to this record."""
        for key in self._keys(record):
            if self._ids.get(key) == record["_id"]:
                del self._ids[key]

    def key_of(self, item: Doc) -> tuple[str, str] | None:
        """The first keyable that an item has, as (name, value): ``_id``, ``sourceId``, ``externalId``, ``email``."""
        return next(((name, str(item[name])) for name in self._model.keys if item.get(name)), None)

    def hit(self, item: Doc) -> str | None:
        """The ``_id`` of the record that the item's first keyable points to."""
        key = self.key_of(item)
        return self._ids.get((*key, self._scope(key[0], item))) if key else None

    def clash(self, record: Doc) -> str | None:
        """The name of a unique field whose value another record has already."""
        for name in UNIQUE.get(self._model.path, ("sourceId",)):
            holder = self._ids.get((name, str(record[name]), self._scope(name, record))) if record.get(name) else None
            if holder is not None and holder != record["_id"]:
                return name
        return None

    def _scope(self, name: str, item: Doc) -> object:
        return item.get("companyId") if self._model.path == "endusers" and name in ("externalId", "email") else None

    def _keys(self, record: Doc) -> Iterator[Key]:
        for name in self._names:
            if record.get(name):
                yield name, str(record[name]), None
                if self._scope(name, record) is not None:
                    yield name, str(record[name]), self._scope(name, record)
