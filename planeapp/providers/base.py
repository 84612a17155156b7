"""The contract between us and an outside system that we sync with.

A provider gets plain values and token functions (:class:`Access`), never a Django model, and answers in our words:
:class:`Item` with neutral ``values``. The engine and the bot know nothing more about a vendor than what stands here.

Names used in ``values`` (a provider uses those that it has; a name that is absent says nothing about the field, a name
that is None says that the field is empty):

============  =============================================================================================
``title``     str, one line
``notes``     str, HTML within Plane's allow-list
``start``     datetime.date, first day
``end``       datetime.date, last day (inclusive)
``starts_at`` aware datetime, when the row has a time of day (a timed block)
``ends_at``   aware datetime, exclusive end of a timed block
``state``     str, one of ``backlog unstarted started completed cancelled``
``priority``  str, one of ``urgent high medium low none``
``people``    tuple[str, ...], lower-case e-mail addresses, sorted
``parties``   tuple[str, ...], ids of the companies it is tied to, sorted
``contacts``  tuple[str, ...], ids of those companies' people whom it concerns, sorted
``key``       str, the work item's key for people (``CUST-12``)
``url``       str, the work item's web address
============  =============================================================================================
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar, Literal, Protocol

from planeapp.lib.budget import Budget, Terms, unlimited
from planeapp.lib.errors import FixSettings, GroundcrewError
from planeapp.lib.events import Event
from planeapp.lib.http import Http

Values = Mapping[str, Any]
Direction = Literal["off", "out", "in", "both"]
"""``out``: Plane → vendor; ``in``: vendor → Plane."""


class TokenFunction(Protocol):
    """Hands out a token that is valid now.

    ``slot`` names the credential where a connection has several. ``refused`` is a token that the vendor has just answered
    401 to: the function refreshes once if it is still the newest, and raises ReconnectNeeded when that does not help.
    """

    def __call__(self, slot: str = "main", *, refused: str = "") -> str:
        """The token in ``slot``."""


class BudgetFunction(Protocol):
    """Gives the budget of the token in ``slot``; every call with that token is made inside its ``call()``."""

    def __call__(self, slot: str = "main") -> Budget:
        """The budget."""


class Notes(Protocol):
    """What a provider keeps between runs of one connection, so that it need not ask again: JSON values by name."""

    def read(self, name: str) -> tuple[Any, float] | None:
        """The value and when it was written (seconds since the epoch), or None."""

    def write(self, name: str, value: Any) -> None:
        """Keep a value."""


class NoNotes:
    """For a try-out, which stores nothing."""

    def read(self, name: str) -> tuple[Any, float] | None:
        """Nothing is known."""
        return None

    def write(self, name: str, value: Any) -> None:
        """Forgotten at once."""
        return


def _nobody_keeps(slot: str, challenge: str) -> bool:
    """For a try-out, which stores nothing."""
    return False


class EventSource(Protocol):
    """A vendor's ``events.py``: what its webhooks mean."""

    def verify(self, raw: bytes, headers: Mapping[str, str], secrets: Sequence[str], now: float) -> None:
        """Raise BadSignature unless one of ``secrets`` signed these bytes (``now`` in seconds since the epoch)."""

    def read(self, raw: bytes) -> list[Event]:
        """The events in a body; ValueError when it is not JSON."""


class ConnectForm(Protocol):
    """A vendor's ``forms.ConnectForm``: a Django form that also tells what to store."""

    def __init__(self, data: Any = None) -> None:
        """Bound to what was sent, or empty."""

    def credentials(self) -> dict[str, str]:
        """Secrets by slot, from valid input."""

    def settings(self) -> dict[str, Any]:
        """Everything else, from valid input; ``base_url`` when it is not the default."""


