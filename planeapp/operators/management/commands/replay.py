"""``manage.py replay DELIVERY… | --dead``: stored deliveries are worked on again."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import CommandError
from django.db.models import QuerySet

from planeapp.inbox.models import Delivery
from planeapp.inbox.replay import named, replay
from planeapp.operators.commands import GroundcrewCommand, moment, one_line, workspace


class Command(GroundcrewCommand):
    """Those that are named, or all that were given up; of one workspace or of all, unknown ones included."""

    help = "Put stored deliveries back into the queue: those that are named, or with --dead all that were given up."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Ids, or ``--dead`` with its bounds."""
        parser.add_argument("deliveries", nargs="*", metavar="DELIVERY", help="id of a delivery")
        parser.add_argument("--dead", action="store_true", help="all that were given up")
        parser.add_argument("--workspace", help="slug or uuid; only deliveries of this workspace")
        parser.add_argument("--since", help="with --dead: received at or after, ISO 8601 (UTC without an offset)")
        parser.add_argument("--until", help="with --dead: received before, ISO 8601 (UTC without an offset)")
        self.add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Find them all before the first is touched, then put them back."""
        installation = workspace(options["workspace"]) if options["workspace"] else None
        rows = installation.deliveries.all() if installation else Delivery.objects.all()
        rows, which = _dead(rows, options) if options["dead"] else _named(rows, options)
        with one_line():
            done = replay(rows, installation, by="command line", **which)
        if options["json"]:
            self.print_json({"replayed": done.replayed, "left_alone": done.left_alone})
            return
        alone = f", {done.left_alone} left alone (waiting or in hand already)" if done.left_alone else ""
        self.stdout.write(f"{done.replayed} put back to be worked on again{alone}.")


def _dead(rows: QuerySet[Delivery], options: dict[str, Any]) -> tuple[QuerySet[Delivery], dict[str, Any]]:
    if options["deliveries"]:
        raise CommandError("Name deliveries or use --dead, not both.")
    rows, which = rows.filter(state=Delivery.State.DEAD), {"state": "dead"}
    for name, lookup in (("since", "received_at__gte"), ("until", "received_at__lt")):
        at = moment(f"--{name}", options[name])
        if at is not None:
            rows, which = rows.filter(**{lookup: at}), which | {name: at.isoformat()}
    return rows, which


def _named(rows: QuerySet[Delivery], options: dict[str, Any]) -> tuple[QuerySet[Delivery], dict[str, Any]]:
    if not options["deliveries"]:
        raise CommandError("Name at least one delivery, or use --dead for all that were given up.")
    if options["since"] or options["until"]:
        raise CommandError("--since and --until go with --dead.")
    ids = list(dict.fromkeys(_id(text) for text in options["deliveries"]))
    rows = rows.filter(pk__in=ids)
    found = set(rows.values_list("pk", flat=True))
    lacking = [str(one) for one in ids if one not in found]
    if lacking:
        kept = f"Deliveries are kept for {settings.DELIVERY_DAYS} days. Nothing was replayed."
        raise CommandError(f"Not found: {', '.join(lacking)}. {kept}")
    return rows, {"deliveries": named(ids)}


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise CommandError(f"{text!r} is no id of a delivery. It is on the delivery's page.") from error
