"""What the commands share: finding a workspace, one clear line on a refusal, JSON for machines."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from planeapp.installations.models import Connection, Installation
from planeapp.lib.errors import GroundcrewError
from planeapp.providers import PROVIDERS


class GroundcrewCommand(BaseCommand):
    """Exit 0 done, 1 refused or failed, with one clear line on standard error."""

    requires_system_checks: list[str] = []

    def add_json(self, parser: ArgumentParser) -> None:
        """The ``--json`` switch."""
        parser.add_argument("--json", action="store_true", help="print JSON for machines")

    def print_json(self, data: Any) -> None:
        """One JSON document on standard output."""
        self.stdout.write(json.dumps(data, ensure_ascii=False, default=str))


def workspace(name: str) -> Installation:
    """The installation of a slug or uuid."""
    try:
        query = {"workspace_id": UUID(name)}
    except ValueError:
        query = {"slug": name}  # type: ignore[dict-item]
    found = Installation.objects.filter(**query).order_by("-updated_at").first()
    if found is None:
        raise CommandError(f"No workspace {name!r} has the app installed. Known: {', '.join(_slugs()) or 'none yet'}.")
    return found


def _slugs() -> list[str]:
    return sorted(Installation.objects.values_list("slug", flat=True)[:20])


def moment(option: str, text: str | None, zone: tzinfo = UTC) -> datetime | None:
    """The time that ``option`` names in ISO 8601, without an offset in ``zone``; None when it was not given."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{option}: {text!r} is not ISO 8601; use 2026-11-20T14:00:00+01:00.") from error
    return found if found.tzinfo else found.replace(tzinfo=zone)


def connections(installation: Installation, provider: str | None) -> list[Connection]:
    """The workspace's connections, all or the named one."""
    found = list(installation.connections.filter(**({"provider": provider} if provider else {})))
    if not found:
        what = provider or "any provider"
        raise CommandError(
            f"{installation.slug} is not connected to {what}. Connect it in the settings or with `connect`."
        )
    return found


def add_provider(parser: ArgumentParser, optional: bool = True) -> None:
    """The provider argument."""
    if optional:
        parser.add_argument("provider", nargs="?", choices=sorted(PROVIDERS))
    else:
        parser.add_argument("provider", choices=sorted(PROVIDERS))


@contextmanager
def one_line() -> Iterator[None]:
    """Turn our errors into the command's one line."""
    try:
        yield
    except GroundcrewError as error:
        raise CommandError(f"{error.person} ({error})") from error
