"""Plane's customers: whether the workspace has them, making them without harm to others', and their work items.

Source: Plane developer docs, "API reference / Customer"; plane-sdk 0.3, ``customers``. Customers are part of Plane's
Business plan and have to be switched on in the workspace; other plans answer 402, 400 or 404.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from plane.models.customers import CreateCustomer, UpdateCustomer
from selectolax.lexbor import LexborHTMLParser

from planeapp.lib.errors import FixSettings, Gone, RetryLater
from planeapp.lib.folding import folded
from planeapp.plane.bodies import clean_id
from planeapp.plane.customer_values import CustomerValues, ours_in
from planeapp.plane.paging import PER_PAGE, Items, Pages, rows_of
from planeapp.plane.records import Row, Saved, checked, dropped, one, or_none
from planeapp.plane.scopes import ScopeMissing, why_off
from planeapp.plane.workspace import SOURCE

__all__ = ["Availability", "Customers", "Namesake"]

NOT_IN_PLAN = "This workspace's Plane plan has no customers. Upgrade Plane to its Business plan, or go on without them."
SWITCHED_OFF = (
    "Customers are switched off in this workspace. An admin can switch them on in Plane's workspace settings."
)


@dataclass(frozen=True)
class Availability:
    """Whether customers can be used; true or false by itself.

    ``code``: ``""``, ``scope_missing``, ``switched_off``, ``plan``, ``permission``, or that of Plane's refusal.
    ``reason``: the sentence for people, ``""`` when they can be used.
    """

    code: str = ""
    reason: str = ""

    def __bool__(self) -> bool:
        return not self.code


@dataclass(frozen=True)
class Namesake:
    """A customer of that name is there and is not the one that was meant; nothing was written.

    ``record`` is it: one made by hand where there is one, else another system's or another of ours.
    """

    record: Row

    @property
    def source(self) -> str:
        """Whose it is: ``""`` when made by hand, ``SOURCE`` for another of ours, else the other system's name."""
        return str(self.record.get("external_source") or "") if self.record.get("external_id") else ""


