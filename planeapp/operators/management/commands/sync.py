"""``manage.py sync WORKSPACE``: one run now, or with ``--dry-run`` the plan of it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from planeapp.operators.commands import GroundcrewCommand, add_provider, connections, one_line, workspace
from planeapp.sync import engine
from planeapp.sync.models import ProjectPair, SyncRun
from planeapp.sync.shapes import Change, Plan
from planeapp.sync.values import to_json


class Command(GroundcrewCommand):
    """Runs every pair of the workspace, or previews it."""

    help = "Bring a workspace's pairs in step now. --dry-run prints the plan and writes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Workspace, provider, switches."""
        parser.add_argument("workspace", help="slug or uuid")
        add_provider(parser)
        parser.add_argument("--dry-run", action="store_true", help="print the plan, write nothing anywhere")
        parser.add_argument("--force", action="store_true", help="run even what would change far more than usual")
        self.add_json(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """One run or preview per pair."""
        found = connections(workspace(options["workspace"]), options["provider"])
        pairs = ProjectPair.objects.filter(connection__in=found, enabled=True).select_related(
            "connection__installation"
        )
        with one_line():
            told = [self._one(pair, options["dry_run"], options["force"]) for pair in pairs.order_by("project_name")]
        if options["json"]:
            self.print_json({"dry_run": options["dry_run"], "pairs": told})
        else:
            for entry in told:
                self.stdout.write(_told(entry))
        if wrong := _wrong(told):
            raise CommandError(wrong)

    def _one(self, pair: ProjectPair, dry_run: bool, forced: bool) -> dict[str, Any]:
        head = {"pair": str(pair), "provider": pair.connection.provider}
        if dry_run:
            plan = engine.preview(pair)
            return head | {"counts": plan.counts, "changes": _changes(plan), "held": _held(plan)}
        run = engine.run_pair(pair, forced=forced)
        stopped = {"stopped": run.detail} if run.state == SyncRun.State.STOPPED else {}
        return head | {"counts": run.counts} | stopped


def _wrong(told: list[dict[str, Any]]) -> str:
    """What a person has to look at, in one line, or ``""``."""
    stopped = ", ".join(entry["pair"] for entry in told if "stopped" in entry)
    failed = {entry["pair"]: entry["counts"]["failed"] for entry in told if entry["counts"].get("failed")}
    lines = (
        [f"Stopped before the first write: {stopped}. Look at it with --dry-run; --force runs it."] if stopped else []
    )
    if failed:
        count = sum(failed.values())
        items = "1 work item" if count == 1 else f"{count} work items"
        lines.append(f"{items} of {', '.join(failed)} failed; the page Activity says why.")
    return " ".join(lines)


def _told(entry: dict[str, Any]) -> str:
    counts = ", ".join(f"{count} {name}" for name, count in entry["counts"].items()) or "nothing to do"
    return f"{entry['pair']}: {entry.get('stopped') or counts}"


def _changes(plan: Plan) -> list[dict[str, Any]]:
    return [_change(change) for change in plan.changes if change.kind != "agree"]


def _change(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind, "side": change.side, "item": change.item_id, "remote": change.remote_id,
        "values": to_json(change.values), "before": to_json(change.before), "why": change.why,
    }  # fmt: skip


def _held(plan: Plan) -> list[dict[str, str]]:
    return [{"item": held.item_id, "code": held.code} for held in plan.held]
