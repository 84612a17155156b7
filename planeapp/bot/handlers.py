"""Which function does what a command says. A handler gets the talk and the command's arguments and gives a reply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from planeapp.bot import companies, scheduling
from planeapp.bot.commands import COMMANDS
from planeapp.bot.context import Reply, Talk
from planeapp.plane.mentions import literal
from planeapp.providers import provider_class
from planeapp.sync.models import ItemLink, TimelineEntry
from planeapp.sync.values import from_json, spoken

Handler = Callable[[Talk, dict[str, Any]], Reply]


def show_help(talk: Talk, args: dict[str, Any]) -> Reply:
    """The commands that work here, from the command table."""
    lines = [f"- **{command.usage}**: {command.help}" for command in COMMANDS if command.name in HANDLERS]
    return Reply("Here is what you can write to me:\n" + "\n".join(lines))


def status(talk: Talk, args: dict[str, Any]) -> Reply:
    """This item in every connected system, and the last lines of its timeline."""
    item = talk.item
    lines = [f"**{item.values.get('key', '')}** {literal(str(item.values.get('title', '')))}"]
    connections = talk.connections()
    for connection in connections:
        name = provider_class(connection.provider).name
        links = ItemLink.objects.filter(pair__connection=connection, item_id=talk.item_id, state=ItemLink.State.LINKED)
        told = [_link_line(link) for link in links]
        told += [literal(tie.party_name) for tie in connection.ties.filter(item_id=talk.item_id).order_by("party_name")]
        lines.append(f"- {name}: {'; '.join(told) if told else 'nothing yet'}")
    if not connections:
        lines.append("- Nothing is connected yet. An admin can connect systems in the settings.")
    last = (
        TimelineEntry.objects.filter(installation=talk.installation, item_id=talk.item_id)
        .order_by("-at", "-id")
        .first()
    )
    if last is not None:
        lines.append(f"- Last: {literal(last.text)}")
    return Reply("\n".join(lines))


def _link_line(link: ItemLink) -> str:
    held = from_json(link.theirs)
    begin = held.get("starts_at") or held.get("start")
    finish = held.get("ends_at") or held.get("end")
    told = literal(f"{spoken(begin)} to {spoken(finish)}" if begin else spoken(held.get("title")))
    return f"[{told}]({link.remote_url})" if link.remote_url else told


HANDLERS: dict[str, Handler] = {
    "help": show_help,
    "status": status,
    "schedule": scheduling.schedule,
    "link": companies.link,
}
