from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client

from planeapp.bot.commands import COMMANDS
from planeapp.bot.guide import page
from planeapp.installations.models import Membership
from tests.factories import MembershipFactory


def test_the_page_in_the_docs_is_the_one_that_the_table_makes() -> None:
    written = Path(__file__).parents[2] / "docs" / "commands.md"
    assert written.read_text() == page(), "run: python manage.py commands > docs/commands.md"


@pytest.mark.django_db
def test_members_read_every_command_in_the_settings_and_strangers_nothing(client: Client) -> None:
    membership: Membership = MembershipFactory()
    address = f"/w/{membership.installation.slug}/commands/"
    assert client.get(address).status_code in (302, 404)
    client.force_login(membership.user)
    shown = client.get(address).content.decode()
    assert all(command.example in shown for command in COMMANDS)
