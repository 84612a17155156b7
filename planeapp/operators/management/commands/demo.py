"""``manage.py demo``: the app, its worker and the sandbox vendors; no accounts, no Redis, no PostgreSQL."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from planeapp.operators.demo.environment import HOME, addresses
from planeapp.operators.demo.processes import Supervisor, check_ports, commands


class Command(BaseCommand):
    """Prepares the database and runs the processes in the foreground."""

    help = "Run the whole product against the bundled sandbox vendors."

    def handle(self, *args: Any, **options: Any) -> None:
        """Check the ports, migrate, run until Ctrl-C."""
        at = addresses(os.environ)
        check_ports(at)
        call_command("migrate", verbosity=0, interactive=False)
        call_command("createcachetable", verbosity=0)
        children = commands(at, str(HOME / "vendors"), settings.PLANE_WEBHOOK_SECRETS[0], settings.PLANE_CLIENT_SECRET)
        Supervisor(children).run(at)