class Customers(CustomerValues):
    """A workspace's customers. Records: id, name, description_html, email, website_url, domain (shown as "Industry"),
    employees, stage, contract_status, revenue (text), customer_request_count, external_source, external_id, …

    Where the plan has no customers, every call here is FixSettings (``plan``), or Gone when Plane says 404: then
    :meth:`has_customers` tells.
    """

    def has_customers(self) -> Availability:
        """Whether the workspace has customers, and the token may use them; up to three calls.

        The workspace's own switch is looked at first (where the token may), then the list itself is tried, since the
        switch outlives a plan. What passes by itself is raised, and never taken for a no.
        """
        off = why_off(self.lacks, "customers")
        if off:
            return Availability(ScopeMissing.code, off.told)
        if self._switched_off():
            return Availability("switched_off", SWITCHED_OFF)
        refusal = self._refusal()
        if refusal is None:
            return Availability()
        if isinstance(refusal, Gone) or refusal.code == "plan":
            return Availability("plan", NOT_IN_PLAN)
        return Availability(refusal.code, refusal.person)

    def customers(self) -> Items:
        """Every customer; ``complete`` after a whole pass in which nothing shifted."""
        return Items(self._pages("customers"))

    def customers_page(self, cursor: str = "") -> tuple[list[Row], str, int | None]:
        """One page of :meth:`customers`, the cursor of the next page (``""`` after the last), and how many there are.

        For a pass that goes on another time; rows made or removed meanwhile shift the others.
        """
        query = {"per_page": PER_PAGE} | ({"cursor": cursor} if cursor else {})
        answer = self._wire.read(*self._place(), "customers", params=query)
        told = answer if isinstance(answer, dict) else {}
        following = str(told.get("next_cursor") or "") if told.get("next_page_results") else ""
        total = told.get("total_count")
        return rows_of(answer), following if following != cursor else "", total if isinstance(total, int) else None

    def customers_named(self, name: str) -> list[Row]:
        """Customers of exactly this name; letter case, width and blanks make no difference."""
        return _of_name(self._pages("customers", query=name.strip()), name)

    def customer(self, customer: str) -> Row | None:
        """One customer, or None when it was deleted. FixSettings (``plan``) when all of them are out of reach."""
        found = or_none(lambda: one(self._wire.read(*self._place(), "customers", customer)))
        refusal = self._refusal() if found is None else None
        if isinstance(refusal, Gone):
            raise FixSettings(str(refusal), code="plan", person=NOT_IN_PLAN)
        if refusal is not None:
            raise refusal
        return found

    def ensure_customer(
        self, external_id: str, fields: Mapping[str, Any], *, among: Sequence[Row] | None = None
    ) -> Saved | Namesake:
        """The customer that carries our ``external_id``, with these fields (``name`` among them). May be repeated.

        Plane's POST changes the customer of that external pair, else the one of the very same name, whoever made it
        (plane-sdk, ``CreateCustomer``). So the name is looked up first, and somebody else's is given back as Namesake.
        Ours is found under any name, and written only when a field differs (``adopted`` when none does).

        ``among``: rows of a whole listing read just before, to be looked in instead of asking Plane; without it two or
        three calls, and a whole listing where there is a namesake. Nothing guards against a namesake made between the
        look and the write: hold a lock per workspace, so that at least we ourselves make one at a time.
        """
        marked = {**fields, "external_source": SOURCE, "external_id": external_id}
        body = checked(CreateCustomer, marked).model_dump(exclude_unset=True)
        alike = self.customers_named(body["name"]) if among is None else _of_name(among, body["name"])
        ours = ours_in(alike if among is None else among, external_id)
        if ours is None and alike and among is None:
            ours = ours_in(self.customers(), external_id)
        if ours is not None:
            return self._brought_up(ours, body)
        if alike:
            return Namesake(min(alike, key=lambda row: bool(row.get("external_id"))))
        record = one(self._wire.make(*self._place(), "customers", data=body, repeatable=True))
        return Saved(record, dropped(body, record))

    def update_customer(self, customer: str, **fields: Any) -> Saved:
        """Write the named fields (None clears); ``external_source`` and ``external_id`` make a namesake ours."""
        body = checked(UpdateCustomer, fields).model_dump(exclude_unset=True)
        record = one(self._wire.change(*self._place(), "customers", customer, data=body))
        return Saved(record, dropped(body, record))

    def customer_items(self, customer: str) -> list[str]:
        """Ids of the work items tied to the customer, directly or through one of its requests."""
        return [item for row in self.customer_item_rows(customer) if (item := clean_id(row))]

    def customer_item_rows(self, customer: str) -> list[Row]:
        """The same work items as records: id, name, sequence_id, project_id, project__identifier, …"""
        path = (*self._place(), "customers", customer, "issues")
        return list(Pages(lambda page: _listed(self._wire.read(*path, params=page))))

    def link_items(self, customer: str, item_ids: Iterable[str]) -> None:
        """Tie work items to the customer; those that are tied already stay so. May be repeated.

        All or nothing: an id that Plane does not know is a FixSettings or Gone, and then none of them is tied.
        """
        wanted = list(dict.fromkeys(item_ids))
        if wanted:
            path = (*self._place(), "customers", customer, "issues")
            self._wire.make(*path, data={"issue_ids": wanted}, repeatable=True)

    def unlink_item(self, customer: str, item_id: str) -> None:
        """Untie a work item from the customer and from all of its requests; nothing happens when it is not tied."""
        self._wire.drop(*self._place(), "customers", customer, "issues", item_id)

    # Inside

    def _switched_off(self) -> bool:
        """Whether the workspace says so itself; servers that do not tell, or not us, are not believed to."""
        if not self.offers("workspace_features"):
            return False
        try:
            told = self._wire.read(*self._place(), "features")
        except (Gone, FixSettings):
            return False
        return isinstance(told, dict) and told.get("customers") is False

    def _refusal(self) -> Gone | FixSettings | None:
        """How Plane refuses the list of customers, or None when it gives it.

        Where it refuses, one project is asked for too: a workspace that is closed altogether (its slug has changed, the
        bot was removed) raises that, and says nothing about customers.
        """
        try:
            self._wire.read(*self._place(), "customers", params={"per_page": 1})
        except (Gone, FixSettings) as error:
            self._wire.read(*self._place(), "projects", params={"per_page": 1})
            return error
        return None

    def _brought_up(self, ours: Row, body: Mapping[str, Any]) -> Saved:
        fields = {name: value for name, value in body.items() if _differs(name, value, ours)}
        return self.update_customer(clean_id(ours), **fields) if fields else Saved(ours, adopted=True)


def _of_name(rows: Iterable[Row], name: str) -> list[Row]:
    wanted = folded(name)
    return [row for row in rows if folded(str(row.get("name") or "")) == wanted] if wanted else []


def _listed(answer: Any) -> Any:
    """The answer itself when it is a list, bare or paged: taking another for "none" would untie what is tied."""
    if isinstance(answer, list) or (isinstance(answer, dict) and isinstance(answer.get("results"), list)):
        return answer
    raise RetryLater("Plane's answer is not a list of work items")


def _differs(name: str, sent: Any, record: Row) -> bool:
    """Whether a write would change the record. Of HTML the words alone count, since Plane rewrites the rest."""
    if name not in record:
        return False
    read = _words if name == "description_html" else _settled
    return bool(read(sent) != read(record[name]))


def _settled(value: Any) -> Any:
    return (value.strip() or None) if isinstance(value, str) else value


def _words(html: Any) -> str:
    body = LexborHTMLParser(html).body if isinstance(html, str) else None
    return " ".join(body.text(separator=" ").split()) if body else ""
