"""``manage.py understand TEXT``: what the bot would do with a sentence, as JSON; does nothing."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.management.base import CommandError
from django.utils import timezone

from planeapp.bot.understand import understand
from planeapp.operators.commands import GroundcrewCommand, moment, workspace


class Command(GroundcrewCommand):
    """Prints commands, arguments and the question that the bot would ask."""

    help = "Print what the bot makes of a sentence, as JSON. Nothing is done."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Text, and what the reading depends on."""
        parser.add_argument("text", help="the comment without the mention of the bot")
        parser.add_argument("--workspace", help="slug or uuid; its time zone is the default")
        parser.add_argument("--at", help="what 'now' is, ISO 8601 (default: the clock)")
        parser.add_argument("--tz", help="IANA time zone (default: the workspace's, else UTC)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Read and print."""
        zone = options["tz"] or (workspace(options["workspace"]).zone if options["workspace"] else "UTC")
        now = moment("--at", options["at"], _zone(zone)) or timezone.now()
        self.print_json(understand(options["text"], now=now, zone=zone).as_data())


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise CommandError(f"--tz: {name!r} is not a time zone; use a name like Europe/Stockholm.") from error
