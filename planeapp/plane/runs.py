"""Agent runs: the talk between a person and the bot under a comment.

Source: Plane developer docs, "Building an agent" and "Signals and content payload".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast, get_args

from plane.models.agent_runs import (
    AgentRunActivityActionContent,
    AgentRunActivitySignal,
    AgentRunActivityTextContent,
    CreateAgentRunActivity,
)

from planeapp.plane.bodies import as_dict
from planeapp.plane.records import Row, one
from planeapp.plane.workspace import Workspace

Said = Literal["thought", "action", "response", "elicitation", "error"]
MARK = "groundcrew_mark"


class Runs(Workspace):
    """Reads runs and speaks in them. Community Edition has no runs: every call there raises Gone."""

    def run(self, run_id: str) -> Row:
        """The run: id, issue, project, comment, source_comment, creator, status, …

        Status: created, in_progress, awaiting, stopping, stopped, completed, failed, stale.
        """
        return one(self._wire.read(*self._place(), "runs", run_id))

    def was_stopped(self, run_id: str) -> bool:
        """Whether the person asked the bot to stop; look between the steps of long work."""
        return self.run(run_id).get("status") in ("stopping", "stopped")

    def activities(self, run_id: str) -> list[Row]:
        """What was said so far: id, type, content {type, body}, content_metadata, signal, actor, comment, …"""
        return list(self._pages("runs", run_id, "activities"))

    def say(
        self,
        run_id: str,
        type: str,  # Plane's own word for it
        body: str,
        *,
        signal: str | None = None,
        signal_metadata: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        parameters: Mapping[str, Any] | None = None,
        mark: str = "",
        look: bool = True,
    ) -> Row:
        """Add an activity and give it back.

        ``thought`` and ``action`` show until the next activity; ``response`` and ``elicitation`` become comments;
        ``error`` ends the run as failed. ``body`` is Markdown; for an ``action`` it is the action's name, with
        ``parameters``. ``signal`` is ``continue``, ``select`` (``signal_metadata={"options": [{"id", "label"}]}``) or
        ``auth_request`` (``{"url": "https://…"}``).

        With ``mark`` it may be repeated: it is kept in ``content_metadata``, and an activity that has it is given back
        instead of being said again. ``look`` false: it was certainly never said before, so nothing is looked up this time.
        Without a mark nothing is looked up at all, which suits thoughts; a lost answer is then OutcomeUnknown for what becomes a
        comment.
        """
        kind = _kind(type)
        if mark and look:
            said = next((one_said for one_said in self.activities(run_id) if _mark(one_said) == mark), None)
            if said is not None:
                return said
        kept = {**(metadata or {}), **({MARK: mark} if mark else {})}
        wanted = CreateAgentRunActivity(
            type=kind,
            content=_content(kind, body, parameters or {}),
            content_metadata=kept or None,
            signal=AgentRunActivitySignal(signal) if signal else None,
            signal_metadata=dict(signal_metadata) if signal_metadata else None,
        )
        path = (*self._place(), "runs", run_id, "activities")
        body_sent = wanted.model_dump(mode="json", exclude_none=True)
        return one(self._wire.make(*path, data=body_sent, repeatable=bool(mark) or kind in ("thought", "action")))


def _kind(written: str) -> Said:
    if written not in get_args(Said):
        raise ValueError(f"nobody says {written!r} in a run")
    return cast(Said, written)


def _content(
    said: Said, body: str, parameters: Mapping[str, Any]
) -> AgentRunActivityActionContent | AgentRunActivityTextContent:
    if said == "action":
        texts = {str(name): str(value) for name, value in parameters.items()}
        return AgentRunActivityActionContent(type=said, action=body, parameters=texts)
    return AgentRunActivityTextContent(type=said, body=body)


def _mark(activity: Row) -> str:
    return str(as_dict(activity.get("content_metadata")).get(MARK) or "")
