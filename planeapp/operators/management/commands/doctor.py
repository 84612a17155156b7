"""``manage.py doctor``: what is missing, each fault with its mend."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError

from planeapp.operators.commands import GroundcrewCommand
from planeapp.operators.doctor.findings import Finding
from planeapp.operators.doctor.rounds import examine

MARKS = {"ok": "ok   ", "note": "note ", "fault": "FAULT"}


class Command(GroundcrewCommand):
    """Looks only. Exit 1 when something does not work; notes are no faults."""

    help = "Look at settings, keys, database, Redis, workers, vendors, mail and static files; tell the mend for each fault."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """``--json``."""
        self.add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Look, print, end."""
        found = examine()
        faults = sum(finding.state == "fault" for finding in found)
        if options["json"]:
            self.print_json({"ok": not faults, "findings": [asdict(finding) for finding in found]})
        else:
            self.stdout.write("\n".join(map(_line, found)))
        if faults:
            raise CommandError(f"{faults} {'fault' if faults == 1 else 'faults'} found.")


def _line(finding: Finding) -> str:
    mend = f" → {finding.mend}" if finding.mend else ""
    return f"{MARKS[finding.state]} {finding.part}: {finding.text}{mend}"
