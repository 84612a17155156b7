"""The API of agent runs (Plane developer docs, agents; paths as in Plane's SDK)."""

from __future__ import annotations

from typing import Any

from planeapp.sandbox.plane import agents, fields, serializers, talk
from planeapp.sandbox.plane.calls import Answer, Call, Endpoint, of_workspace
from planeapp.sandbox.plane.errors import bad, forbidden, missing
from planeapp.sandbox.plane.paging import page
from planeapp.sandbox.store import Doc

_RUN: dict[str, fields.Check] = {
    "agent_slug": fields.text(),
    "issue": fields.row("work_item"),
    "project": fields.row("project"),
    "comment": fields.row("comment"),
    "source_comment": fields.row("comment"),
    "external_link": fields.text(limit=0, null=True, blank=True),
    "type": fields.choice("comment_thread"),
}
_ACTIVITY: dict[str, fields.Check] = {
    "type": fields.choice("action", "elicitation", "error", "response", "thought"),
    "content": fields.anything,
    "content_metadata": fields.anything,
    "signal": fields.choice("continue", "stop", "select", "auth_request"),
    "signal_metadata": fields.anything,
}


def _run(call: Call) -> Doc:
    run = call.plane.one("run", call.path["run_id"])
    if run is None or run["workspace"] != call.here["id"]:
        raise missing()
    return run


def _list(call: Call) -> Answer:
    runs = call.plane.live("run", workspace=call.here["id"])[::-1]
    return 200, page(call.query, [agents.shown(call.plane, run) for run in runs])


def _create(call: Call) -> Answer:
    values = fields.clean(call.plane, call.data, _RUN, required=["agent_slug"])
    slug = values.pop("agent_slug")
    for installation in agents.bots(call.plane, call.here["id"]).values():
        application = call.plane.store.get("application", installation["application"]) or {}
        if application.get("slug") == slug:
            return 201, agents.shown(call.plane, agents.begin(call.plane, installation, call.user, None, **values))
    raise bad(agent_slug=["No agent with this slug is installed in the workspace."])


def _get(call: Call) -> Answer:
    return 200, agents.shown(call.plane, _run(call))


def _activities(call: Call) -> Answer:
    rows = agents.said(call.plane, _run(call))
    return 200, page(call.query, [serializers.pick(row, serializers.RUN_ACTIVITY) for row in rows])


def _activity(call: Call) -> Answer:
    row = call.plane.one("run_activity", call.path["activity_id"])
    if row is None or row["agent_run"] != _run(call)["id"]:
        raise missing()
    return 200, serializers.pick(row, serializers.RUN_ACTIVITY)


def _speak(call: Call) -> Answer:
    run = _run(call)
    if run["agent_user"] != call.user["id"]:
        raise forbidden()
    values = fields.clean(call.plane, call.data, _ACTIVITY, required=["type", "content"])
    kind = values.pop("type")
    content = _content(values.pop("content"), kind)
    _check_signal(call, kind, values)
    row = talk.speak(call.plane, run, call.user, kind, content, **values)
    return 201, serializers.pick(row, serializers.RUN_ACTIVITY)


def _content(content: Any, kind: str) -> Doc:
    if not isinstance(content, dict) or content.get("type") != kind:
        raise bad(content=["The type of the content must be that of the activity."])
    if kind != "action":
        if not isinstance(content.get("body"), str):
            raise bad(content=["A body is required."])
        return content
    parameters = content.get("parameters")
    texts = isinstance(parameters, dict) and all(isinstance(value, str) for value in parameters.values())
    if not isinstance(content.get("action"), str) or not texts:
        raise bad(content=["An action needs a name and parameters that are texts."])
    return content


def _check_signal(call: Call, kind: str, values: Doc) -> None:
    signal, metadata = values.get("signal", "continue"), values.get("signal_metadata") or {}
    if signal == "stop":
        raise bad(signal=["Only people may stop a run."])
    if signal == "select" and (kind != "elicitation" or not _options(metadata)):
        raise bad(signal_metadata=["A select belongs to an elicitation and needs options with id and label."])
    if signal == "auth_request":
        url = str(metadata.get("url", ""))
        # The demo's app answers on plain http on this machine; anything else must be https, as documented.
        if not url.startswith(("https://", call.plane.world.app_url + "/")):
            raise bad(signal_metadata=["An auth_request needs an https url."])


def _options(metadata: Doc) -> bool:
    options = metadata.get("options")
    return isinstance(options, list) and bool(options) and all({"id", "label"} <= set(option) for option in options)


def endpoints(workspace: str) -> list[Endpoint]:
    """Addresses under the workspace's path."""
    runs, one = workspace + "runs/", workspace + "runs/{run_id:uuid}/"
    return [
        Endpoint(runs, "agents.runs", of_workspace, {"GET": _list, "POST": _create}),
        Endpoint(one, "agents.runs", of_workspace, {"GET": _get}),
        Endpoint(one + "activities/", "agents.run_activities", of_workspace, {"GET": _activities, "POST": _speak}),
        Endpoint(one + "activities/{activity_id:uuid}/", "agents.run_activities", of_workspace, {"GET": _activity}),
    ]
