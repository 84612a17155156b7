"""Bulk upserts: what the answer says about each record.

Source: Planhat developer docs, "Bulk upsert" and "HTTP response codes". 200 all fine, 206 some failed, 400 all failed,
403 with ``permissionErrors``; the body has the same counters and arrays each time. The error arrays hold strings or
objects of no given form, and the order of no array is promised, so records are recognised by their keys.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from planeapp.providers.planhat.answers import words
from planeapp.providers.planhat.models import BULK_ITEMS, Json, Model, bulk_key

BULK_BYTES = 24 * 1024 * 1024
"""Largest body we send; Planhat takes 32 MB."""

PIN_CALLS = 64
"""Most extra calls to find out which records of a batch an error without a key belongs to."""

_KEYS = ("insertsKeys", "updatesKeys")
_ERRORS = ("createdErrors", "updatedErrors")
_PERMISSIONS = "permissionErrors"
_APART = re.compile(r"[\s\"'`,;(){}\[\]<>]+")


@dataclass(frozen=True)
class BulkResult:
    """What became of the records of a bulk write.

    ``ids``, ``errors`` and ``permission_errors`` go by the key the record was sent with (``_id`` > ``sourceId`` >
    ``externalId`` > ``email``). A record that did not change is counted in ``unchanged`` and named nowhere.
    ``unplaced`` are errors that name no record. ``made`` are the keys of those that came into being.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    ids: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    permission_errors: Mapping[str, str] = field(default_factory=dict)
    unplaced: tuple[str, ...] = ()
    made: frozenset[str] = frozenset()

    def __add__(self, other: BulkResult) -> BulkResult:
        """Both together, for batches of different records."""
        return BulkResult(
            self.created + other.created, self.updated + other.updated, self.unchanged + other.unchanged,
            {**self.ids, **other.ids}, {**self.errors, **other.errors},
            {**self.permission_errors, **other.permission_errors}, self.unplaced + other.unplaced,
            self.made | other.made,
        )  # fmt: skip

    def settled(self, key: str) -> bool:
        """Whether the answer names this record."""
        return key in self.ids or key in self.errors or key in self.permission_errors


Put = Callable[[Sequence[Json]], BulkResult]


def is_report(body: Any) -> bool:
    """Whether a body is a bulk answer, whatever its status was."""
    return isinstance(body, dict) and any(
        name in body for name in (*_KEYS, *_ERRORS, _PERMISSIONS, "nonupdates", "upsertedIds")
    )


def read_report(body: Json, model: Model, rows: Iterable[Json]) -> BulkResult:
    """A bulk answer in our form."""
    keys = {bulk_key(model, row) for row in rows} - {""}
    errors, unplaced = _placed((item for name in _ERRORS for item in _list(body, name)), model, keys)
    forbidden, homeless = _placed(_list(body, _PERMISSIONS), model, keys)
    return BulkResult(
        _count(body, "created"), _count(body, "updated"), _count(body, "nonupdates"),
        _ids(body, model, keys, _KEYS), errors, forbidden, (*unplaced, *homeless),
        frozenset(_ids(body, model, keys, _KEYS[:1])),
    )  # fmt: skip


def write_all(put: Put, model: Model, rows: Iterable[Json]) -> BulkResult:
    """Write any number of records, batch after batch (never two at once, as Planhat asks), each key once."""
    result = BulkResult()
    for batch in batches(unique(model, rows)):
        result += pinned(put, model, batch, put(batch))
    return result


def unique(model: Model, rows: Iterable[Json]) -> list[Json]:
    """One record per key, the last one counts: a key twice in an array fails both."""
    keyed: dict[str, Json] = {}
    for number, row in enumerate(rows):
        keyed[bulk_key(model, row) or f"\0{number}"] = row
    return list(keyed.values())


