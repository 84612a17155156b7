"""What deliveries mean: captured v1 bodies, v2 and agent bodies as the docs print them, and anything else."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planeapp.lib.events import BadSignature, Event
from planeapp.plane.events import mention_key, prompt_key, read, verify
from planeapp.plane.mentions import mention_html
from planeapp.sandbox.plane import comments
from planeapp.sandbox.plane.webhooks import build
from tests.plane.conftest import FIXTURES, SECRET, Sandbox, captured, delivery, told

WORKSPACE = "4ebe9d11-4ef7-43f3-a486-667e10df0135"
DELIVERIES = sorted(path.stem for path in (FIXTURES / "plane_webhooks").glob("*.json"))
KINDS = {"issue": "item.changed", "issue_comment": "comment.written", "project": "project.changed"}


@pytest.mark.parametrize("name", DELIVERIES)
def test_every_captured_delivery_verifies_and_is_understood(name: str) -> None:
    found = captured(name)
    raw = found["body_raw"].encode()
    verify(raw, found["headers"]["X-Plane-Signature"], ["plane_wh_other", SECRET])
    (event,) = read(raw, found["headers"])
    assert event.kind == KINDS.get(json.loads(raw)["event"], "other")
    assert event.workspace == WORKSPACE
    assert event.actor


def test_the_captured_deliveries_all_have_different_ids() -> None:
    assert len({delivery(name).id for name in DELIVERIES}) == len(DELIVERIES) == 32


@pytest.mark.parametrize("signature", ["", "0" * 64, "ﬀ" * 32, "é", "sha256=" + "0" * 64])
def test_a_wrong_signature_is_refused(signature: str) -> None:
    with pytest.raises(BadSignature):
        verify(b"{}", signature, [SECRET])


def test_an_empty_secret_signs_nothing() -> None:
    signature = hmac.new(b"", b"{}", hashlib.sha256).hexdigest()
    with pytest.raises(BadSignature):
        verify(b"{}", signature, ["", SECRET])


def test_a_body_that_was_written_anew_no_longer_verifies() -> None:
    found = captured("001")
    compact = json.dumps(json.loads(found["body_raw"]), separators=(",", ":")).encode()
    with pytest.raises(BadSignature):
        verify(compact, found["headers"]["X-Plane-Signature"], [SECRET])


# Agent runs.

RUN = {"id": "r1", "agent_user": "bot", "issue": "i1", "project": "p1", "workspace": "w1", "status": "created"}
ENDS = {"agent_user_id": "bot", "issue_id": "i1", "project_id": "p1", "workspace_id": "w1", "comment_id": "c1"}
CREATED = {"action": "created", "type": "agent_run", "agent_run": RUN, **ENDS}
ACTIVITY = {
    "id": "a1",
    "agent_run": "r1",
    "type": "prompt",
    "content": {"type": "prompt", "body": "help"},
    "signal": "continue",
    "actor": "u1",
}
PROMPTED = {
    "action": "prompted",
    "type": "agent_run_activity",
    "agent_run_activity": ACTIVITY,
    "agent_run": RUN,
    **ENDS,
}


def wrapped(flat: dict[str, Any]) -> dict[str, Any]:
    """The same as the open-source sender wraps everything."""
    return {
        "event": "agent_run_create",
        "action": flat["action"],
        "webhook_id": "h",
        "workspace_id": "w1",
        "data": flat,
    }


@pytest.mark.parametrize("form", [dict, wrapped])
def test_a_prompt_reads_the_same_flat_and_wrapped(form: Any) -> None:
    event = told(form(PROMPTED))
    assert (event.kind, event.id, event.subject, event.project) == ("run.prompted", "activity:a1", "i1", "p1")
    assert (event.workspace, event.actor) == ("w1", "u1")
    assert event.data == {"run_id": "r1", "activity_id": "a1", "comment_id": "c1", "body": "help", "signal": "continue"}


@pytest.mark.parametrize("form", [dict, wrapped])
def test_a_new_run_reads_the_same_flat_and_wrapped(form: Any) -> None:
    event = told(form(CREATED))
    assert (event.kind, event.id, event.subject) == ("run.created", "run:r1", "i1")
    assert (event.data["run_id"], event.data["comment_id"]) == ("r1", "c1")


def test_a_stop_is_told_by_its_signal() -> None:
    assert told({**PROMPTED, "agent_run_activity": {**ACTIVITY, "signal": "stop"}}).data["signal"] == "stop"


def test_an_activity_of_the_bot_itself_asks_for_nothing() -> None:
    assert told({**PROMPTED, "agent_run_activity": {**ACTIVITY, "type": "response"}}).kind == "other"


def test_one_mention_has_one_key_however_it_arrives() -> None:
    comment = told({"event": "issue_comment", "action": "created", "data": {"id": "c1", "issue": "i1"}})
    keys = {mention_key(event) for event in (comment, told(CREATED), told(PROMPTED))}
    assert keys == {"mention:c1"}


def test_a_mention_in_a_reply_has_one_key_although_the_thread_has_another_comment() -> None:
    run = {**RUN, "comment": "root", "source_comment": "reply"}
    created = told({**CREATED, "agent_run": run, "comment_id": "root"})
    prompted = told({**PROMPTED, "agent_run": run, "comment_id": "root"})
    assert mention_key(created) == mention_key(prompted) == "mention:reply"


def test_a_follow_up_is_keyed_by_its_own_comment_and_activity() -> None:
    event = told({**PROMPTED, "agent_run_activity": {**ACTIVITY, "id": "a2", "comment": "c2"}})
    assert (mention_key(event), prompt_key(event)) == ("mention:c2", "prompt:a2")


def test_an_event_without_a_comment_has_no_key() -> None:
    event = delivery("001")
    assert (mention_key(event), prompt_key(event)) == ("", "")


# What the sandbox sends for one mention in a reply, in every form.


def sent(sandbox: Sandbox) -> list[Event]:
    """The events of all deliveries that wait to be sent."""
    rows = sandbox.plane.store.find("delivery")
    bodies = [row["payload"] or build(sandbox.plane, row) for row in rows]
    return [told(body, row["event"]) for row, body in zip(rows, bodies, strict=True) if body]


@pytest.mark.parametrize("form", ["v1", "v2", "both"])
@pytest.mark.parametrize("agent", ["flat", "wrapped"])
def test_a_mention_in_a_reply_has_one_key_in_everything_that_is_sent(
    sandbox: Sandbox, item: str, form: str, agent: str
) -> None:
    place, ada = sandbox.row("work_item", id=item), sandbox.row("user", display_name="ada")
    first = comments.add(sandbox.plane, place, ada, comment_html="<p>look</p>")
    sandbox.plane.store.put("settings", "webhooks", {"format": form, "agent": agent})
    bot = sandbox.row("installation")["app_bot"]
    reply = comments.add(sandbox.plane, place, ada, comment_html=f"<p>{mention_html(bot)} help</p>", parent=first["id"])
    before = ("comment.written", first["id"])
    events = [event for event in sent(sandbox) if (event.kind, event.data.get("comment_id")) != before]
    events = [event for event in events if event.kind in ("comment.written", "run.created", "run.prompted")]
    assert {event.kind for event in events} == {"comment.written", "run.created", "run.prompted"}
    assert {mention_key(event) for event in events} == {f"mention:{reply['id']}"}
    assert {event.subject for event in events} == {item}


# Anything else.


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b'"x"', b"null", b"\xff\xfe", b'{"a": NaN}', b'{"a": 1e999}', b"[" * 10_000, b'{"a":' * 10_000],
)
def test_an_unreadable_body_is_a_value_error(raw: bytes) -> None:
    with pytest.raises(ValueError, match=".*"):
        read(raw, {})


def test_a_value_nested_almost_too_deep_is_read_or_refused() -> None:
    deep = b'{"event": "issue", "activity": {"new_value": ' + b"[" * 900 + b"]" * 900 + b"}}"
    try:
        assert read(deep, {})[0].kind == "item.changed"
    except ValueError as error:
        assert "nested" in str(error)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.sampled_from(["None", "v2", "issue"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = [
    "agent_run",
    "agent_run_activity",
    "data",
    "activity",
    "actor",
    "previous_attributes",
    "comment",
    "event",
    "id",
    "issue",
]
NAMED = st.dictionaries(
    st.sampled_from([*NAMES, "type", "action", "content", "field", "workspace_id", "project_id"]), JSON
)
EVENT_NAMES = st.sampled_from(
    ["issue", "issue_comment", "project", "workitem.updated", "workitem.comment.created", "A.B_", "_"]
)
BODY = st.fixed_dictionaries(
    {},
    optional={
        "version": st.just("v2"),
        "type": st.sampled_from(["agent_run", "agent_run_activity"]),
        "event": EVENT_NAMES | JSON,
        "action": st.sampled_from(["created", "updated", "deleted"]) | JSON,
        **{name: NAMED | JSON for name in NAMES if name != "event"},
    },
)


@given(BODY)
def test_no_json_object_makes_reading_fail(body: dict[str, Any]) -> None:
    try:
        events = read(json.dumps(body).encode(), {})
    except ValueError as error:
        assert "out of range" in str(error) or "is not JSON" in str(error)
        return
    assert len(events) == 1
    assert events[0].id
    assert all(isinstance(text, str) for text in (events[0].subject, events[0].actor, events[0].project))


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_a_value_error(raw: bytes) -> None:
    try:
        assert read(raw, {})
    except ValueError as error:
        assert str(error)
