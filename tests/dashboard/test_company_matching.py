from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from planeapp.customers.models import Company, Reference
from planeapp.installations.models import AuditEntry
from planeapp.sync.models import Tie
from tests.customers.factories import BookFactory, ReferenceFactory
from tests.dashboard.knowing import Know, know
from tests.factories import TieFactory

__all__ = ["know"]


def waiting(know: Know, name: str = "Acme", **more: Any) -> Reference:
    """A label for which several companies fit."""
    candidates = [
        know.company(f"{name} {place}", external_id=f"{name}-{place}").remote_id for place in ("North", "South")
    ]
    told = {"name": name, "candidates": candidates, "state": "ambiguous", "how": "name"} | more
    made: Reference = ReferenceFactory(connection=know.connection, kind="label", **told)
    return made


def test_what_fits_several_waits_with_its_proposals(know: Know) -> None:
    waiting(know)
    page = know.looks("matching/")
    assert all(text in page for text in ("2 companies have this name.", "Acme North", "Acme-South", "Label"))


def test_one_proposal_is_confirmed_with_others_at_once(know: Know) -> None:
    rows = [
        waiting(know, name, candidates=[know.company(name).remote_id], state="unmatched", how="")
        for name in ("Acme", "Beta")
    ]
    page = know.send("matching/decide/", do="confirm", pick=[row.pk for row in rows])
    assert "Confirmed: 2." in page
    assert set(Reference.objects.values_list("state", "how")) == {("matched", "person")}
    assert "Nothing was changed" in know.send("matching/decide/", do="confirm", pick=[row.pk for row in rows])
    assert AuditEntry.objects.get(action="confirmed_matches").detail["count"] == 2


def test_where_several_fit_nobody_is_picked_unasked(know: Know) -> None:
    row = waiting(know)
    assert "Nothing was changed" in know.send("matching/decide/", do="confirm", pick=row.pk)


def test_another_company_is_searched_and_chosen_and_stays(know: Know) -> None:
    row, other = waiting(know), know.company("Quite Different")
    assert "Quite Different" in know.page(f"matching/choose/?id={row.pk}&q=quite")
    assert "stands for Quite Different" in know.send(f"matching/choose/?id={row.pk}", pick=other.pk)
    row.refresh_from_db()
    assert (row.company, row.state, row.how) == (other, "matched", "person")
    assert "Quite Different" in know.looks("matching/?show=matched")


def test_ignored_lines_are_listed_apart_and_can_be_taken_back(know: Know) -> None:
    row = waiting(know)
    assert "Left out: 1." in know.send("matching/decide/", do="ignore", pick=row.pk)
    assert "Nothing waits for you" in know.page("matching/")
    assert "Acme" in know.page("matching/?show=ignored")
    assert "Taken back: 1." in know.send("matching/decide/", do="undo", pick=row.pk, show="ignored")
    row.refresh_from_db()
    assert row.decided_by == "" and row.state != "ignored"


def test_work_items_of_a_company_that_is_gone_move_to_another_with_their_number_told(know: Know) -> None:
    gone, other = know.company("Old Air", remote_id="old", gone_at=timezone.now()), know.company("New Air")
    for _ in range(3):
        TieFactory(connection=know.connection, party_id="old", party_name="Old Air", state=Tie.State.GONE)
    assert "3 work items" in know.looks("matching/")
    assert "3 work items were tied to Old Air" in know.page("matching/choose/?id=gone:old")
    know.send("matching/choose/?id=gone:old", pick=other.pk)
    assert set(Tie.objects.values_list("party_id", "state")) == {(other.remote_id, "active")}
    assert gone.pk and "Nothing waits for you" in know.page("matching/")


@pytest.mark.parametrize("ident", ["nonsense", "00000000-0000-4000-8000-000000000000", "gone:nobody", ""])
def test_a_line_that_is_not_there_is_not_found(know: Know, ident: str) -> None:
    know.page(f"matching/choose/?id={ident}", 404)


def test_another_workspaces_lines_and_companies_stay_out_of_reach(know: Know) -> None:
    foreign, row = ReferenceFactory(connection=BookFactory().connection), waiting(know)
    know.page(f"matching/choose/?id={foreign.pk}", 404)
    know.send("matching/decide/", do="ignore", pick=foreign.pk)
    foreign.refresh_from_db()
    assert foreign.state == "unmatched"
    theirs = Company.objects.create(connection=foreign.connection, remote_id="x", name="X", folded="x")
    assert "Choose a company" in know.send(f"matching/choose/?id={row.pk}", pick=theirs.pk)


def test_a_member_looks_and_decides_nothing(know: Know) -> None:
    row = waiting(know)
    assert "checkbox" not in know.looks("matching/")
    assert know.member.post(f"{know.base}matching/decide/", {"do": "ignore", "pick": row.pk}).status_code == 403
    assert know.member.get(f"{know.base}matching/choose/?id={row.pk}").status_code == 403
