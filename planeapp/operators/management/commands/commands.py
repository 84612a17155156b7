"""``manage.py commands``: the page about the bot's commands, in Markdown."""

from __future__ import annotations

from typing import Any

from planeapp.bot.guide import page
from planeapp.operators.commands import GroundcrewCommand


class Command(GroundcrewCommand):
    """Prints the page that ``docs/commands.md`` holds."""

    help = "Print the page about the bot's commands, made from the command table."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print."""
        self.stdout.write(page(), ending="")