class SettingsForm(Protocol):
    """A vendor's ``forms.SettingsForm``: a Django form for what an admin may set once the connection stands."""

    def __init__(self, data: Any = None, *, initial: Any = None) -> None:
        """Bound to what was sent, or empty; ``initial`` from :meth:`initial_from` in both cases."""

    @classmethod
    def initial_from(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """What the form shows for a connection's settings."""

    def settings(self, old: Mapping[str, Any]) -> dict[str, Any]:
        """The connection's settings as valid input makes them; what the form does not know stays."""


@dataclass(frozen=True)
class Access:
    """All that a provider needs to reach its vendor for one connection.

    ``settings`` is what the admin filled in; ``report`` the last probe's :class:`Report` as plain data; ``zone`` the IANA
    zone in which days are understood. ``lacks`` is told the WWW-Authenticate header of a call that was refused for want
    of a scope; it keeps what is missing (``settings["missing_scopes"]``) and says whether a further consent may help.
    """

    http: Http
    base_url: str
    token: TokenFunction
    settings: Mapping[str, Any] = field(default_factory=dict)
    report: Mapping[str, Any] = field(default_factory=dict)
    zone: str = "UTC"
    lacks: Callable[[str, str], bool] = _nobody_keeps
    budget: BudgetFunction = unlimited
    notes: Notes = field(default_factory=NoNotes)


@dataclass(frozen=True)
class Field:
    """A field that can be kept in step, with the direction it has until an admin changes it."""

    name: str
    label: str
    default: Direction = "out"
    directions: tuple[Direction, ...] = ("off", "out", "in", "both")


@dataclass(frozen=True)
class Item:
    """One row of a vendor in neutral form. ``version`` is the vendor's own and only a hint; ``mark`` is ours, if found;
    ``by`` is the vendor's id of who changed it last, and ``place`` of the place it lies in, where it tells."""

    id: str
    values: Values
    version: str = ""
    mark: str = ""
    url: str = ""
    by: str = ""
    place: str = ""


@dataclass(frozen=True)
class Write:
    """One row of a bulk write: our mark for it, what to write, and the row as last read (None: a new one)."""

    mark: str
    values: Values
    row: Item | None = None


@dataclass(frozen=True)
class Listing:
    """Rows of one place. Absence of a row says something only when ``complete`` is true."""

    items: tuple[Item, ...]
    complete: bool


@dataclass(frozen=True)
class Place:
    """Where a vendor keeps rows (a Planner project); a Plane project is paired with one."""

    id: str
    name: str


@dataclass(frozen=True)
class Party:
    """A company that a work item can be tied to. ``facts`` are (label, text) pairs for people."""

    id: str
    name: str
    facts: tuple[tuple[str, str], ...] = ()


COMPANY_FIELDS = {
    "phase": "Phase",
    "status": "Status",
    "health": "Health",
    "owner": "Owner",
    "revenue": "Revenue",
    "renewal": "Renewal",
    "tags": "Tags",
}
"""What is known of a company, by name, with the word for people. Beside them ``custom:<name>`` for fields of the customer's
own."""


@dataclass(frozen=True)
class Company:
    """A company as the other system tells it, whole.

    ``values`` are JSON-able, by the names of ``COMPANY_FIELDS``: ``phase``, ``status`` str; ``health``, ``revenue`` float;
    ``owner`` the owner's e-mail address, lower-case (``owner_name`` beside it, for people); ``renewal`` an ISO day; ``tags``
    a sorted list of str; ``custom:<name>`` str, float, bool or a list of str. What is absent is not known; what is None is
    empty. ``domains`` are lower-case.
    """

    id: str
    name: str
    external_id: str = ""
    source_id: str = ""
    domains: tuple[str, ...] = ()
    values: Values = field(default_factory=dict)
    url: str = ""


@dataclass(frozen=True)
class CompanyPage:
    """Some companies, the bookmark of the following page (``""`` after the last), and whether nothing moved between this
    page and the one before: only a list whose pages were all ``steady`` says who is gone."""

    companies: tuple[Company, ...]
    following: str = ""
    steady: bool = True


@dataclass(frozen=True)
class Contact:
    """A person at a company."""

    id: str
    name: str
    email: str = ""
    phone: str = ""
    position: str = ""


@dataclass(frozen=True)
class PhoneCall:
    """A call to be written down: ``number`` as dialled or in E.164, ``agent`` the colleague's e-mail address, ``waiting`` in
    seconds before the talk (waiting + talk = end - start), times aware."""

    number: str
    agent: str
    start: datetime | None = None
    end: datetime | None = None
    waiting: int | None = None


@dataclass(frozen=True)
class Tally:
    """Figures of a company's work items: how many are open, how many of those urgent, the day the oldest open one was made."""

    open: int = 0
    urgent: int = 0
    oldest: date | None = None


@dataclass(frozen=True)
class ReportLine:
    """One line of a probe: what was tried, whether it is there, and the vendor's own words when not.

    ``off`` is what the vendor has and we were not allowed: a person can change that.
    """

    name: str
    label: str
    state: Literal["ok", "absent", "off", "failed"]
    detail: str = ""


@dataclass(frozen=True)
class Report:
    """What a connection can do, found by a probe that writes nothing.

    ``abilities`` holds names of :class:`Provider` methods that work here (``list get find create update delete parties
    feed subscribe``, and of vendors with companies ``companies update_company write_tallies tell contacts add_contact
    log_call``);
    ``facts`` is the provider's own notebook (JSON-able), handed back in ``Access.report["facts"]``.
    """

    lines: tuple[ReportLine, ...]
    abilities: frozenset[str]
    facts: Mapping[str, Any] = field(default_factory=dict)
    account: str = ""

    def as_data(self) -> dict[str, Any]:
        """JSON-able form, as stored on the connection."""
        return {
            "lines": [vars(line) for line in self.lines],
            "abilities": sorted(self.abilities),
            "facts": dict(self.facts),
            "account": self.account,
        }


@dataclass(frozen=True)
class HandWebhook:
    """A webhook that an admin sets up over there by hand: the ``header`` that carries the secret, the ``body`` to paste, and
    where to do it, as sentences."""

    header: str
    body: str
    steps: tuple[str, ...]


@dataclass(frozen=True)
class Confirmation:
    """Something that may change rows over there, and that an admin allows or withholds.

    ``name`` is what :meth:`Provider.confirm` takes; ``detail`` says with what it is done; ``risky`` when rows may be lost;
    ``given`` when it is allowed now.
    """

    name: str
    label: str
    detail: str
    risky: bool
    given: bool


class Provider(ABC):
    """An outside system, for one connection. Methods raise the errors of ``planeapp.lib.errors`` alone."""

    key: ClassVar[str]
    name: ClassVar[str]
    fields: ClassVar[tuple[Field, ...]]
    place_name: ClassVar[str] = "project"
    terms: ClassVar[Terms] = Terms()
    """The vendor's limit on calls for one token, as far as it is known before its answers tell."""
    bulk: ClassVar[int] = 1
    """How many rows one call of :meth:`write_many` can write; 1: there is no such call."""
    only_place: ClassVar[Place | None] = None
    """Set when the vendor has a single place, so that nobody has to pair projects."""

    hand_webhook: ClassVar[HandWebhook | None] = None
    """Set when the vendor pushes only what an admin has set up there."""

    def __init__(self, access: Access) -> None:
        self.access = access

    @abstractmethod
    def probe(self) -> Report:
        """Find out what this connection can do, without writing anything. Raises ReconnectNeeded for a bad token."""

    @classmethod
    def reconsidered(cls, report: Mapping[str, Any], settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """A stored report (:meth:`Report.as_data`) as changed settings make it, without asking the vendor."""
        return report

    @classmethod
    def confirmations(cls, report: Mapping[str, Any], settings: Mapping[str, Any]) -> Sequence[Confirmation]:
        """What an admin may allow or withhold on a connection with this stored report; empty where nothing is asked."""
        return ()

    @classmethod
    def confirm(
        cls, report: Mapping[str, Any], settings: Mapping[str, Any], names: Collection[str]
    ) -> Mapping[str, Any]:
        """The settings with exactly these ``names`` of :meth:`confirmations` allowed, the others withheld.

        The stored report follows with :meth:`reconsidered`.
        """
        return settings

    def objection(self, field: str, direction: str) -> str:
        """Why a field of ``fields`` cannot be kept in step in that :data:`Direction` on this connection, as a sentence for
        people; ``""`` when it can. Told from the stored report: the vendor is not asked."""
        return ""

    @abstractmethod
    def places(self) -> Sequence[Place]:
        """Places that a Plane project can be paired with."""

    @abstractmethod
    def held_back(self, values: Values) -> str:
        """Reason code for a work item that must not be created over there (``no_dates``), or ``""``."""

    @abstractmethod
    def list(self, place: str) -> Listing:
        """Every row of a place that may concern us."""

    @abstractmethod
    def get(self, place: str, item_id: str) -> Item | None:
        """One row, or None when it is gone.

        A row that was moved to another place is given all the same, and tells its ``place``.
        """

    def of_event(self, data: Mapping[str, Any]) -> Item | None:
        """The row as an event carried it (``Event.data``), read without a call; None where events carry too little.

        Values that could not be read without asking are left out.
        """
        return None

    @abstractmethod
    def find(self, place: str, mark: str) -> Sequence[Item]:
        """Rows that carry our mark: looked up before a write is repeated."""

    @abstractmethod
    def create(self, place: str, values: Values, mark: str) -> Item:
        """Make a row that carries ``mark``. May raise OutcomeUnknown: then ``find`` decides."""

    @abstractmethod
    def update(self, place: str, item: Item, values: Values) -> Item:
        """Write the named values of an existing row (``item`` as last read) and give the row back."""

    def write_many(self, place: str, writes: Sequence[Write]) -> Mapping[str, Item | GroundcrewError]:
        """Write at most ``bulk`` rows with as few calls as can be: for each mark the row, or why it was not written.

        Marks are keys here: repeating it leaves one row for each, so a lost answer is RetryLater and nothing is looked up.
        """
        raise FixSettings(f"{self.key} writes rows one by one")

    @abstractmethod
    def delete(self, place: str, item: Item) -> None:
        """Remove the row (or archive it where that is the vendor's way). Nothing happens when it is gone."""

    def close(self) -> None:  # noqa: B027 - most providers hold nothing open
        """Give back what a connection holds open (a session); it opens again when it is needed."""

    def parties(self, query: str) -> Sequence[Party]:
        """Companies whose name, external id or domain fits ``query``, best first; at most 20."""
        raise self._no_companies()

    def party(self, party_id: str) -> Party | None:
        """One company with its facts, or None."""
        raise self._no_companies()

    def companies(self, cursor: str = "") -> CompanyPage:
        """One page of all companies, from a bookmark of an earlier page (``""``: the first)."""
        raise self._no_companies()

    def recent_companies(self, since: str) -> tuple[Sequence[Company], str] | None:
        """Companies that changed since a mark, newest last, and the mark for the next time; with ``""`` only a mark is given.

        None where the vendor cannot tell what changed, or where its answer cannot be trusted: then all have to be read.
        """
        raise self._no_companies()

    def company(self, company_id: str) -> Company | None:
        """One company, or None when it is gone."""
        raise self._no_companies()

    def update_company(self, company_id: str, values: Values) -> Company:
        """Write ``phase``, ``owner`` (an e-mail address), ``add_tags`` or ``remove_tags`` (tuples of str); other tags stay."""
        raise self._no_companies()

    def write_tallies(self, tallies: Mapping[str, Tally]) -> Mapping[str, GroundcrewError]:
        """Write figures onto companies, by id, with as few calls as can be; for each that was not written, why.

        Makes the fields for them first where they are missing. May be repeated.
        """
        raise self._no_companies()

    def tell(self, company_id: str, how: str, title: str, html: str, mark: str) -> str:
        """Leave a ``note`` on a company, or a ``task`` for its owner, that carries ``mark``; gives its id.

        May be repeated: one with this mark is left as it is.
        """
        raise self._no_companies()

    def contacts(self, company_id: str) -> Sequence[Contact]:
        """The company's people, by name."""
        raise self._no_companies()

    def add_contact(self, company_id: str, email: str, name: str = "") -> Contact:
        """Add a person to a company; who is there already with this address is given back. May be repeated."""
        raise self._no_companies()

    def remove_contact(self, contact_id: str) -> None:
        """Remove a person that we added. Nothing happens when it is gone."""
        raise self._no_companies()

    def log_call(self, call: PhoneCall) -> str:
        """Write down a phone call and give its id (``""`` when none was told). OutcomeUnknown when the answer was lost: it
        may be there then."""
        raise self._no_companies()

    def remove_call(self, call_id: str) -> None:
        """Remove a call that we wrote down. Nothing happens when it is gone."""
        raise self._no_companies()

    def _no_companies(self) -> FixSettings:
        return FixSettings(f"{self.key} has no companies", person=f"{self.name} knows no companies.")

    def try_out(self, place: str) -> str:
        """Make one row for a test, which people can tell from all others, and say in a sentence where it is.

        For vendors whose way of writing is set up by an admin. Errors show the vendor's own answer in ``person``.
        """
        raise FixSettings(
            f"{self.key} has no try-out", person=f"{self.name} needs no test row here.", code="not_offered"
        )

    @classmethod
    def tried_out(cls, settings: Mapping[str, Any]) -> Mapping[str, Any]:
        """The settings as a :meth:`try_out` that succeeded leaves them."""
        return settings

    def feed(self, *, wide: bool = False) -> Sequence[bytes]:
        """The newest events, each as a body that the vendor's ``events.read`` takes; no baseline, no memory.

        ``wide``: as many as the vendor gives, for when the usual number may not reach back far enough.
        """
        raise FixSettings(f"{self.key} has no events feed", person=f"{self.name} has no events feed here.")

    def subscribe(self, address: str) -> str:
        """Have the vendor push to ``address`` and give the signing secret. Safe to repeat: an old subscription to the same
        address is replaced."""
        raise FixSettings(f"{self.key} has no webhooks", person=f"{self.name} cannot push changes here.")

    def unsubscribe(self, address: str) -> None:
        """Have the vendor push to ``address`` no longer. Nothing happens when it does not."""
        raise FixSettings(f"{self.key} has no webhooks", person=f"{self.name} cannot push changes here.")
