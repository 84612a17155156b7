"""``manage.py rotate_keys``: every stored secret re-encrypted with the first key of ENCRYPTION_KEYS."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from planeapp.installations import audit, rotation
from planeapp.lib.crypto import CannotDecrypt
from planeapp.operators.commands import GroundcrewCommand


class Command(GroundcrewCommand):
    """Safe while the app runs, and to run again."""

    help = (
        "Re-encrypt stored secrets with the first key. Afterwards the older keys can be taken out of ENCRYPTION_KEYS."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """``--json``."""
        self.add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Rotate and tell how many rows were brought over."""
        try:
            done = rotation.rotate()
        except CannotDecrypt as error:
            raise CommandError(f"{error}. Nothing more was changed; put the key back and run this again.") from error
        audit.record("rotated_keys", None, rows=done)
        if options["json"]:
            self.print_json({"rotated": done})
        else:
            self.stdout.write(f"{done} rows were brought to the first key. Older keys are no longer needed.")
