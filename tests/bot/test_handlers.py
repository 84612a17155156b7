from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from planeapp.bot.commands import COMMANDS
from planeapp.bot.handlers import HANDLERS
from planeapp.sync.values import to_json
from tests.factories import ConnectionFactory, ItemLinkFactory, ProjectPairFactory, TieFactory, TimelineEntryFactory
from tests.vendors import Talk


def here(talk: Talk, **more: Any) -> dict[str, Any]:
    """What a row about CUST-1 needs."""
    return {"item_id": talk.team.item()["id"], **more}


def test_every_handler_belongs_to_a_command_of_the_table() -> None:
    assert set(HANDLERS) <= {command.name for command in COMMANDS}


def test_help_tells_of_each_command_that_works_here_and_of_no_other(talk: Talk) -> None:
    told = talk.ask("what can you do?")
    for command in COMMANDS:
        assert (command.help in told) == (command.name in HANDLERS)


def test_status_says_what_to_do_when_nothing_is_connected(talk: Talk) -> None:
    expected = "CUST-1 Baggage belt 4 jams on oversized ski bags Nothing is connected yet. "
    assert talk.ask("status") == f"{expected}An admin can connect systems in the settings."


def test_status_tells_of_the_block_the_customers_and_the_last_line_of_the_timeline(talk: Talk) -> None:
    planner = ConnectionFactory(installation=talk.installation)
    planhat = ConnectionFactory(installation=talk.installation, provider="planhat")
    theirs = to_json({"start": date(2026, 11, 23), "end": date(2026, 11, 25)})
    ItemLinkFactory(pair__connection=planner, theirs=theirs, remote_url="https://planner.example/b/1", **here(talk))
    for name in ("Globex", "Acme Air"):
        TieFactory(connection=planhat, party_name=name, **here(talk))
    TimelineEntryFactory(installation=talk.installation, text="Made in Planner.", **here(talk))
    told = talk.ask("status")
    assert "Planner: Mon 23 Nov 2026 to Wed 25 Nov 2026" in told
    assert "Planhat: Acme Air; Globex" in told
    assert "Last: Made in Planner. (" in told


def test_status_tells_nothing_of_other_items_and_of_links_that_ended(talk: Talk) -> None:
    planner = ConnectionFactory(installation=talk.installation)
    pair = ProjectPairFactory(connection=planner)
    ItemLinkFactory(pair=pair, theirs={"title": "Ended"}, state="unlinked", **here(talk))
    ItemLinkFactory(pair=pair, theirs={"title": "Elsewhere"})
    TimelineEntryFactory(text="In another workspace.", **here(talk))
    assert talk.ask("status").endswith("Planner: nothing yet")


@pytest.mark.parametrize(
    "title", ["<img src=x onerror=alert(1)>", "**Loud** [win](https://evil.example)", "`code` <b>bold</b>", "# Head"]
)
@pytest.mark.parametrize("agent", ["off", "flat"])
def test_markup_in_a_title_is_shown_as_it_was_written(talk: Talk, title: str, agent: str) -> None:
    talk.behave(agent=agent)
    item = talk.team.item()
    talk.rows.store.put("work_item", item["id"], item | {"name": title})
    assert f"CUST-1 {title}" in talk.ask("status")
    html = talk.comments()[0]["comment_html"]
    assert not any(tag in html for tag in ("<img", "<a ", "<strong>Loud", "<code", "<b>", "<h1"))


def test_markup_in_a_companys_name_is_shown_as_it_was_written(talk: Talk) -> None:
    talk.behave(agent="off")
    planhat = ConnectionFactory(installation=talk.installation, provider="planhat")
    TieFactory(connection=planhat, party_name="A*B* [x](https://evil.example) & Sons", **here(talk))
    assert "Planhat: A*B* [x](https://evil.example) & Sons" in talk.ask("status")
    assert "<a " not in talk.comments()[0]["comment_html"]
