"""``manage.py staff [E-MAIL --add|--remove]``: who may see the support pages."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from planeapp.accounts.models import User
from planeapp.installations import audit
from planeapp.operators.commands import GroundcrewCommand


class Command(GroundcrewCommand):
    """Each change is in the audit log."""

    help = (
        "List who may see the support pages; with an address and --add or --remove, let a person in or keep them out."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whom, and what."""
        parser.add_argument(
            "person", nargs="?", metavar="E-MAIL", help="address (or Plane id) with which they signed in"
        )
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--add", action="store_true", help="let them in")
        what.add_argument("--remove", action="store_true", help="keep them out")

    def handle(self, *args: Any, **options: Any) -> None:
        """List or change."""
        wanted = options["add"] or options["remove"]
        if bool(options["person"]) != wanted:
            raise CommandError("Name a person and --add or --remove; or nothing, for the list.")
        if not wanted:
            self._list()
            return
        person = _person(options["person"])
        User.objects.filter(pk=person.pk).update(is_staff=options["add"])
        audit.record(
            "staff_added" if options["add"] else "staff_removed", None, person=person.username, by="command line"
        )
        self.stdout.write(f"{person} {'may now see' if options['add'] else 'no longer sees'} the support pages.")

    def _list(self) -> None:
        for person in User.objects.filter(is_staff=True).order_by("email"):
            self.stdout.write(f"{person.email or '(no address)'} {person} {person.username}")


def _person(name: str) -> User:
    found = list(User.objects.filter(email__iexact=name)[:2]) or list(User.objects.filter(username=name))
    if not found:
        raise CommandError(f"Nobody has signed in as {name!r}. They have to sign in once before.")
    if len(found) > 1:
        ids = ", ".join(User.objects.filter(email__iexact=name).order_by("pk").values_list("username", flat=True)[:10])
        raise CommandError(f"Several people have {name}; use the Plane id: {ids}.")
    return found[0]
