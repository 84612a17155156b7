"""``manage.py config export WORKSPACE`` and ``config import WORKSPACE FILE``: settings as one readable file."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction

from planeapp.customers import settings_changes
from planeapp.customers.settings_changes import Step as Change
from planeapp.customers.settings_section import SECTIONS
from planeapp.operators.commands import GroundcrewCommand, one_line, workspace
from planeapp.sync import settings_file, settings_import, settings_rows
from planeapp.sync.settings_import import Step
from planeapp.sync.settings_yaml import LARGEST, Unreadable

SHOWN = 50
COMPANY_LINES = {"make": "new rule", "remove": "deleted; what it made in Plane stays",
                 "leave": "not in the file, left alone (--remove takes it away)"}  # fmt: skip
LINES = {"make": "new pair", "remove": "taken away; nothing is deleted on either side",
         "leave": "not in the file, left alone (--remove takes it away)"}  # fmt: skip


class Command(GroundcrewCommand):
    """Prints the settings file of a workspace, or makes its pairs as a file says."""

    help = (
        "Export project pairs, field rules, filters and company rules as one YAML file without secrets, or import them."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What to do, workspace, file."""
        doing = parser.add_subparsers(dest="doing", required=True, metavar="export|import")
        doing.add_parser("export", help="print the settings file").add_argument("workspace", help="slug or uuid")
        reading = doing.add_parser("import", help="make the workspace's pairs as a file says")
        reading.add_argument("workspace", help="slug or uuid")
        reading.add_argument("file", help="the settings file, - for standard input")
        reading.add_argument("--dry-run", action="store_true", help="print what would change, write nothing")
        reading.add_argument(
            "--remove",
            action="store_true",
            help="take away pairs and rules that the file does not name (default: leave them)",
        )
        self.add_json(reading)

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the file, or the changes (and make them)."""
        installation = workspace(options["workspace"])
        if options["doing"] == "export":
            self.stdout.write(settings_rows.export(installation, SECTIONS), ending="")
            return
        raw = _content(options["file"])
        try:
            with one_line():
                given = settings_file.read(raw, SECTIONS)
                steps = settings_import.changes(installation, given, remove=options["remove"])
                more = settings_changes.changes(installation, given, remove=options["remove"])
        except CommandError as error:
            raise self._refusal(error) from error
        if not options["dry_run"]:
            with one_line(), transaction.atomic():
                settings_import.apply(installation, steps, by="command line")
                settings_changes.apply(installation, more, by="command line")
        self._tell(steps, more, options["dry_run"], options["json"])

    def _refusal(self, error: CommandError) -> CommandError:
        """Every fault on a line of its own before the last one, which says how it ended."""
        if not isinstance(error.__cause__, Unreadable):
            return error
        faults = error.__cause__.faults
        for fault in faults[:SHOWN]:
            self.stderr.write(str(fault))
        if len(faults) > SHOWN:
            return CommandError(
                f"Nothing was changed: the file has more than {SHOWN} faults; the first {SHOWN} are shown."
            )
        return CommandError(f"Nothing was changed: the file has {len(faults)} {_plural('fault', len(faults))}.")

    def _tell(self, steps: Sequence[Step], more: Sequence[Change], dry_run: bool, as_json: bool) -> None:
        counts, others = settings_import.counts(steps), settings_changes.counts(more)
        if as_json:
            companies = {"company_counts": others, "companies": [_data(step, "part") for step in more]} if more else {}
            pairs = [_data(step) for step in steps]
            self.print_json({"dry_run": dry_run, "counts": counts, "pairs": pairs, **companies})
            return
        self._list(steps, LINES)
        self._list(more, COMPANY_LINES)
        phrases = [f"{count} {_plural('pair', count)} {word}" for word, count in counts.items()]
        phrases += [f"{count} company {_plural('setting', count)} {word}" for word, count in others.items()]
        told = ", ".join(phrases)
        self.stdout.write(f"{told or 'Nothing to do'}.{' Dry run: nothing was written.' if dry_run else ''}")

    def _list(self, steps: Sequence[Step] | Sequence[Change], lines: Mapping[str, str]) -> None:
        for step in steps:
            if step.kind in lines:
                self.stdout.write(f"{step.path}: {lines[step.kind]}")
            for difference in step.differences:
                self.stdout.write(str(difference))


def _content(path: str) -> str | bytes:
    """The file's content; of one that is too large only so much that this shows."""
    try:
        if path == "-":
            return sys.stdin.read(LARGEST + 1)
        with Path(path).open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise CommandError(f"{error.strerror}: {path}") from error
    except UnicodeDecodeError as error:
        raise CommandError("Standard input is not UTF-8 text.") from error


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"


def _data(step: Step | Change, name: str = "pair") -> dict[str, Any]:
    found = [{"path": one.path, "before": one.before, "after": one.after} for one in step.differences]
    return {name: step.path, "does": step.kind, "changes": found}
