"""Which function does what a command says. A handler gets the talk, the command's arguments and its deed, and gives a reply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from planeapp.bot import accounts, companies, scheduling, syncing, undoing
from planeapp.bot.commands import COMMANDS
from planeapp.bot.context import Reply, Talk
from planeapp.bot.deeds import Doing

Handler = Callable[[Talk, dict[str, Any], Doing], Reply]


def show_help(talk: Talk, args: dict[str, Any], doing: Doing) -> Reply:
    """Every command, from the command table."""
    lines = [f"- **{command.usage}**: {command.help}" for command in COMMANDS]
    return Reply("Here is what you can write to me:\n" + "\n".join(lines))


HANDLERS: dict[str, Handler] = {
    "help": show_help,
    "status": syncing.status,
    "schedule": scheduling.schedule,
    "move": scheduling.move,
    "unschedule": scheduling.unschedule,
    "link": companies.link,
    "unlink": companies.unlink,
    "customer": companies.customer,
    "contacts": companies.contacts,
    "add_contact": accounts.add_contact,
    "log_call": accounts.log_call,
    "set_phase": accounts.set_phase,
    "tag": accounts.tag,
    "sync": syncing.sync,
    "why": syncing.why,
    "undo": undoing.undo,
}
