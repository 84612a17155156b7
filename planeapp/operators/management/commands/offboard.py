"""``manage.py offboard WORKSPACE``: erases a workspace and prints the deletion receipt as JSON."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from planeapp.installations.uninstall import offboard
from planeapp.operators.commands import GroundcrewCommand, one_line, workspace


class Command(GroundcrewCommand):
    """Asks for the slug again unless ``--yes`` is given."""

    help = "Erase a workspace with all of its data. Prints the deletion receipt as JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Workspace and ``--yes``."""
        parser.add_argument("workspace", help="slug or uuid")
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(self, *args: Any, **options: Any) -> None:
        """Confirm, erase, print."""
        installation = workspace(options["workspace"])
        if (
            not options["yes"]
            and _typed(f"Type {installation.slug} to erase it with all of its data: ") != installation.slug
        ):
            raise CommandError("Nothing was erased: the name did not match. Use --yes to skip the question.")
        with one_line():
            receipt = offboard(installation, by="command line")
        self.print_json(receipt)


def _typed(question: str) -> str:
    try:
        return input(question).strip()
    except EOFError:
        return ""
