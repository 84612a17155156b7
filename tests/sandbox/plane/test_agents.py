"""Agent runs: a mention begins one, the bot speaks in it, replies and stops reach the app."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from planeapp.sandbox.plane import agents, html

from .conftest import Listener, Sandbox


class Talk:
    """Milo's mention of the bot, the run that it began, and the bot's client."""

    def __init__(self, sandbox: Sandbox, bot: httpx2.Client, app_bot: str) -> None:
        self.sandbox, self.bot = sandbox, bot
        self.mention = html.mention(app_bot)
        self.say(self.mention + " status")
        self.run = sandbox.plane.store.all("run")[0]

    def say(self, words: str, parent: str = "", user: str = "milo") -> None:
        form = {"comment_html": f"<p>{words}</p>", "parent": parent}
        answer = self.sandbox.http.post(
            "/sandbox/browse/CUST-1/comments/", data=form, headers={"Cookie": f"sandbox_user={user}"}
        )
        assert answer.status_code == 303

    def speak(self, kind: str, body: str, **more: Any) -> httpx2.Response:
        content = {"type": kind, "body": body}
        return self.bot.post(f"runs/{self.run['id']}/activities/", json={"type": kind, "content": content} | more)

    @property
    def status(self) -> str:
        return str(self.bot.get(f"runs/{self.run['id']}/").json()["status"])

    @property
    def page(self) -> str:
        return self.sandbox.http.get("/sandbox/browse/CUST-1/").text


@pytest.fixture
def talk(sandbox: Sandbox) -> Iterator[Talk]:
    installation = sandbox.install()
    with sandbox.bot_api(installation) as bot:
        yield Talk(sandbox, bot, installation["app_bot"])


def agent_bodies(listener: Listener, number: int) -> list[dict[str, Any]]:
    return [body for body in listener.wait(number) if "agent_run" in body]


def test_a_mention_is_told_as_a_comment_a_run_and_a_prompt(talk: Talk, listener: Listener) -> None:
    begun, prompted = sorted(agent_bodies(listener, 3), key=lambda body: str(body["action"]))
    assert (begun["type"], prompted["type"]) == ("agent_run", "agent_run_activity")
    assert prompted["agent_run_activity"]["content"] == {"type": "prompt", "body": "status"}
    assert begun["agent_user_id"] == talk.run["agent_user"] and begun["app_client_id"] == "sandbox-client"
    assert begun["comment_id"] == talk.run["comment"] and "creator" not in begun["agent_run"]
    events = {headers["x-plane-event"] for headers, _ in listener.taken}
    assert events == {"issue_comment", "agent_run_create", "agent_run_user_prompt"}


def test_a_thought_shows_until_a_response_becomes_a_comment(talk: Talk) -> None:
    assert talk.speak("thought", "Looking at the belt").status_code == 201
    assert "Looking at the belt" in talk.page and talk.status == "in_progress"
    answer = talk.speak("response", "All **good**.").json()
    page = talk.page
    assert "Looking at the belt" not in page and "<strong>good</strong>" in page and talk.status == "completed"
    comment = talk.sandbox.plane.one("comment", answer["comment"])
    assert comment and comment["parent"] == talk.run["comment"] and comment["actor"] == talk.run["agent_user"]


def test_an_elicitation_offers_options_and_the_answer_prompts_the_run(talk: Talk, listener: Listener) -> None:
    options = [{"id": "1", "label": "Acme GmbH"}, {"id": "2", "label": "Acme Ltd"}]
    talk.speak("elicitation", "Which one?", signal="select", signal_metadata={"options": options})
    assert talk.status == "awaiting" and 'value="Acme Ltd"' in talk.page
    form = {"parent": talk.run["comment"], "text": "Acme Ltd"}
    talk.sandbox.http.post("/sandbox/browse/CUST-1/comments/", data=form)
    last = [body for body in agent_bodies(listener, 6) if body["action"] == "prompted"][-1]
    assert last["agent_run_activity"]["content"]["body"] == "Acme Ltd" and last["agent_run"]["id"] == talk.run["id"]
    assert talk.status == "in_progress"


def test_an_auth_request_shows_its_link_and_needs_https(talk: Talk) -> None:
    link = {"signal": "auth_request", "signal_metadata": {"url": "https://app.example.com/connect"}}
    assert talk.speak("elicitation", "Connect first", **link).status_code == 201
    assert 'href="https://app.example.com/connect"' in talk.page
    link["signal_metadata"] = {"url": "http://elsewhere.test/"}
    assert talk.speak("elicitation", "Connect first", **link).status_code == 400


def test_stop_reaches_the_app_and_the_last_response_stops_the_run(talk: Talk, listener: Listener) -> None:
    talk.sandbox.http.post(f"/sandbox/runs/{talk.run['id']}/stop/", headers={"Cookie": "sandbox_user=milo"})
    assert talk.status == "stopping"
    stopped = [body for body in agent_bodies(listener, 4) if body["action"] == "prompted"]
    assert [body["agent_run_activity"]["signal"] for body in stopped] == ["continue", "stop"]
    talk.speak("response", "Stopped.")
    assert talk.status == "stopped"


def test_an_error_fails_the_run_and_is_said_aloud(talk: Talk) -> None:
    talk.speak("error", "Planner does not answer.")
    assert talk.status == "failed" and "Planner does not answer." in talk.page


def test_a_run_left_alone_for_five_minutes_is_stale(talk: Talk) -> None:
    talk.sandbox.plane.clock.advance(agents.STALE_AFTER + 1)
    assert talk.status == "stale"


def test_only_the_bot_may_speak_and_types_must_agree(talk: Talk) -> None:
    with talk.sandbox.person_api("ada") as ada:
        said = {"type": "thought", "content": {"type": "thought", "body": "x"}}
        assert ada.post(f"runs/{talk.run['id']}/activities/", json=said).status_code == 403
    assert talk.speak("prompt", "x").status_code == 400
    wrong = {"type": "thought", "content": {"type": "response", "body": "x"}}
    assert talk.bot.post(f"runs/{talk.run['id']}/activities/", json=wrong).status_code == 400


def test_activities_are_listed_oldest_first_with_the_prompt(talk: Talk) -> None:
    talk.speak("thought", "hm")
    listed = talk.bot.get(f"runs/{talk.run['id']}/activities/").json()["results"]
    assert [(row["type"], row["ephemeral"]) for row in listed] == [("prompt", False), ("thought", True)]
    one = talk.bot.get(f"runs/{talk.run['id']}/activities/{listed[1]['id']}/").json()
    assert one == listed[1]


def test_the_bots_own_words_begin_no_run(talk: Talk) -> None:
    path = talk.sandbox.item_path(talk.sandbox.item()) + "comments/"
    talk.bot.post(path, json={"comment_html": f"<p>{talk.mention}</p>"})
    assert len(talk.sandbox.plane.store.all("run")) == 1


@pytest.mark.parametrize(("form", "runs"), [("wrapped", 2), ("off", 1)])
def test_the_agent_webhooks_can_be_wrapped_or_off(talk: Talk, listener: Listener, form: str, runs: int) -> None:
    listener.wait(3)
    talk.sandbox.plane.store.put("settings", "webhooks", {"agent": form})
    talk.say(talk.mention + " again")
    bodies = listener.wait(6 if form == "wrapped" else 4)[3:]
    assert {"agent_run" in body.get("data", {}) for body in bodies} == ({True, False} if form == "wrapped" else {False})
    assert len(talk.sandbox.plane.store.all("run")) == runs


def test_an_agent_can_be_started_by_its_slug(talk: Talk) -> None:
    with talk.sandbox.person_api("ada") as ada:
        item = talk.sandbox.item()
        made = ada.post("runs/", json={"agent_slug": "groundcrew", "issue": item["id"], "project": item["project"]})
        assert made.status_code == 201 and made.json()["agent_user"] == talk.run["agent_user"]
        assert ada.post("runs/", json={"agent_slug": "nobody"}).status_code == 400
        assert len(ada.get("runs/").json()["results"]) == 2
