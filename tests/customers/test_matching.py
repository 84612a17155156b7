"""What decides which company is meant, and what never does."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planeapp.customers.matching import Index, Known, Subject, Verdict, is_public, match, own_domains, similar

ACME = Known("c1", "Acme Air", "A-1", ("acme.com",))
GLOBEX = Known("c2", "Globex", "G-2", ("globex.com", "globex.de"))
NAMES = st.sampled_from(["Acme", "acme ", "ACME", "Globex", "Ａcme Air", "Straße", "STRASSE"])
DOMAINS = st.sampled_from(["acme.com", "globex.com", "www.acme.com", "gmail.com", "yahoo.co.uk"])
IDS = st.sampled_from(["", "A-1", "G-2"])
COMPANIES = st.lists(st.tuples(NAMES, IDS, st.lists(DOMAINS, max_size=2)), max_size=6).map(
    lambda told: [Known(f"c{number}", name, ext, tuple(own)) for number, (name, ext, own) in enumerate(told)]
)
SUBJECTS = st.builds(Subject, NAMES, st.lists(DOMAINS, max_size=2).map(tuple), IDS)
few = settings(max_examples=60, deadline=None)


def verdict(subject: Subject, companies: Iterable[Known] = (ACME, GLOBEX)) -> Verdict:
    return match(subject, Index.of(companies))


@pytest.mark.parametrize(
    ("subject", "company", "how"),
    [
        (Subject("Globex", ("acme.com",), "G-2"), "c2", "external_id"),
        (Subject("Acme Air", ("globex.com",), "A-1"), "c1", "external_id"),
        (Subject("Acme Air", ("https://www.Globex.de/about",)), "c2", "domain"),
        (Subject("Somebody", ("ada@globex.com",), "unknown"), "c2", "domain"),
        (Subject(" ACME  air ", ("acme.example",), "unknown"), "c1", "name"),
        (Subject("Ａｃｍｅ Air"), "c1", "name"),
    ],
)
def test_the_external_id_decides_before_the_domain_and_the_domain_before_the_name(
    subject: Subject, company: str, how: str
) -> None:
    assert verdict(subject) == Verdict("matched", company, how)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "subject", [Subject(), Subject("Acme"), Subject("Acme Air Ltd"), Subject("", ("", "nonsense"), " ")]
)
def test_what_fits_no_company_exactly_is_not_matched(subject: Subject) -> None:
    assert verdict(subject) == Verdict("unmatched")


def test_of_several_that_fit_the_one_with_more_in_common_is_proposed_first_and_none_is_picked() -> None:
    holding = Known("c0", "Acme Holding", "", ("acme.com",))
    assert verdict(Subject("Acme Air", ("acme.com",)), [holding, ACME]) == Verdict(
        "ambiguous", None, "domain", ("c1", "c0")
    )


@given(COMPANIES, SUBJECTS)
@few
def test_of_namesakes_none_is_ever_picked_by_name(companies: list[Known], subject: Subject) -> None:
    found = verdict(subject, companies)
    alike = [one.id for one in companies if fold(one.name) == fold(subject.name)]
    if len(alike) > 1 and found.how == "name":
        assert (found.state, found.company, sorted(found.candidates)) == ("ambiguous", None, alike)


def fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()


@given(COMPANIES.flatmap(lambda told: st.tuples(st.just(told), st.permutations(told))), SUBJECTS)
@few
def test_the_order_of_the_companies_never_changes_the_verdict(
    lists: tuple[list[Known], list[Known]], subject: Subject
) -> None:
    told, shuffled = lists
    assert verdict(subject, told) == verdict(subject, shuffled)


@given(COMPANIES, SUBJECTS)
@few
def test_an_external_id_beats_a_domain_and_a_domain_beats_a_name(companies: list[Known], subject: Subject) -> None:
    by_id = [one.id for one in companies if subject.external_id and one.external_id == subject.external_id]
    own = set(own_domains(subject.domains))
    by_domain = [one.id for one in companies if own & set(own_domains(one.domains))]
    found = verdict(subject, companies)
    chosen = sorted([found.company] if found.company else found.candidates)
    assert chosen == by_id if by_id else (not by_domain or chosen == by_domain)


@given(COMPANIES, SUBJECTS)
@few
def test_letter_case_and_width_make_no_difference(companies: list[Known], subject: Subject) -> None:
    wide = "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in subject.name)
    written = Subject(wide.upper(), tuple(domain.upper() for domain in subject.domains), subject.external_id)
    assert verdict(written, companies) == verdict(subject, companies)


@given(COMPANIES, st.sampled_from(["gmail.com", "yahoo.co.uk", "Outlook.COM", "gmx.net", "web.de", "ada@icloud.com"]))
@few
def test_a_domain_where_anybody_can_have_an_address_never_matches(companies: list[Known], domain: str) -> None:
    with_it = [Known(one.id, one.name, one.external_id, (*one.domains, domain.rpartition("@")[2])) for one in companies]
    assert verdict(Subject("", (domain,)), with_it) == Verdict("unmatched")


@pytest.mark.parametrize(
    "domain", ["acme.com", "mail.acme.com", "outlook-partners.com", "notgmail.com", "live.acme.io"]
)
def test_a_company_s_own_domain_is_not_taken_for_a_mail_host(domain: str) -> None:
    assert not is_public(domain)


def test_similar_names_are_proposed_best_first_whatever_their_order() -> None:
    names = {"1": "globex corporation", "2": "globex", "3": "acme air", "4": "globox", "5": "initech"}
    backwards = dict(reversed(names.items()))
    assert similar("Globx", names)[0] == "2" and "5" not in similar("Globx", names)
    assert similar("Globx", names) == similar("Globx", backwards)


def test_no_more_than_a_few_similar_names_are_proposed_short_ones_first() -> None:
    names = {str(number): "acme " + "x" * number for number in range(1, 12)}
    assert similar("Acme", names) == ("1", "2", "3", "4", "5") and similar(" ", names) == ()
