"""``manage.py connect WORKSPACE PROVIDER``: add or replace a connection; the token never comes from the arguments."""

from __future__ import annotations

import sys
from argparse import SUPPRESS, ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from planeapp.installations import audit, connecting
from planeapp.installations.connecting import Offer
from planeapp.operators.commands import GroundcrewCommand, add_provider, one_line, workspace
from planeapp.providers import form_of


class Command(GroundcrewCommand):
    """Tries the token with a probe and stores it when the vendor takes it."""

    help = "Connect a workspace to a provider. The token is read from --token-file or standard input."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Workspace, provider, where the token is. In full: ``--token X`` must not pass for ``--token-file``."""
        parser.allow_abbrev = False
        parser.add_argument("workspace", help="slug or uuid")
        add_provider(parser, optional=False)
        parser.add_argument(
            "--token-file", default="-", help="file that holds the token, - for standard input (default)"
        )
        parser.add_argument("--token", nargs="?", const="", help=SUPPRESS)
        parser.add_argument("--region", default="", help="the vendor's region, where it has several")
        parser.add_argument(
            "--set", action="append", default=[], metavar="NAME=VALUE",
            help="a further field of the vendor's form on the connect page; can be given several times",
        )  # fmt: skip
        self.add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Check the input as the form would, then connect and print the report."""
        if options["token"] is not None:
            raise CommandError("Others on this machine can read arguments. Use --token-file, or pipe the token in.")
        installation = workspace(options["workspace"])
        provider = options["provider"]
        form: Any = form_of(provider)(
            {
                "region": options["region"],
                "auth": "bearer",
                **_fields(options["set"]),
                "token": _token(options["token_file"]),
            }
        )
        if not form.is_valid():
            raise CommandError("; ".join(f"{name}: {' '.join(told)}" for name, told in form.errors.items()))
        extra = dict(form.settings())
        base_url = str(extra.pop("base_url", "") or settings.VENDOR_URLS[provider])
        with one_line():
            connection = connecting.connect(installation, provider, Offer(form.credentials(), extra, base_url))
        audit.record_connected(installation, provider, by="command line")
        if options["json"]:
            self.print_json(connection.report)
            return
        for line in connection.report["lines"]:
            self.stdout.write(f"{line['state']:7} {line['label']}{': ' + line['detail'] if line['detail'] else ''}")


def _fields(given: list[str]) -> dict[str, str]:
    for field in given:
        if "=" not in field:
            raise CommandError(f"--set: {field!r} has no =; write NAME=VALUE.")
    return {name: value for name, _, value in (field.partition("=") for field in given)}


def _token(path: str) -> str:
    try:
        text = sys.stdin.read() if path == "-" else Path(path).read_text()
    except OSError as error:
        raise CommandError(f"--token-file: {error.strerror}: {path}") from error
    if not text.strip():
        raise CommandError("The token is empty. Put it into a file or pipe it to standard input.")
    return text.strip()
