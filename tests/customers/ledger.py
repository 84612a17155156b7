"""A vendor in memory that takes figures, notes and tasks, and work items that were agreed on with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from planeapp.customers.models import Company
from planeapp.customers.options import Options, save_options
from planeapp.installations.models import Connection
from planeapp.lib.errors import GroundcrewError
from planeapp.providers import PROVIDERS
from planeapp.providers.base import Tally
from planeapp.sync.models import ItemLink, ProjectPair
from tests.customers.factories import CompanyFactory, KnowingConnectionFactory
from tests.factories import ItemLinkFactory, ProjectPairFactory
from tests.providers.memory import Luck, Memory


@dataclass
class Ledger(Luck):
    """``written``: each call's figures. ``told``: mark → company, how and title. ``refuses``: company → why it takes nothing."""

    written: list[dict[str, Tally]] = field(default_factory=list)
    told: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    refuses: dict[str, GroundcrewError] = field(default_factory=dict)


class MemoryWithLedger(Memory):
    """The contract's part about figures and notes."""

    ledger: ClassVar[Ledger]

    def write_tallies(self, tallies: Mapping[str, Tally]) -> Mapping[str, GroundcrewError]:
        """Keep what is not refused."""
        self.ledger.begin("write_tallies", "")
        self.ledger.written.append({key: one for key, one in tallies.items() if key not in self.ledger.refuses})
        self.ledger.end("write_tallies")
        return {key: error for key, error in self.ledger.refuses.items() if key in tallies}

    def tell(self, company_id: str, how: str, title: str, html: str, mark: str) -> str:
        """One for each mark."""
        self.ledger.begin("tell", company_id, mark)
        if company_id in self.ledger.refuses:
            raise self.ledger.refuses[company_id]
        self.ledger.told.setdefault(mark, (company_id, how, title))
        self.ledger.end("tell")
        return mark


@dataclass
class Desk:
    """One connection with a paired project."""

    connection: Connection
    pair: ProjectPair
    ledger: Ledger

    def choose(self, **options: Any) -> None:
        """An admin chooses these options, and the default for all others."""
        save_options(self.connection, Options(**options))

    def company(self, ident: str, **values: Any) -> Company:
        """A company that we know of."""
        made: Company = CompanyFactory(connection=self.connection, remote_id=ident, **values)
        return made

    def item(self, *parties: str, state: str = "started", priority: str = "none", **ours: Any) -> ItemLink:
        """A linked work item that waits for these companies."""
        agreed = {"state": state, "priority": priority, "created": "2026-01-05", "parties": sorted(parties), **ours}
        made: ItemLink = ItemLinkFactory(pair=self.pair, ours=agreed)
        return made

    def now(self, link: ItemLink, **ours: Any) -> None:
        """The work item changed, and both sides agreed on that."""
        link.ours = {**link.ours, **ours}
        link.save()

    def asked(self) -> list[str]:
        """The calls to the vendor."""
        return [call[0] for call in self.ledger.calls]


@pytest.fixture
def desk(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Nothing is chosen yet, nothing is known."""
    monkeypatch.setitem(PROVIDERS, "memory", "tests.customers.ledger.MemoryWithLedger")
    MemoryWithLedger.ledger = Ledger()
    connection = KnowingConnectionFactory(provider="memory")
    yield Desk(connection, ProjectPairFactory(connection=connection), MemoryWithLedger.ledger)
    del MemoryWithLedger.ledger


class Killed(BaseException):
    """The worker's process ends here."""


def killed(work: Callable[[], None]) -> None:
    """Do it, and be killed in it."""
    with pytest.raises(Killed):
        work()
