from __future__ import annotations

import pytest
from selectolax.lexbor import LexborHTMLParser

from planeapp.bot import handlers, replies
from planeapp.bot.context import Reply
from planeapp.bot.context import Talk as BotTalk
from planeapp.bot.models import Turn
from planeapp.sandbox.plane.html import mentioned
from tests.factories import TurnFactory
from tests.vendors import Talk

OPTIONS = ({"id": "1", "label": "Northwind (Phase live)"}, {"id": "2", "label": "North*wind* <b>Ltd</b>"})


def answering(talk: Talk, reply: Reply, monkeypatch: pytest.MonkeyPatch, run: bool = False) -> None:
    """Milo asks for the status, and the bot has this reply to give."""
    monkeypatch.setitem(handlers.HANDLERS, "status", lambda *_: reply)
    talk.behave(agent="flat" if run else "off")
    talk.ask("status", by="milo")


def test_a_comment_reply_mentions_who_asked(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(talk, Reply("Hello"), monkeypatch)
    assert mentioned(talk.comments()[0]["comment_html"]) == [talk.team.vendors.person("milo")["id"]]


def test_a_run_reply_mentions_nobody_since_the_thread_does(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(talk, Reply("Hello"), monkeypatch, run=True)
    assert mentioned(talk.comments()[0]["comment_html"]) == []
    assert talk.said()[-1]["content"] == {"type": "response", "body": "Hello"}


def test_an_asker_who_is_not_known_is_answered_all_the_same(talk: Talk) -> None:
    item = talk.team.item()
    turn = TurnFactory(
        installation=talk.installation, project_id=item["project"], item_id=item["id"], asker=None, answer="Hello"
    )
    replies.deliver(BotTalk(turn))
    assert talk.comments()[0]["comment_html"] == "<p>Hello</p>"


def test_choices_become_buttons_on_a_run(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(talk, Reply("Which?", "elicitation", OPTIONS), monkeypatch, run=True)
    said = talk.said()[-1]
    assert (said["type"], said["signal"]) == ("elicitation", "select")
    assert said["signal_metadata"] == {"options": list(OPTIONS)}


def test_choices_become_a_list_in_a_comment(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(talk, Reply("Which?", "elicitation", OPTIONS), monkeypatch)
    shown = LexborHTMLParser(talk.comments()[0]["comment_html"])
    assert [node.text() for node in shown.css("li")] == [option["label"] for option in OPTIONS]
    assert shown.css("b") == []


@pytest.mark.parametrize("outside", ["<script>alert(1)</script>", '<img src=x onerror="x()">', "a & b < c"])
def test_html_in_an_answer_is_shown_as_text(talk: Talk, monkeypatch: pytest.MonkeyPatch, outside: str) -> None:
    answering(talk, Reply(outside), monkeypatch)
    shown = LexborHTMLParser(talk.comments()[0]["comment_html"])
    assert shown.css("script, img") == []
    assert outside in shown.text()


def test_the_answer_carries_the_turns_key_so_that_it_is_found_again(talk: Talk) -> None:
    talk.behave(agent="off")
    talk.ask("status")
    comment = talk.comments()[0]
    assert (comment["external_source"], comment["external_id"]) == ("groundcrew", Turn.objects.get().key)


def test_a_talk_without_a_run_gets_no_thought(talk: Talk) -> None:
    talk.behave(agent="off")
    talk.ask("status")
    assert talk.team.vendors.plane.asked("POST", "/activities/") == []
