"""Before-images: each write of a run is put down, with what stood there, before it happens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from django.utils import timezone
from structlog.contextvars import bind_contextvars

from planeapp.providers.base import Item, Values
from planeapp.sync.models import ItemLink, ProjectPair, RunChange, SyncRun
from planeapp.sync.shapes import Change
from planeapp.sync.values import to_json


@dataclass
class Entry:
    """One write that is under way."""

    row: RunChange

    def now(self, link: ItemLink, values: Values, remote_id: str = "") -> None:
        """What stands there after the write, as the side itself tells it: of an update, the written names alone."""
        written = values if self.row.kind == "create" else {name: values.get(name) for name in self.row.after}
        self.row.link, self.row.after = link, to_json(written)
        self.row.remote_id = remote_id or self.row.remote_id

    def end(self) -> None:
        """It is done."""
        self.row.done = True
        self.row.save()


class Recorder:
    """Keeps the changes of one run; a run over a single item is made with its first change."""

    def __init__(self, pair: ProjectPair, run: SyncRun | None = None) -> None:
        self.pair, self.run = pair, run
        self._own = run is None

    @contextmanager
    def writing(
        self, change: Change, link: ItemLink | None, item: Item | None = None, key: str = ""
    ) -> Iterator[Entry]:
        """Put the change down, and mark it as done when the block ends well. ``key``: the work item's, where it is known
        without the item."""
        entry = self.begin(change, link, item, key)
        yield entry
        entry.end()

    def begin(self, change: Change, link: ItemLink | None, item: Item | None = None, key: str = "") -> Entry:
        """Put the change down before it is made; see :meth:`writing`."""
        if self.run is None:
            self.run = SyncRun.objects.create(pair=self.pair)
            bind_contextvars(run=str(self.run.pk))
        key = key or str(item.values.get("key") or "" if item else "") or (link.item_key if link else "")
        row = RunChange.objects.create(
            run=self.run, link=link, kind=change.kind, side=change.side, item_id=change.item_id,
            item_key=key, remote_id=change.remote_id, before=to_json(change.before),
            after=to_json(change.values),
        )  # fmt: skip
        return Entry(row)

    def finish(self, counts: Mapping[str, int], failed: int, broke_off: str = "") -> None:
        """End a run that was made here (``broke_off``: why before its end); the others are ended by who made them."""
        if not self._own or self.run is None:
            return
        self.run.state, self.run.finished_at = SyncRun.State.FAILED if broke_off else SyncRun.State.DONE, timezone.now()
        self.run.detail = broke_off[:500]
        self.run.counts = {**counts, **({"failed": failed} if failed else {})}
        self.run.save()
