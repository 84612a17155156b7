"""``manage.py listing``: what Plane's marketplace asks for, in Markdown."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings

from planeapp.dashboard.listing import page
from planeapp.dashboard.public import contact
from planeapp.operators.commands import GroundcrewCommand


class Command(GroundcrewCommand):
    """Prints the listing with this installation's addresses, or the page that ``docs/marketplace/listing.md`` holds."""

    help = "Print what Plane's marketplace asks for, ready to paste."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """``--example``."""
        parser.add_argument("--example", action="store_true", help="with made-up addresses, as in the documentation")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print."""
        ours = page(settings.APP_NAME, settings.APP_BASE_URL, contact())
        self.stdout.write(page("Groundcrew") if options["example"] else ours, ending="")
