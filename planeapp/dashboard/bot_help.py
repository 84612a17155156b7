"""What people can write to the bot, from the command table."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from planeapp.bot.commands import COMMANDS
from planeapp.bot.guide import who_may
from planeapp.installations.access import member
from planeapp.installations.models import Membership


@require_safe
@member
def bot_help(request: HttpRequest, membership: Membership) -> HttpResponse:
    """Every command with an example and who may use it."""
    return render(request, "dashboard/bot_help.html", {
        "membership": membership,
        "installation": membership.installation,
        "commands": [{"command": command, "who": who_may(command)} for command in COMMANDS],
    })  # fmt: skip
