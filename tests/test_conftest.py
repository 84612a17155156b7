from __future__ import annotations

import socket

import pytest

from tests import network
from tests.factories import (
    AuditEntryFactory,
    CredentialFactory,
    DeliveryFactory,
    DueFactory,
    HappeningFactory,
    ItemLinkFactory,
    MembershipFactory,
    OAuthStateFactory,
    SyncRunFactory,
    TieFactory,
    TimelineEntryFactory,
    TurnFactory,
)

FACTORIES = [
    AuditEntryFactory, CredentialFactory, DeliveryFactory, DueFactory, HappeningFactory, ItemLinkFactory,
    MembershipFactory, OAuthStateFactory, SyncRunFactory, TieFactory, TimelineEntryFactory, TurnFactory,
]  # fmt: skip


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("example.com", 443), ("10.0.0.1", 5432)])
def test_a_connection_to_another_machine_fails_the_test(address: tuple[str, int]) -> None:
    with socket.socket() as outgoing, pytest.raises(network.NetworkForbidden, match="tests stay on this machine"):
        outgoing.connect(address)
    assert network.offences == [str(address)]
    network.offences.clear()


def test_a_connection_to_this_machine_is_let_through() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as outgoing:
        assert outgoing.connect_ex(server.getsockname()) == 0


def test_other_machines_have_no_address_here() -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("plane.invalid", 443)


@pytest.mark.django_db
@pytest.mark.parametrize("factory", FACTORIES, ids=lambda factory: factory.__name__)
def test_every_factory_makes_rows_that_can_be_saved_twice(factory: type) -> None:
    first, second = factory(), factory()
    assert first.pk != second.pk
