"""A company and rules on it, beside a sandbox Plane that is reached over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from planeapp.customers import firing
from planeapp.customers.cache import take
from planeapp.customers.models import Book, Company, CompanyRule, Firing
from planeapp.installations.models import Connection
from planeapp.lib.errors import RetryLater
from planeapp.providers.base import Company as Told
from tests.customers.factories import BookFactory, CompanyRuleFactory, KnowingConnectionFactory
from tests.factories import InstallationFactory, ItemLinkFactory, ProjectPairFactory, TieFactory
from tests.plane.conftest import Sandbox, http, sandbox

__all__ = ["Killed", "Ruling", "http", "ruling", "sandbox"]
COMMENT = {"do": "comment", "text": "{company} is in {after} now."}


class Killed(BaseException):
    """The worker's process ends here."""


@dataclass
class Ruling:
    """A connection whose first look found one company, ``acme``; ``project`` is CUST in the sandbox Plane."""

    sandbox: Sandbox
    connection: Connection
    project: str

    def rule(self, *then: dict[str, Any], when: dict[str, Any] | None = None, **more: Any) -> CompanyRule:
        """A rule that was switched on just now; without more, on the phase that becomes Onboarding."""
        when = when or {"test": "becomes", "field": "phase", "value": "onboarding"}
        rule: CompanyRule = CompanyRuleFactory(
            connection=self.connection, when=when, then=list(then or [COMMENT]), **more
        )
        firing.arm(rule)
        return rule

    def create(self, **more: Any) -> dict[str, Any]:
        """The action that makes a work item in CUST."""
        return {"do": "create_item", "project_id": self.project, "title": "Onboard {company}", **more}

    def tell(self, company: str = "acme", scan: int | None = None, **values: Any) -> None:
        """The other system's company was read as this."""
        take(self.connection, [Told(company, company.title(), values=values)], scan=scan)

    def company(self, remote_id: str = "acme") -> Company:
        """Our copy."""
        return Company.objects.get(connection=self.connection, remote_id=remote_id)

    def work(self) -> None:
        """Let a worker do all that waits, however long it is to wait; claims of those who died have lapsed."""
        long_ago = timezone.now() - timedelta(hours=1)
        Firing.objects.filter(state=Firing.State.WAITING).update(due_at=long_ago)
        Firing.objects.exclude(claimed_at=None).update(claimed_at=long_ago)
        firing.work(self.connection)

    def stumble(self) -> None:
        """Let a worker begin who finds that something has to be tried again."""
        with pytest.raises(RetryLater):
            firing.work(self.connection)

    def states(self) -> list[str]:
        """States of the firings, oldest first."""
        return list(Firing.objects.order_by("created_at", "pk").values_list("state", flat=True))

    def made(self) -> list[dict[str, Any]]:
        """Plane's work items that we made."""
        return self.sandbox.plane.live("work_item", external_source="groundcrew")

    def comments(self) -> list[dict[str, Any]]:
        """Plane's comments that we wrote."""
        return self.sandbox.plane.live("comment", external_source="groundcrew")

    def item(self, number: int = 1) -> dict[str, Any]:
        """A work item of CUST as it is now."""
        return dict(self.sandbox.row("work_item", project=self.project, sequence_id=number))

    def tied(self, number: int = 1, state: str = "", **more: Any) -> dict[str, Any]:
        """A work item of CUST tied to ``acme``; with a state, linked and known to be in it."""
        item = self.item(number)
        key = f"CUST-{number}"
        tie = {"item_id": item["id"], "project_id": self.project, "party_id": "acme", "item_key": key}
        TieFactory(connection=self.connection, **tie | more)
        if state:
            pair = self.connection.pairs.first() or ProjectPairFactory(
                connection=self.connection, project_id=self.project
            )
            ItemLinkFactory(pair=pair, item_id=item["id"], ours={"state": state, "parties": ["acme"]})
        return item


@pytest.fixture
def ruling(db: None, settings: Settings, sandbox: Sandbox) -> Ruling:
    """Everything in place; there is no rule yet."""
    settings.PLANE_BASE_URL = sandbox.url
    workspace, project = sandbox.row("workspace", slug="sandbox"), sandbox.row("project", identifier="CUST")
    installation = InstallationFactory(
        workspace_id=workspace["id"], slug="sandbox", app_installation_id=sandbox.installation
    )
    made = Ruling(sandbox, KnowingConnectionFactory(installation=installation), project["id"])
    BookFactory(connection=made.connection, number=0)
    take(made.connection, [Told("acme", "Acme", values={"phase": "Trial"})], scan=1, quiet=True)
    Book.objects.update(number=1)
    return made
