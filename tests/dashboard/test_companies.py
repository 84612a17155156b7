from __future__ import annotations

import pytest
from django.utils import timezone

from planeapp.customers.models import Book, Company, Errand
from planeapp.installations.models import AuditEntry, Connection
from planeapp.lib.folding import folded
from tests.dashboard.knowing import Know, know
from tests.factories import ItemLinkFactory

__all__ = ["know"]


def many(know: Know, number: int) -> None:
    """So many companies, as a look makes them."""
    Company.objects.bulk_create(
        Company(connection=know.connection, remote_id=f"c{one}", name=f"Firm {one:05}", folded=f"firm {one:05}", scan=1)
        for one in range(number)
    )


def actions() -> list[str]:
    """What the audit log holds."""
    return list(AuditEntry.objects.values_list("action", flat=True))


def test_companies_are_listed_by_name_with_what_is_known_of_them(know: Know) -> None:
    know.company("Zeppelin")
    know.company("Acme Air", values={"phase": "Trial", "health": 7.5, "owner_name": "Olle", "revenue": 12000.0})
    page = know.looks()
    assert page.index("Acme Air") < page.index("Zeppelin")
    assert all(text in page for text in ("Trial", "7.5", "Olle", "12,000", "2 companies of Planhat"))


def test_open_work_is_counted_from_what_both_sides_agreed_on(know: Know) -> None:
    acme = know.company()
    for state in ("started", "backlog", "completed"):
        ItemLinkFactory(pair__connection=know.connection, ours={"state": state, "parties": [acme.remote_id]})
    assert "2 items" in know.page()


def test_twenty_thousand_companies_cost_few_queries(know: Know, django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    many(know, 120)
    with django_assert_max_num_queries(10):
        page = know.page("?page=2")
    assert "Firm 00050" in page and "Firm 00100" not in page and "Page 2 of 3" in page


@pytest.mark.parametrize(("query", "found"), [("acme", "Acme Air"), ("ACME-1", "Acme Air"), ("zepelin", "Zeppelin")])
def test_companies_are_found_by_name_id_and_nearly_right_names(know: Know, query: str, found: str) -> None:
    know.company("Acme Air", external_id="ACME-1")
    know.company("Zeppelin")
    page = know.page(f"?q={query}")
    assert f">{found}</a>" in page
    assert "first look" not in page


def test_a_search_without_a_hit_says_what_to_do(know: Know) -> None:
    know.company()
    assert "No company fits" in know.page("?q=qqqqqqqq")


def test_before_the_first_look_is_over_the_page_says_so(know: Know) -> None:
    Book.objects.update(number=0, finished_at=None)
    assert "The companies are being read" in know.page()


def test_reading_all_again_is_asked_for_once_however_often_it_is_clicked(know: Know) -> None:
    for _ in range(2):
        assert "being read again" in know.send("read/")
    assert Errand.objects.get().kind == "scan"
    assert actions() == ["asked_for_companies"] * 2


def test_a_stopped_look_is_told_and_an_admin_agrees_once(know: Know) -> None:
    Book.objects.update(stopped="900 of 1000 companies were not listed any more.")
    assert "900 of 1000" in know.page() and "Agree, they are gone" in know.page()
    assert "Thank you" in know.send("agree/") and Book.objects.get().allow_once
    assert "nothing to agree to" in know.send("agree/")
    assert actions() == ["agreed_companies_gone"]


def test_a_member_looks_and_changes_nothing(know: Know) -> None:
    Book.objects.update(stopped="900 of 1000 companies were not listed any more.")
    page = know.looks()
    assert "An admin of" in page and '<form method="post" action="/w/air/companies' not in page
    assert know.member.post(f"{know.base}read/").status_code == 403
    assert know.member.post(f"{know.base}agree/").status_code == 403
    assert not Errand.objects.exists()


@pytest.mark.parametrize("path", ["", "matching/", "rules/", "rules/new/", "log/", "options/"])
def test_a_connection_without_companies_has_none_of_these_pages(know: Know, path: str) -> None:
    Connection.objects.update(report={"lines": [], "abilities": ["list"]})
    know.page(path, 404)


def test_companies_that_are_gone_are_not_listed(know: Know) -> None:
    know.company("Gone Ltd", gone_at=timezone.now(), folded=folded("Gone Ltd"))
    assert "Gone Ltd" not in know.page() and "No company yet" in know.page()


def test_the_overview_leads_everybody_to_the_companies_and_admins_to_the_projects(know: Know) -> None:
    admin, member = (" ".join(one.get("/w/air/").content.decode().split()) for one in (know.admin, know.member))
    assert f'href="{know.base}"' in admin and f'href="{know.base}"' in member
    assert 'href="/w/air/pairs/planhat/"' in admin and "/w/air/pairs/planhat/" not in member
    assert "Turn on a Plane project for Planhat" in admin


def test_a_search_knows_namesakes_apart_by_their_ids(know: Know) -> None:
    for ident in ("north-1", "north-2"):
        know.company("Northwind", external_id=ident)
    page = know.looks("?q=northwind")
    assert "north-1" in page and "north-2" in page and "2 found" in page
