"""The page about the commands, made from the command table: ``docs/commands.md`` and the settings pages show the same."""

from __future__ import annotations

from planeapp.bot.commands import COMMANDS, Command

HEAD = """\
# What you can write to the bot

<!-- Made from planeapp/bot/commands.py: `python manage.py commands > docs/commands.md`. Do not edit by hand. -->

Mention the bot in a comment under a work item and write what you want, in your own words: politeness, letter case, order and
small typos do not matter, and two wishes in one sentence are two commands ("link Acme and schedule it tomorrow 2h").
Times are understood in the time zone of the project's pair, else of the workspace, and repeated back in full. When something
is missing or could mean two things the bot asks; answer by number, by name or in words, under the same work item.

| write | what happens | who may |
|---|---|---|
"""
TAIL = """
Good to know

- *Everybody* includes guests; *members* are members and admins of the workspace.
- `undo` takes back the last thing that the bot did on the work item. What a person changed since stays, and is listed.
- `stop` ends what the bot is doing before its next step; `never mind` drops a question.
- `set phase` and `tag` work once an admin has allowed the bot to change companies (the page of the companies' options).
- Quoted text, code and e-mail-style quotes are never taken for commands.
- When a system does not answer, the bot says so, goes on trying by itself, and answers when it is done.
"""


def page() -> str:
    """The whole page, in Markdown."""
    return HEAD + "".join(_row(command) for command in COMMANDS) + TAIL


def who_may(command: Command) -> str:
    """Who may use a command, for people."""
    return ("admins" if command.needs == "admin" else "members") if command.changes else "everybody"


def _row(command: Command) -> str:
    usage = command.usage.replace("|", "\\|")
    return f"| `{usage}`<br>for example `{command.example}` | {command.help} | {who_may(command)} |\n"
