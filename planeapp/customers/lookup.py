"""The companies that some things may stand for, found by a few indexed queries, however many companies there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from planeapp.customers.cache import there
from planeapp.customers.matching import Index, Known, Subject, match, own_domains
from planeapp.customers.models import Company, CompanyDomain, Reference
from planeapp.installations.models import Connection
from planeapp.lib.folding import folded


def index_for(connection: Connection, subjects: Iterable[Subject]) -> Index:
    """Every company that is there and that one of the subjects may fit. For some hundred subjects at a time."""
    told = list(subjects)
    ids = {subject.external_id.strip() for subject in told} - {""}
    names = {folded(subject.name)[:255] for subject in told} - {""}
    rows = there(connection).filter(external_id__in=ids) | there(connection).filter(folded__in=names)
    index = Index.of(Known(*row) for row in rows.values_list("remote_id", "name", "external_id"))
    for company, domains in _by_domain(connection, told).items():
        index.add(Known(company, "", domains=tuple(domains)))
    return index


def _by_domain(connection: Connection, subjects: Iterable[Subject]) -> dict[str, list[str]]:
    wanted = {domain for subject in subjects for domain in own_domains(subject.domains)}
    written = CompanyDomain.objects.filter(domain__in=[text for one in wanted for text in (one, f"www.{one}")])
    companies = dict(there(connection).filter(pk__in=written.values("company")).values_list("pk", "remote_id"))
    found: dict[str, list[str]] = defaultdict(list)
    for company, domain in written.filter(company__in=companies.keys()).values_list("company", "domain"):
        found[companies[company]].append(domain)
    return found


def subject_of(reference: Reference) -> Subject:
    """What a reference tells of its company. A label tells one text, after its prefix: a name, a domain or an external id."""
    label = reference.kind == Reference.Kind.LABEL
    return Subject(reference.external_id if label else reference.name, (reference.domain,), reference.external_id)


def formers(companies: Iterable[Company]) -> dict[int, Subject]:
    """What was known of companies that are gone, by primary key: whoever has that now may be the same."""
    gone = list(companies)
    domains: dict[int, list[str]] = defaultdict(list)
    for company, domain in CompanyDomain.objects.filter(company__in=gone).values_list("company_id", "domain"):
        domains[company].append(domain)
    return {one.pk: Subject(one.name, tuple(domains[one.pk]), one.external_id) for one in gone}


def proposals(subjects: Iterable[Subject], index: Index) -> tuple[tuple[str, ...], str]:
    """Ids of companies that fit one of the subjects, the first one's first, and what fits the first."""
    found: dict[str, str] = {}
    for verdict in (match(subject, index) for subject in subjects):
        for one in (verdict.company,) if verdict.company else verdict.candidates:
            found.setdefault(one, verdict.how)
    return tuple(found), next(iter(found.values()), "")
