"""Rows of companies for tests, each good by itself."""

from __future__ import annotations

from typing import Any

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from planeapp.customers.models import Book, Company, CompanyChange, CompanyRule, Firing, Reference
from planeapp.lib.folding import folded
from tests.factories import ConnectionFactory

KNOWS_COMPANIES: dict[str, Any] = {
    "lines": [],
    "abilities": [
        "companies", "update_company", "write_tallies", "tell", "contacts", "add_contact", "log_call", "parties",
        "list", "get", "find", "create", "update", "delete",
    ],
    "facts": {},
}  # fmt: skip


class KnowingConnectionFactory(ConnectionFactory):
    """A connection to a system that has companies."""

    provider = "planhat"
    base_url = "http://planhat.invalid"
    report = factory.LazyFunction(lambda: dict(KNOWS_COMPANIES))


class BookFactory(DjangoModelFactory):
    """A book whose first whole look came to its end."""

    class Meta:
        model = Book

    connection = factory.SubFactory(KnowingConnectionFactory)
    number = 1
    finished_at = factory.LazyFunction(timezone.now)


class CompanyFactory(DjangoModelFactory):
    """A company of which nothing but the name is known; ``values={"phase": "Trial"}`` for more."""

    class Meta:
        model = Company

    connection = factory.SubFactory(KnowingConnectionFactory)
    remote_id = factory.Sequence(lambda number: f"company-{number}")
    name = factory.Sequence(lambda number: f"Company {number}")
    folded = factory.LazyAttribute(lambda company: folded(company.name))
    fingerprint = factory.Sequence(lambda number: f"{number:064d}")
    scan = 1


class CompanyChangeFactory(DjangoModelFactory):
    """The company's phase changed just now."""

    class Meta:
        model = CompanyChange

    company = factory.SubFactory(CompanyFactory)
    field = "phase"
    before = "Trial"
    after = "Onboarding"


class ReferenceFactory(DjangoModelFactory):
    """A Plane customer that nothing was found for yet; ``kind=Reference.Kind.LABEL`` for a label."""

    class Meta:
        model = Reference

    connection = factory.SubFactory(KnowingConnectionFactory)
    kind = Reference.Kind.CUSTOMER
    key = factory.Sequence(lambda number: f"customer-{number}")
    name = factory.Sequence(lambda number: f"Customer {number}")


class CompanyRuleFactory(DjangoModelFactory):
    """A rule that is on and armed: a company whose phase becomes Onboarding gets a comment on its work items."""

    class Meta:
        model = CompanyRule

    connection = factory.SubFactory(KnowingConnectionFactory)
    name = factory.Sequence(lambda number: f"Rule {number}")
    enabled = True
    when = factory.LazyFunction(lambda: {"field": "phase", "test": "becomes", "value": "Onboarding"})
    only = factory.LazyFunction(list)
    then = factory.LazyFunction(lambda: [{"do": "comment", "text": "{company} is in {after} now."}])
    armed_at = factory.LazyFunction(timezone.now)


class FiringFactory(DjangoModelFactory):
    """A rule that fired for a company and waits to be worked off; its plan is empty."""

    class Meta:
        model = Firing

    rule = factory.SubFactory(CompanyRuleFactory)
    company = factory.SubFactory(CompanyFactory, connection=factory.SelfAttribute("..rule.connection"))
    occasion = factory.Sequence(lambda number: f"change:{number}")
    state = Firing.State.WAITING
    due_at = factory.LazyFunction(timezone.now)
