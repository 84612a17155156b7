from __future__ import annotations

from typing import Any

import pytest

from planeapp.customers.models import Errand
from planeapp.customers.options import Options, options_of, save_options
from planeapp.installations.models import AuditEntry, Connection
from tests.customers.factories import KNOWS_COMPANIES
from tests.dashboard.knowing import Know, knowing
from tests.vendors import Team

OFF = {"label_prefix": "", "customers": "off", "finished": "off"}


@pytest.fixture
def near(team: Team) -> Know:
    """The pages in the sandbox's workspace, whose Plane answers."""
    return knowing(team.installation)


def save(know: Know, status: int = 200, **more: Any) -> str:
    """Send the form with everything off but these."""
    return know.send("options/", status, **(OFF | more))


def test_everything_that_writes_is_off_until_it_is_chosen(near: Know) -> None:
    assert options_of(near.connection) == Options()
    assert "checked" not in near.looks("options/").replace('value="off"', "").split("id_labels")[1].split(">")[0]


def test_options_are_saved_once_and_their_errands_asked_for(near: Know) -> None:
    assert "Saved." in save(near, label_prefix="customer: ", labels="on", finished="task")
    assert options_of(near.connection) == Options(label_prefix="customer: ", labels=True, finished="task")
    assert {"match", "labels", "tallies"} <= set(Errand.objects.values_list("kind", flat=True))
    assert "Nothing was changed" in save(near, label_prefix="customer: ", labels="on", finished="task")
    assert (
        AuditEntry.objects.get(action="changed_company_options").detail["changed"] == "label prefix, labels, finished"
    )


def test_the_bot_may_change_companies_once_an_admin_said_so(near: Know) -> None:
    assert not options_of(near.connection).edits
    save(near, edits="on")
    assert options_of(near.connection).edits
    assert "Let the bot change phases and tags" in near.page("options/")


def test_what_the_connection_may_not_do_is_greyed_out_with_the_reason(near: Know) -> None:
    able = [one for one in KNOWS_COMPANIES["abilities"] if one not in ("write_tallies", "tell")]
    Connection.objects.update(report=KNOWS_COMPANIES | {"abilities": able})
    page = near.page("options/")
    assert "may not write figures" in page and "may not leave notes and tasks" in page
    save(near, tallies="on", finished="note")
    assert options_of(near.connection) == Options()


def test_what_is_on_and_no_longer_possible_can_still_be_switched_off(near: Know) -> None:
    save_options(near.connection, Options(tallies=True))
    Connection.objects.update(report=KNOWS_COMPANIES | {"abilities": ["companies"]})
    assert "On, but it does not work just now" in near.page("options/")
    save(near)
    assert not options_of(near.connection).tallies


def test_a_choice_that_is_none_is_refused(near: Know) -> None:
    save(near, 422, finished="everything")
    assert options_of(near.connection) == Options()


def test_a_member_looks_and_changes_nothing(near: Know) -> None:
    assert "Only admins of" in near.looks("options/") and ">Save</button>" not in near.looks("options/")
    assert near.member.post(f"{near.base}options/", OFF | {"labels": "on"}).status_code == 403