def batches(rows: Sequence[Json], items: int = BULK_ITEMS, size: int = BULK_BYTES) -> Iterator[list[Json]]:
    """Rows in as few arrays as the limits on items and bytes allow, in order."""
    batch: list[Json] = []
    used = 0
    for row in rows:
        weight = len(json.dumps(row, ensure_ascii=False).encode("utf-8", "replace")) + 1
        if batch and (len(batch) == items or used + weight > size):
            yield batch
            batch, used = [], 0
        batch.append(row)
        used += weight
    if batch:
        yield batch


def pinned(put: Put, model: Model, batch: Sequence[Json], result: BulkResult) -> BulkResult:
    """The same result with its unplaced errors tied to records, by sending halves of the undecided ones again.

    Records with a key may be sent again without harm; those without one would be inserted twice, so they are left
    alone. Records that are still undecided after ``PIN_CALLS`` calls all get the message of their group.
    """
    undecided = _undecided(model, batch, result)
    if not result.unplaced or not undecided:
        return result
    keyless = any(not bulk_key(model, row) for row in batch)
    found = result if keyless else replace(result, unplaced=())
    if len(set(result.unplaced)) == 1 and len(result.unplaced) == len(undecided) and not result.unchanged:
        return found + BulkResult(errors={bulk_key(model, row): result.unplaced[0] for row in undecided})
    waiting, calls = [(undecided, result.unplaced)], 0
    while waiting:
        rows, messages = waiting.pop()
        if len(rows) == 1 or calls >= PIN_CALLS:
            found += BulkResult(errors={bulk_key(model, row): messages[0] for row in rows})
            continue
        for half in _halves(rows):
            calls += 1
            answer = put(half)
            found += _again(answer)
            left = _undecided(model, half, answer)
            if answer.unplaced and left:
                waiting.append((left, answer.unplaced))
    return found


def _undecided(model: Model, rows: Sequence[Json], result: BulkResult) -> list[Json]:
    keyed = ((bulk_key(model, row), row) for row in rows)
    return [row for key, row in keyed if key and not result.settled(key)]


def _again(answer: BulkResult) -> BulkResult:
    """A repeated part's answer without what the first answer has counted or said already."""
    return BulkResult(
        answer.created, answer.updated, 0, answer.ids, answer.errors, answer.permission_errors, made=answer.made
    )


def _halves(rows: list[Json]) -> tuple[list[Json], list[Json]]:
    middle = len(rows) // 2
    return rows[:middle], rows[middle:]


def _placed(items: Iterable[Any], model: Model, keys: set[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Errors by the key of the record that they name, and those that name none."""
    placed: dict[str, str] = {}
    unplaced: list[str] = []
    for item in items:
        message = words(item) or "refused without a reason"
        key = _named(item, model, keys)
        if key:
            placed[key] = message
        else:
            unplaced.append(message)
    return placed, tuple(unplaced)


def _named(item: Any, model: Model, keys: set[str]) -> str:
    """The key of the record that an error is about, when it names exactly one of ours."""
    if isinstance(item, Mapping):
        found = [key for key in _told_keys(item, model) if key in keys]
        nested = [_named(value, model, keys) for value in item.values() if isinstance(value, Mapping)]
        return next(iter([*found, *filter(None, nested)]), "") or _named(words(item), model, keys)
    said = keys.intersection(part.strip(".:") for part in _APART.split(str(item)))
    return said.pop() if len(said) == 1 else ""


def _told_keys(told: Json, model: Model) -> list[str]:
    return [str(told[name]) for name in model.keys if told.get(name)]


def _ids(body: Json, model: Model, keys: set[str], names: Iterable[str]) -> dict[str, str]:
    """Ids by the keys that we sent, from these arrays of the answer."""
    found = {}
    for told in (item for name in names for item in _list(body, name) if isinstance(item, Mapping)):
        key = next((key for key in _told_keys(told, model) if key in keys), "")
        if key and told.get("_id"):
            found[key] = str(told["_id"])
    return found


def _list(body: Json, name: str) -> list[Any]:
    value = body.get(name)
    return value if isinstance(value, list) else []


def _count(body: Json, name: str) -> int:
    value = body.get(name)
    return value if isinstance(value, int) else 0
