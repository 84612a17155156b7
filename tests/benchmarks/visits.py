"""The long way of ``pages``. Needs a ready Django."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.core.cache import cache
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, reverse
from django.utils import timezone

from planeapp.dashboard import urls
from planeapp.installations.models import Connection, Membership
from planeapp.sync.models import ItemLink, ProjectPair
from tests.benchmarks import crowd
from tests.benchmarks.figures import emit, percentile
from tests.benchmarks.town import Town, settle
from tests.customers.factories import BookFactory, CompanyFactory, CompanyRuleFactory, FiringFactory
from tests.factories import (
    DeliveryFactory,
    MembershipFactory,
    ProjectPairFactory,
    RunChangeFactory,
    TieFactory,
    TimelineEntryFactory,
)

VISITS, WARM = int(os.environ.get("PAGE_VISITS", "60")), 3
MOST_QUERIES, MOST_MS = 10, 100
MORE = {
    "deliveries": "?text=nothing+fits",
    "deliveries ": "?kind=other",
    "runs": "?show=all",
    "companies": "?text=company+77",
}
"""Pages that are looked at with a filter as well."""


@dataclass
class Visit:
    """What one page took. ``asked``: requests to vendors in one visit."""

    queries: int = 0
    asked: int = 0
    status: int = 0
    seconds: list[float] = field(default_factory=list)

    @property
    def p50(self) -> float:
        """Milliseconds."""
        return round(percentile(sorted(self.seconds), 0.5) * 1000, 1)

    @property
    def p95(self) -> float:
        """Milliseconds."""
        return round(percentile(sorted(self.seconds), 0.95) * 1000, 1)


def seeded(town: Town, planhat: Connection) -> dict[str, Any]:
    """Something for every part of an address."""
    pair = town.pair
    rule = CompanyRuleFactory(connection=planhat)
    BookFactory(connection=planhat)
    company = CompanyFactory(connection=planhat, remote_id="first", values={"phase": "Live"})
    link = RunChangeFactory(run__pair=pair, link__item_id=town.items[0], link__item_key="CUST-1").link
    TieFactory(connection=planhat, item_id=link.item_id, project_id=pair.project_id, party_id=company.remote_id)
    TimelineEntryFactory(installation=town.team.installation, item_id=link.item_id)
    return {
        "slug": town.team.installation.slug, "provider": "planner", "pair_id": pair.pk, "item_id": link.item_id,
        "delivery_id": DeliveryFactory(installation=town.team.installation, state="handled").pk,
        "run_id": link.changes.get().run_id, "company_id": company.pk, "rule_id": rule.pk,
        "firing_id": FiringFactory(rule=rule, company=company, state="failed").pk,
    }  # fmt: skip


def addresses(place: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Each page of a workspace by name, once per provider where both have it."""
    for pattern in urls.urlpatterns:
        parts, name = set(pattern.pattern.converters), str(pattern.name)
        if not parts <= place.keys():
            continue
        own = {part: place[part] for part in parts} | {"slug": place["slug"]}
        for provider in _providers(pattern) if "provider" in parts else ("",):
            told = own | ({"provider": provider} if provider else {})
            label, address = f"{name} {provider}".strip(), reverse(name, kwargs=told)
            yield label, address
            yield from ((f"{label} {query}", address + query) for key, query in MORE.items() if key.strip() == name)


def _providers(pattern: URLPattern) -> tuple[str, ...]:
    route = str(pattern.pattern)
    if "companies/" in route:
        return ("planhat",)
    return ("planner",) if "pair_id" in route else ("planner", "planhat")


def visit(browser: Client, address: str, town: Town) -> Visit:
    """Ask for a page once and count."""
    before = _asked(town)
    with CaptureQueriesContext(database) as queries:
        answer = browser.get(address)
    return Visit(len(queries), _asked(town) - before, answer.status_code)


def _asked(town: Town) -> int:
    vendors = town.vendors
    return sum(len(vendor.control.requests) for vendor in (vendors.plane, vendors.planner, vendors.planhat))


def measured(browser: Client, town: Town, pages: dict[str, str]) -> dict[str, Visit]:
    """Every page that answers, visited in turns so that a slow moment of the machine hits all alike."""
    gc.collect()
    gc.freeze()  # the vendors' rows live in this process too, and are nothing of ours
    found = {}
    for name, address in pages.items():
        for _ in range(WARM):
            found[name] = visit(browser, address, town)
    found = {name: one for name, one in found.items() if one.status == 200}
    for _ in range(VISITS):
        for name, one in found.items():
            if name.startswith("overview,"):
                cache.clear()
            begun = time.perf_counter()
            browser.get(pages[name])
            one.seconds.append(time.perf_counter() - begun)
    return found


def main() -> None:
    """Visit all, fill the workspace, visit all again, print."""
    town = settle(5)
    planhat = town.team.connect("planhat")
    more = ProjectPairFactory.create_batch(9, connection=town.connection)
    ProjectPairFactory(connection=planhat, project_id=town.pair.project_id, project_key="CUST")
    membership = MembershipFactory(installation=town.team.installation)
    _stays_admin(membership)
    browser = Client()
    browser.force_login(membership.user)
    pages = dict(addresses(seeded(town, planhat)))
    pages["overview, uncounted"] = pages["overview"]
    control = measured(browser, town, pages)
    begun = time.perf_counter()
    crowd.fill(town.connection, planhat, [town.pair, *more])
    filled_in = time.perf_counter() - begun
    cache.clear()
    _print(control, measured(browser, town, pages), filled_in)


def _stays_admin(membership: Membership) -> None:
    """Plane is not asked for the person's role while this runs."""
    membership.checked_at = timezone.now() + timedelta(days=1)
    membership.save()


def _print(control: dict[str, Visit], found: dict[str, Visit], filled_in: float) -> None:
    ours = {name: one for name, one in found.items() if not one.asked and name != "overview, uncounted"}
    slowest = max(ours, key=lambda name: ours[name].p95)
    most = max(one.queries for one in found.values())
    lines = {
        name: {
            "queries": one.queries, "p50_ms": one.p50, "p95_ms": one.p95, "empty_p95_ms": control[name].p95, "asked": one.asked,
        }
        for name, one in sorted(found.items(), key=lambda pair: -pair[1].p95)
    }  # fmt: skip
    emit(
        "pages", ours[slowest].p95, "ms", control[slowest].p95, slowest=slowest, most_queries=most,
        too_many={name: one.queries for name, one in found.items() if one.queries > MOST_QUERIES},
        too_slow={name: one.p95 for name, one in ours.items() if one.p95 > MOST_MS}, visits=VISITS,
        links=ItemLink.objects.count(), lines=crowd.LINES, companies=crowd.COMPANIES, pairs=ProjectPair.objects.count(),
        filled_in_s=round(filled_in, 1), pages=lines,
    )  # fmt: skip
