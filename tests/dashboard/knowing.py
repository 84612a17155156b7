"""A workspace whose connection knows companies, and a browser in it. Use it by importing ``know``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from planeapp.customers.models import Company
from planeapp.installations.models import Connection, Installation
from tests.customers.factories import BookFactory, CompanyFactory, KnowingConnectionFactory
from tests.factories import InstallationFactory, MembershipFactory


@dataclass
class Know:
    """The pages of companies in workspace ``air``, opened by an admin, or by a member who may only look."""

    connection: Connection
    admin: Client
    member: Client
    base: str = "/w/air/companies/planhat/"

    @property
    def installation(self) -> Installation:
        """The workspace."""
        return self.connection.installation

    def page(self, path: str = "", status: int = 200) -> str:
        """A page's text."""
        return self._text(self.admin.get(self.base + path), status)

    def looks(self, path: str = "", status: int = 200) -> str:
        """The same for the member."""
        return self._text(self.member.get(self.base + path), status)

    def send(self, path: str, status: int = 200, **data: Any) -> str:
        """What a form answers, followed to where it leads."""
        return self._text(self.admin.post(self.base + path, data, follow=True), status)

    def company(self, name: str = "Acme Air", **more: Any) -> Company:
        """A company of the connection."""
        made: Company = CompanyFactory(connection=self.connection, name=name, **more)
        return made

    def _text(self, answer: Any, status: int) -> str:
        assert answer.status_code == status
        return " ".join(answer.content.decode().split())


@pytest.fixture
def know(db: None) -> Know:
    """A connection that knows companies; the first look at all of them is over."""
    return knowing(InstallationFactory(slug="air", zone="Europe/Stockholm"))


def knowing(installation: Installation) -> Know:
    """The pages of companies of this workspace."""
    connection = KnowingConnectionFactory(installation=installation)
    BookFactory(connection=connection)
    admin, member = Client(), Client()
    admin.force_login(MembershipFactory(installation=installation, user__display_name="Ada").user)
    member.force_login(MembershipFactory(installation=installation, plain=True).user)
    return Know(connection, admin, member, f"/w/{installation.slug}/companies/planhat/")
