"""The command table: what a person may write to the bot. Parser, suggestions, help and docs come from it.

``words`` are the phrases that start a command, without articles ("remove block" also hears "remove the block").
``[it]``, ``[me]``, ``[whose]``, ``[label]`` and ``[long]`` mark places where "this item", "me", "Acme's", a tag or a length
may stand; at ``[this]``, ``[theirs]`` and ``[name]`` an item, "Acme's" and a company must. The longest phrase wins.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Role = Literal["member", "admin"]


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its ``name`` in the contract, the phrases that call it, and what people are told about it.

    ``changes`` says whether it writes anywhere; ``needs`` is the least role in Plane that may use it.
    """

    name: str
    words: tuple[str, ...]
    usage: str
    help: str
    example: str
    changes: bool
    needs: Role = "member"


COMMANDS: tuple[Command, ...] = (
    Command(
        name="help",
        words=(
            "help", "help me", "show [me] help", "what can you do", "what do you do", "what do you understand",
            "how do you work", "how does this work", "commands", "show [me] commands", "list commands",
            "which commands do you know", "what commands do you know", "what commands are there",
            "which commands are there", "what commands are available", "which commands are available", "give [me] help",
            "how can you help", "what are commands", "which commands can i use", "what commands can i use", "usage",
            "show [me] what you can do", "tell [me] what you can do", "what are you able to do", "what else can you do",
            "what can i ask you", "what can i ask", "what can i write", "what can i say", "how do i use you",
            "how can i use bot", "how do i use bot", "how can i use you", "how do i talk to you", "i need help",
            "help me out", "what commands do you have", "which commands do you have", "what can i do with you",
            "what can i do here", "show [me] commands you know", "what are you capable of", "how does bot work",
        ),
        usage="help",
        help="Shows what I understand.",
        example="help",
        changes=False,
    ),
    Command(
        name="status",
        words=(
            "status", "show [me] status", "give [me] status", "tell [me] status", "get [me] status", "check status",
            "see status", "what is status", "what's status", "whats status", "is [it] scheduled",
            "when is [it] scheduled", "is [it] synced", "any updates", "any update", "any news", "what's up with [it]",
            "what is up with [it]", "let [me] know status", "what is sync status", "what's sync status",
            "whats sync status", "last sync", "when was last sync", "when was [this] last synced",
            "is [this] in [vendor]", "is [this] in calendar", "is [this] on calendar", "is [this] in schedule",
            "is [this] on schedule", "give [me] update", "what is state", "what's state", "sync status",
            "show [me] sync status", "current status", "latest status", "quick status", "when does [it] start",
            "when is [it] planned", "is [it] planned", "was [it] synced", "has [it] been synced",
            "has [it] been scheduled", "did [it] sync", "how is [this] doing", "how's [this] doing",
            "what's going on with [this]", "what is going on with [this]", "where do we stand",
            "how far are we with [this]",
        ),
        usage="status",
        help="Shows this item: its block, its customers, the last sync, and what is held back and why.",
        example="status",
        changes=False,
    ),
    Command(
        name="schedule",
        words=(
            "schedule", "schedule block", "block", "block off", "block out", "block time", "plan", "book", "book time",
            "reserve", "reserve time", "timebox", "put [it] on calendar", "put [it] in calendar",
            "put [it] on schedule", "put [it] in schedule", "put [it] into schedule", "set [long] block",
            "put [it] in [vendor]", "put [it] into [vendor]", "add [it] to [vendor]", "put [it] into calendar",
            "get [it] on calendar", "get [it] in calendar", "get [it] into calendar", "add [it] to calendar",
            "add [it] to schedule", "create [long] block", "make a [long] block", "add [long] block",
            "set up [long] block", "book [long] block", "pencil [it] in", "slot [it] in", "set aside", "set aside time",
            "find time", "find slot", "allocate", "allocate time",
        ),
        usage="schedule <when> [for <how long>]",
        help="Puts a block into the schedule and the dates on this item.",
        example="schedule tomorrow 10:00 for 2h",
        changes=True,
    ),
    Command(
        name="move",
        words=(
            "move", "reschedule", "re-schedule", "shift", "postpone", "defer", "delay", "push", "push [it] back",
            "push [it] out", "bring [it] forward", "pull [it] forward", "extend", "prolong", "lengthen", "shorten",
            "cut [it] by", "reduce [it] by", "add [long] to block", "add [long] to it", "make [it]", "start [this]",
            "change date", "change start", "change start date", "change time", "change [this] to",
        ),
        usage="move to <when> | move by <how much> | extend by <how much>",
        help="Moves the block, or makes it longer or shorter.",
        example="move to friday 10:00",
        changes=True,
    ),
    Command(
        name="unschedule",
        words=(
            "unschedule", "unschedule block", "un-schedule", "remove block", "delete block", "cancel block",
            "drop block", "clear block", "get rid of block", "free slot", "free up slot", "release slot",
            "release block", "cancel slot", "cancel booking", "remove booking", "delete booking",
            "remove block from [this]", "delete block from [this]", "remove slot", "remove schedule", "delete schedule",
            "clear schedule", "cancel schedule", "remove [it] from schedule", "remove [it] from calendar",
            "delete [it] from calendar", "delete [it] from schedule", "drop [it] from calendar",
            "drop [it] from schedule", "clear [it] from calendar", "take [it] off schedule", "take [it] off calendar",
            "take [it] out of calendar", "take [it] out of schedule",
        ),
        usage="unschedule",
        help="Removes or unlinks the block, by the rule of this workspace.",
        example="unschedule",
        changes=True,
    ),
    Command(
        name="link",
        words=(
            "link", "customers", "add [name] as customer", "add [name] as customers", "tie [this] to",
            "tie [this] with", "add customer", "add customers", "add company", "assign customer", "assign company",
            "connect", "attach", "associate",
        ),
        usage="link <company> [and <company>]",
        help="Ties this item to the companies that wait for it.",
        example="link Acme and Globex",
        changes=True,
    ),
    Command(
        name="unlink",
        words=(
            "unlink", "un-link", "remove [name] from [this]", "remove customer", "remove customers", "remove company",
            "remove [name] as customer", "remove [name] as customers", "take [name] off [this]", "remove link",
            "delete link", "disconnect", "detach",
        ),
        usage="unlink <company>",
        help="Takes companies off this item.",
        example="unlink Acme",
        changes=True,
    ),
    Command(
        name="customer",
        words=(
            "customer", "customer card", "customer info", "customer details", "show [me] customer",
            "show [me] customers", "list customers", "show [me] who [it] is for", "tell [me] who [it] is for",
            "which customers is [it] for", "for which customer is [this]", "for which company is [this]",
            "give [me] customer card", "show [me] customer details", "show [me] [whose] customer card",
            "which company is [it] for", "what company is [it] for", "who is customer", "who's customer",
            "whos customer", "who is [it] for", "who's [it] for", "whos [it] for", "who are we doing [it] for",
            "tell me about customer", "which customer is [it] for", "what customer is [it] for",
            "which customer is [this]", "what customer is [this]", "which company is [this]", "what company is [this]",
            "who are customers", "which customers are linked", "which companies are linked",
            "which customers are waiting", "which companies are waiting", "which companies are waiting for [it]",
            "which companies wait for [it]", "which customers are waiting for [it]", "which customers wait for [it]",
            "who is waiting for [this]", "who's waiting for [this]", "whos waiting for [this]", "who waits for [this]",
            "who are we building [it] for", "for whom is [this]", "for whom are we doing [this]",
            "for whom are we building [this]", "tell [me] about", "what do we know about", "what phase is [name] in",
            "which phase is [name] in", "what is [theirs] phase", "what's [theirs] phase", "what is [theirs] health",
            "what's [theirs] health", "how is [theirs] health", "what is [theirs] arr", "what's [theirs] arr",
            "when is [theirs] renewal", "what is [theirs] renewal date",
        ),
        usage="customer [<company>]",
        help="Shows who waits for this item: phase, health, owner, ARR, renewal, open items, contacts.",
        example="customer",
        changes=False,
    ),
    Command(
        name="contacts",
        words=(
            "contacts", "contact list", "what contacts do we have", "which contacts do we have",
            "show [me] [whose] contacts", "list [whose] contacts", "see [whose] contacts", "find [whose] contacts",
            "get [me] [whose] contacts", "give [me] [whose] contacts", "who are [whose] contacts",
            "what are [whose] contacts", "contact details", "contact persons", "who do we know at",
            "who can i talk to at", "who can i contact at", "who should i talk to at", "who should i contact at",
            "who is our contact at", "who is contact at", "who's contact at", "who is contact for",
            "who is contact person at", "whom do we know at", "whom should i contact at", "whom can i contact at",
        ),
        usage="contacts [<company>]",
        help="Lists a company's contacts.",
        example="contacts Acme",
        changes=False,
    ),
    Command(
        name="add_contact",
        words=("add contact", "add new contact", "new contact", "create contact", "create new contact", "add", "save", "register",
               "save contact", "register contact"),
        usage="add contact [<name>] <e-mail> [to <company>]",
        help="Adds a contact to a company.",
        example="add contact jo@acme.example to Acme",
        changes=True,
    ),
    Command(
        name="log_call",
        words=(
            "log [long] call", "log phone call", "register [long] call", "record [long] call", "add [long] call",
            "note [long] call", "save [long] call",
        ),
        usage="log call <number> [<start>] [<how long>] [waiting <how long>]",
        help="Logs a phone call with a customer.",
        example="log call +46 70 123 45 67 14:00 12m waiting 10s",
        changes=True,
    ),
    Command(
        name="set_phase",
        words=(
            "set [whose] phase", "change [whose] phase", "update [whose] phase", "switch [whose] phase",
            "make [whose] phase", "move [who] to [phase] phase", "set [who] to [phase] phase",
            "switch [who] to [phase] phase", "change [who] to [phase] phase", "put [name] in [phase] phase",
            "put [name] into [phase] phase", "move [who] into [phase] phase", "set customer phase", "set company phase",
            "phase",
        ),
        usage="set phase <phase> [for <company>]",
        help="Sets the company's phase, if this workspace allows it.",
        example="set phase onboarding",
        changes=True,
    ),
    Command(
        name="tag",
        words=("tag", "add [label] tag", "set tag", "put tag", "apply tag", "give [name] tag"),
        usage="tag [<company>] <tag>",
        help="Tags the company, if this workspace allows it.",
        example="tag Acme gold",
        changes=True,
    ),
    Command(
        name="sync",
        words=(
            "sync", "synch", "resync", "re-sync", "synchronise", "synchronize", "refresh", "run sync", "start sync",
            "start syncing", "force sync", "trigger sync", "do sync", "do resync", "do re-sync",
        ),
        usage="sync",
        help="Syncs this item now.",
        example="sync",
        changes=True,
    ),
    Command(
        name="why",
        words=(
            "why", "why no sync", "why not synced", "why not syncing", "why not scheduled", "why is [it] not synced",
            "why isn't [it] synced", "why isnt [it] synced", "why wasn't [it] synced", "why was [it] not synced",
            "why is [it] not syncing", "why isn't [it] syncing", "why didn't [it] sync", "why did [it] not sync",
            "why doesn't [it] sync", "why does [it] not sync", "why hasn't [it] synced", "why hasn't [it] been synced",
            "why has [it] not synced", "why has [it] not been synced", "why is [it] not scheduled",
            "why isn't [it] scheduled", "why is there no block", "why no block", "why is [it] held back",
            "why is [it] stuck", "what is holding [it] back", "what's holding [it] back", "whats holding [it] back",
            "what is blocking [it]", "what's blocking [it]", "what is blocking sync", "what's blocking sync", "explain",
            "explain why [it] isn't synced", "explain why [it] is not synced", "why was [it] held back",
            "why was [it] not scheduled", "why wasn't [it] scheduled", "why is [this] not in", "why isn't [this] in",
            "why isn't [this] on", "why is [this] not on", "why does [this] not show up", "why doesn't [this] show up",
            "why does [this] not appear", "why doesn't [this] appear", "what's wrong with sync",
            "what is wrong with sync", "what is stopping [this]", "what's stopping [this]", "what stops [this]",
            "what is keeping [this]", "what's keeping [this]", "why is [it] not being synced",
            "why isn't [it] being synced", "what is holding [it] up", "what's holding [it] up", "why not in sync",
            "why is [it] not in sync", "why isn't [it] in sync", "why is [it] out of sync", "why won't [it] sync",
            "why can't [it] sync", "why is sync not working", "why isn't sync working", "why is sync failing",
            "why did sync fail", "why does sync fail",
        ),
        usage="why not synced",
        help="Explains, with the reasons in the activity log, why this item is not in step.",
        example="why not synced",
        changes=False,
    ),
    Command(
        name="undo",
        words=(
            "undo", "undo last", "undo last action", "undo last change", "undo last command", "undo last step",
            "undo last thing", "undo last thing you did", "undo what you did", "undo what you just did", "revert",
            "revert last change", "roll [it] back", "rollback", "take [it] back",
        ),
        usage="undo",
        help="Takes back the last thing I did on this item.",
        example="undo",
        changes=True,
    ),
)  # fmt: skip


def by_name(commands: Iterable[Command] = COMMANDS) -> dict[str, Command]:
    """The commands by name. Two with one name raise ``ValueError``, so that a slip in the table stops the start."""
    table: dict[str, Command] = {}
    for command in commands:
        if command.name in table:
            raise ValueError(f"Two commands are named {command.name!r}; rename one in planeapp/bot/commands.py.")
        table[command.name] = command
    return table


def phrases(commands: Iterable[Command] = COMMANDS) -> dict[str, Command]:
    """Each phrase and its command. A phrase said twice raises ``ValueError`` (``[it]`` and the like do not count)."""
    owners: dict[str, Command] = {}
    heard: dict[str, str] = {}
    for command in commands:
        for phrase in command.words:
            key = " ".join(word for word in phrase.lower().split() if not word.startswith("["))
            if key in heard:
                raise ValueError(
                    f"{command.name!r} and {heard[key]!r} both listen to {key!r}; take it from one of them."
                )
            heard[key] = command.name
            owners[phrase] = command
    return owners


BY_NAME: dict[str, Command] = by_name()
PHRASES: dict[str, Command] = phrases()
