"""Commands about being in step: sync now, why not, and how things stand."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from planeapp.bot.carrying import bring
from planeapp.bot.context import Reply, Talk
from planeapp.bot.deeds import Doing
from planeapp.customers import ties
from planeapp.installations.models import Connection
from planeapp.plane.mentions import literal
from planeapp.providers import provider_class
from planeapp.sync import engine
from planeapp.sync.models import ItemLink, ProjectPair, TimelineEntry
from planeapp.sync.shapes import Plan
from planeapp.sync.timeline import reason_text
from planeapp.sync.values import from_json, spoken

NOTHING = "Nothing is connected yet. An admin can connect systems in the settings."
DONE = {
    "create vendor": "made", "update vendor": "brought up to date", "update plane": "carried over to Plane",
    "delete vendor": "removed", "unlink vendor": "unlinked", "unlink plane": "unlinked",
}  # fmt: skip


def status(talk: Talk, args: dict[str, object], doing: Doing) -> Reply:
    """This item in every connected system, what holds it back, and the last line of its timeline."""
    item = talk.item
    lines = [f"**{item.values.get('key', '')}** {literal(str(item.values.get('title', '')))}"]
    lines += [f"- {_name(connection)}: {_standing(talk, connection)}" for connection in talk.connections()]
    lines += [] if talk.connections() else [f"- {NOTHING}"]
    last = (
        TimelineEntry.objects.filter(installation=talk.installation, item_id=talk.item_id)
        .order_by("-at", "-id")
        .first()
    )
    if last is not None:
        zone = ZoneInfo(talk.installation.zone)
        lines.append(f"- Last: {literal(last.text)} ({spoken(last.at.astimezone(zone))})")
    return Reply("\n".join(lines))


def _standing(talk: Talk, connection: Connection) -> str:
    links = ItemLink.objects.filter(pair__connection=connection, item_id=talk.item_id, state=ItemLink.State.LINKED)
    told = [_link_line(link) for link in links]
    told += [literal(tie.party_name) for tie in ties.of_item(connection, talk.item_id)]
    if connection.status != Connection.Status.ACTIVE:
        told.append("the connection has to be renewed by an admin")
    return "; ".join(told) or "nothing yet"


def _link_line(link: ItemLink) -> str:
    held = from_json(link.theirs)
    begin = held.get("starts_at") or held.get("start")
    finish = held.get("ends_at") or held.get("end")
    told = literal(f"{spoken(begin)} to {spoken(finish)}" if begin else spoken(held.get("title")))
    return f"[{told}]({link.remote_url})" if link.remote_url else told


def sync(talk: Talk, args: dict[str, object], doing: Doing) -> Reply:
    """Bring this item in step now, in every system that its project is paired with."""
    pairs = _pairs(talk)
    if not pairs:
        return Reply(_unpaired(talk))
    lines, failed = [], 0
    for pair in pairs:
        if talk.stopped():
            lines.append("Stopped, as you asked.")
            break
        name = _name(pair.connection)
        talk.doing("Syncing", name)
        outcome = bring(pair, talk.item_id)
        error = outcome.failed.get(talk.item_id)
        failed += error is not None
        done = [DONE[kind] for kind in outcome.counts if kind in DONE]
        told = (
            literal(error.person)
            if error
            else ", ".join(dict.fromkeys(done)) or outcome.held.get(talk.item_id, "in step")
        )
        lines.append(f"- {name}: {told}")
    return Reply("\n".join(["Synced:", *lines]), "error" if failed == len(pairs) else "response")


def why(talk: Talk, args: dict[str, object], doing: Doing) -> Reply:
    """Why this item is (not) in step, as a look at both sides says now; nothing is written."""
    if not talk.connections():
        return Reply(NOTHING)
    paired = {pair.connection_id: pair for pair in _pairs(talk)}
    lines = []
    for connection in talk.connections():
        pair = paired.get(connection.pk)
        lines.append(f"- {_name(connection)}: {_reason(talk, connection, pair)}")
    return Reply("\n".join(lines))


def _reason(talk: Talk, connection: Connection, pair: ProjectPair | None) -> str:
    if connection.status != Connection.Status.ACTIVE:
        return reason_text("reconnect_needed")
    if pair is None:
        return _how_to_pair(connection)
    plan = engine.preview_item(pair, talk.item_id)
    if plan.held:
        return " ".join(dict.fromkeys(literal(reason_text(held.code, held.text)) for held in plan.held))
    if plan.counts:
        return f"It is not in step yet ({_counted(plan)}). Write `sync` to do it now."
    linked = pair.links.filter(item_id=talk.item_id, state=ItemLink.State.LINKED).exists()
    return "It is in step." if linked else "There is nothing to do for it."


def _counted(plan: Plan) -> str:
    return ", ".join(f"{count} to be {DONE.get(kind, kind)}" for kind, count in plan.counts.items())


def _pairs(talk: Talk) -> list[ProjectPair]:
    active = ProjectPair.objects.filter(
        connection__installation=talk.installation, project_id=talk.project, enabled=True
    ).select_related("connection__installation")
    return sorted(active, key=lambda pair: pair.connection.provider)


def _unpaired(talk: Talk) -> str:
    told = [f"- {_name(connection)}: {_how_to_pair(connection)}" for connection in talk.connections()]
    return "\n".join(told) or NOTHING


def _how_to_pair(connection: Connection) -> str:
    if provider_class(connection.provider).only_place is not None:
        return reason_text("no_company")
    return "This project is not paired there. An admin can pair it in the settings."


def _name(connection: Connection) -> str:
    return provider_class(connection.provider).name
