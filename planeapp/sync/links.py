"""The links of one pair as a run works on them: each is ours alone while it is written, and remembers what was agreed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from planeapp.lib.claims import LEASE
from planeapp.lib.errors import RetryLater
from planeapp.providers.base import Item
from planeapp.sync import conflicts
from planeapp.sync.models import ItemLink, ProjectPair
from planeapp.sync.values import to_json

BUSY_SECONDS = 0.5


class Busy(RetryLater):
    """Another worker is at the same item: look again in a moment, at what it left."""

    code = "busy"


class Links:
    """``versions``: when each link that was planned with was last written; a link that was written since is not taken."""

    def __init__(self, pair: ProjectPair, versions: dict[str, datetime | None]) -> None:
        self.pair = pair
        self._versions = versions

    def get(self, link_id: str) -> ItemLink:
        """One link."""
        return self.pair.links.get(pk=link_id)

    def take(self, link_id: str) -> bool:
        """Make the link ours alone, if it still is as it was when we planned; Busy when another worker was faster."""
        now, version = timezone.now(), self._versions.get(link_id)
        free = Q(claimed_at=None) | Q(claimed_at__lt=now - LEASE)
        known = self.pair.links.filter(free, pk=link_id)
        if version is None or not known.filter(updated_at=version).update(claimed_at=now):
            raise Busy(f"link {link_id} was changed by another worker", delay=BUSY_SECONDS)
        return True

    def reserve(self, item: Item) -> tuple[ItemLink, bool]:
        """An unconfirmed link that is ours alone for a while, and whether it is new.

        Raises Busy when another worker has linked the item since we looked, or is making its row just now.
        """
        now = timezone.now()
        with transaction.atomic():
            ProjectPair.objects.select_for_update().get(pk=self.pair.pk)
            if self.pair.links.filter(item_id=item.id, state=ItemLink.State.LINKED).exists():
                raise Busy(f"{item.id} was linked by another worker", delay=BUSY_SECONDS)
            link, fresh = ItemLink.objects.get_or_create(
                pair=self.pair,
                item_id=item.id,
                state=ItemLink.State.UNCONFIRMED,
                defaults={"item_key": item.values.get("key", ""), "claimed_at": now},
            )
            if not fresh and link.claimed_at is not None and link.claimed_at > now - LEASE:
                raise Busy(f"{item.id} is being made by another worker", delay=BUSY_SECONDS)
            link.claimed_at = now
            link.save(update_fields=["claimed_at"])
        return link, fresh

    def release(self, links: Iterable[ItemLink]) -> None:
        """Let other workers have them again; nothing was written."""
        self.pair.links.filter(pk__in=[link.pk for link in links]).update(claimed_at=None)

    def for_another(self, item: Item, row: Item) -> ItemLink:
        """A link for a row that carries the item's mark: the item's only one, or one more."""
        if not self.pair.links.filter(item_id=item.id, state=ItemLink.State.LINKED).exists():
            return self.reserve(item)[0]
        key = str(item.values.get("key", ""))
        return self.pair.links.get_or_create(remote_id=row.id, defaults={"item_id": item.id, "item_key": key})[0]

    def free(self, rows: Sequence[Item]) -> list[Item]:
        """Those of the rows that no link knows."""
        known = set(self.pair.links.filter(remote_id__in=[row.id for row in rows]).values_list("remote_id", flat=True))
        return [row for row in rows if row.id not in known]

    def settle(
        self, link: ItemLink, item: Item, row: Item, made_by_us: bool | None = None, keep: Collection[str] = ()
    ) -> None:
        """Remember what both sides hold now. Fields in ``keep`` are still open: their last agreement stays."""
        link.remote_id, link.remote_url, link.state = row.id, row.url, ItemLink.State.LINKED
        link.item_key, link.seen = str(item.values.get("key") or link.item_key), item.version[:40]
        link.claimed_at = None
        link.ours = to_json(item.values) | {name: link.ours.get(name) for name in keep}
        link.theirs = to_json(row.values) | {name: link.theirs.get(name) for name in keep}
        if made_by_us is not None:
            link.made_by_us = made_by_us
        link.save()
        self._versions[str(link.pk)] = link.updated_at

    def end(self, link: ItemLink) -> None:
        """One side is gone: the link is kept, so that nothing is made anew by itself."""
        link.state, link.claimed_at = ItemLink.State.UNLINKED, None
        link.save()
        conflicts.close([str(link.pk)], ())

    def shown(self, link: ItemLink) -> None:
        """Its row's address stands on the work item."""
        link.shown, link.claimed_at = True, None
        link.save()
        self._versions[str(link.pk)] = link.updated_at
