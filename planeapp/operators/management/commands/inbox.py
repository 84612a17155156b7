"""``manage.py inbox``: how the inbox stands."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from planeapp.inbox.counts import summary
from planeapp.operators.commands import GroundcrewCommand


class Command(GroundcrewCommand):
    """Counts by outcome, how long the oldest has waited, and what came from workspaces or events that we do not know."""

    help = "How many messages wait, were handled, ignored or given up, and which workspaces and events are unknown."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Only ``--json``."""
        self.add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Print it."""
        found = summary()
        if options["json"]:
            self.print_json(found)
            return
        self.stdout.write(", ".join(f"{count} {state}" for state, count in found["states"].items()))
        waited = found["oldest_waiting_seconds"]
        self.stdout.write("Nothing waits." if waited is None else f"The oldest has waited {waited:g} s.")
        for row in found["unknown_workspaces"]:
            self.stdout.write(f"unknown workspace {row['workspace'] or '(not named)'}: {row['count']}")
        for row in found["unknown_events"]:
            self.stdout.write(f"event without use {row['kind']}: {row['count']}")
