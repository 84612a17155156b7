"""Which company something in Plane stands for. Pure: companies come in as an :class:`Index`, a :class:`Verdict` comes out.

What a person chose and what we made ourselves is settled before this. Here the external id decides, else the domain, else
the name, and the first of them that any company has. When several have it, nobody is picked: a person chooses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from rapidfuzz import fuzz, process

from planeapp.lib.domains import domain_of
from planeapp.lib.folding import folded

MOST = 5
"""How many similar companies are proposed."""
CLOSE_ENOUGH = 85.0
"""Least similarity (0 to 100) of a name that is proposed."""
MAIL_HOSTS = frozenset({
    "aim", "aol", "bk.ru", "email.cz", "email.it", "fastmail", "free.fr", "freenet.de", "gmail", "gmx", "googlemail",
    "hanmail.net", "hey.com", "hotmail", "icloud", "inbox.ru", "laposte.net", "libero.it", "list.ru", "live", "mac.com",
    "mail", "mailbox.org", "me.com", "msn", "naver.com", "o2.pl", "orange.fr", "outlook", "pm.me", "posteo.de", "proton",
    "protonmail", "qq.com", "rediffmail", "rocketmail", "seznam.cz", "sfr.fr", "sina.com", "t-online.de", "tutanota",
    "uol.com.br", "virgilio.it", "wanadoo.fr", "web.de", "wp.pl", "yahoo", "yandex", "ymail", "zoho", "126.com", "163.com",
})  # fmt: skip
"""Where anybody can have an address: whole domains, or a name that they have under many endings."""
LONGEST_ENDING = 3
How = Literal["external_id", "domain", "name"]


@dataclass(frozen=True)
class Subject:
    """What is known of the thing that stands for a company; ``""`` and empty: not known."""

    name: str = ""
    domains: tuple[str, ...] = ()
    external_id: str = ""


@dataclass(frozen=True)
class Known:
    """A company, as far as matching needs it."""

    id: str
    name: str
    external_id: str = ""
    domains: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """``company`` is set when the state is ``matched``; ``how`` says what fits, and is ``""`` when nothing does.

    ``candidates``: ids of those that fit equally well, best first.
    """

    state: Literal["matched", "ambiguous", "unmatched"]
    company: str | None = None
    how: How | Literal[""] = ""
    candidates: tuple[str, ...] = ()


@dataclass
class Index:
    """Ids of companies by what they are found by."""

    external_ids: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    domains: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    names: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    @classmethod
    def of(cls, companies: Iterable[Known]) -> Index:
        """From some companies: all that a subject may fit have to be among them."""
        made = cls()
        for company in companies:
            made.add(company)
        return made

    def add(self, company: Known) -> None:
        """One more company."""
        self.external_ids[company.external_id.strip()].add(company.id)
        self.names[folded(company.name)].add(company.id)
        for domain in company.domains:
            self.domains[domain_of(domain)].add(company.id)


def match(subject: Subject, index: Index) -> Verdict:
    """The company that the subject stands for, or those that it may stand for."""
    evidence = [(how, ids) for how, ids in _evidence(subject, index) if ids]
    if not evidence:
        return Verdict("unmatched")
    how, found = evidence[0]
    if len(found) == 1:
        return Verdict("matched", next(iter(found)), how)
    return Verdict("ambiguous", None, how, tuple(sorted(found, key=lambda one: (-_votes(one, evidence), one))))


def _evidence(subject: Subject, index: Index) -> Iterator[tuple[How, set[str]]]:
    external_id, name = subject.external_id.strip(), folded(subject.name)
    yield "external_id", index.external_ids.get(external_id, set()) if external_id else set()
    yield "domain", {one for domain in own_domains(subject.domains) for one in index.domains.get(domain, ())}
    yield "name", index.names.get(name, set()) if name else set()


def _votes(company: str, evidence: Sequence[tuple[How, set[str]]]) -> int:
    return sum(company in found for _, found in evidence)


def own_domains(told: Iterable[str]) -> tuple[str, ...]:
    """The domains in addresses, e-mail addresses or domains, each once; without those where anybody can have an address."""
    found = dict.fromkeys(domain_of(text) for text in told)
    return tuple(domain for domain in found if domain and not is_public(domain))


def is_public(domain: str) -> bool:
    """Whether anybody can have an address there. A mail host's name counts under every short ending (``yahoo.co.uk``)."""
    host, *endings = domain.split(".")
    return domain in MAIL_HOSTS or (host in MAIL_HOSTS and all(len(one) <= LONGEST_ENDING for one in endings))


def similar(name: str, names: Mapping[str, str], most: int = MOST) -> tuple[str, ...]:
    """Ids of companies with a similar name, best first. ``names``: id → folded name.

    Equally similar ones stand in the order of their names, short ones first, whatever the order of ``names``.
    """
    wanted = folded(name)
    if not wanted:
        return ()
    hits = process.extract(wanted, names, scorer=fuzz.WRatio, score_cutoff=CLOSE_ENOUGH, limit=None)
    ranked = sorted((-round(score, 3), len(text), text, one) for text, score, one in hits)
    return tuple(one for *_, one in ranked[:most])
