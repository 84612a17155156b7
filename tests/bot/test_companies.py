from __future__ import annotations

import pytest

from planeapp.sync.models import ItemLink, Tie
from tests.vendors import Talk


@pytest.fixture
def planhat(talk: Talk) -> Talk:
    """A talk in a workspace with Planhat."""
    talk.team.connect("planhat")
    talk.team.vendors.planhat.control.requests.clear()
    return talk


def names() -> list[str]:
    """Companies that are tied."""
    return sorted(Tie.objects.values_list("party_name", flat=True))


def test_a_company_is_linked_by_its_name_and_planhat_shows_the_item(planhat: Talk) -> None:
    told = planhat.ask("link Acme Air")
    assert told == "Linked to Acme Air. Planhat now shows this work item there."
    issue = planhat.team.vendors.planhat.store.all("issues")[-1]
    company = planhat.team.vendors.planhat.store.find("companies", name="Acme Air")[0]
    assert issue["companyIds"] == [company["_id"]]
    assert "Baggage belt 4" in issue["title"]


def test_several_companies_are_linked_at_once(planhat: Talk) -> None:
    assert planhat.ask("customers Acme Air and Globex Cargo").startswith("Linked to Acme Air and Globex Cargo.")
    assert names() == ["Acme Air", "Globex Cargo"]


@pytest.mark.parametrize("text", ["link acme air", "link Acme", "link umbrella"])
def test_letter_case_and_a_short_name_are_enough_where_they_fit_one_company(planhat: Talk, text: str) -> None:
    assert planhat.ask(text).startswith("Linked to ")
    assert len(names()) == 1


def test_a_name_that_fits_several_companies_is_asked_about_and_nothing_is_tied(planhat: Talk) -> None:
    assert planhat.ask("link Northwind") == "Which company do you mean by “Northwind”?"
    said = planhat.said()[-1]
    labels = [option["label"] for option in said["signal_metadata"]["options"]]
    assert (said["type"], said["signal"], len(set(labels))) == ("elicitation", "select", 2)
    assert all(label.startswith("Northwind (") for label in labels)
    assert names() == []


def test_without_a_run_the_choices_stand_in_the_comment(planhat: Talk) -> None:
    planhat.behave(agent="off")
    told = planhat.ask("link Northwind")
    assert told.count("Northwind (") == 2


def test_one_ambiguous_name_among_several_ties_none_of_them(planhat: Talk) -> None:
    assert planhat.ask("link Acme Air and Northwind").startswith("Which company")
    assert names() == []


def test_an_unknown_name_is_said_to_be_unknown(planhat: Talk) -> None:
    assert planhat.ask("link Zzyzx") == "I found no company like “Zzyzx” in Planhat. Which one do you mean?"
    assert names() == []


def test_linking_twice_makes_one_tie_and_one_issue(planhat: Talk) -> None:
    issues = planhat.team.vendors.planhat.store.all
    before = len(issues("issues"))
    planhat.ask("link Acme Air")
    planhat.ask("link Acme Air")
    assert (names(), len(issues("issues")) - before, ItemLink.objects.count()) == (["Acme Air"], 1, 1)


def test_without_planhat_the_person_learns_who_can_connect_it(talk: Talk) -> None:
    told = talk.ask("link Acme Air")
    assert told == "Planhat is not connected yet. An admin can connect it on our settings page."
    assert talk.said()[-1]["type"] == "elicitation"


def test_a_token_that_planhat_refuses_is_said_to_be_refused(planhat: Talk) -> None:
    planhat.team.vendors.planhat.store.delete("tokens", "sandbox-planhat-token")
    assert "connect" in planhat.ask("link Acme Air")
    assert planhat.said()[-1]["type"] == "error"
    assert names() == []


def test_a_planhat_that_is_down_gets_the_link_later(planhat: Talk) -> None:
    planhat.team.vendors.planhat.fault(".*", status=503, times=40)
    assert planhat.ask("link Acme Air") == ""
    planhat.team.vendors.planhat.control.faults.clear()
    planhat.work()
    assert planhat.answers() == ["Linked to Acme Air. Planhat now shows this work item there."]


def test_an_issue_that_planhat_refuses_leaves_the_tie_and_says_so(planhat: Talk) -> None:
    planhat.team.vendors.planhat.fault("/issues", method="PUT", status=400, body='{"error": "title too long"}', times=9)
    planhat.team.vendors.planhat.fault(
        "/issues", method="POST", status=400, body='{"error": "title too long"}', times=9
    )
    assert planhat.ask("link Acme Air").startswith("Noted Acme Air, but Planhat did not take it.")
    assert names() == ["Acme Air"]


def test_a_name_with_markup_is_echoed_as_text(planhat: Talk) -> None:
    planhat.behave(agent="off")
    assert "“Zyz**x**y”" in planhat.ask("link Zyz**x**y")
    assert "<strong>" not in planhat.comments()[0]["comment_html"]
