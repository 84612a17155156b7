"""The words by which tools and fields are recognised. Planner's real names are not public, so nothing here is certain:
what these lists propose is shown to an admin and checked against the tools' own schemas.

Order matters: the first synonym that fits is the best.
"""

from __future__ import annotations

import re

VERBS: dict[str, tuple[str, ...]] = {
    "list": ("list", "search", "find", "query", "browse", "all"),
    "get": ("get", "read", "show", "fetch", "retrieve"),
    "create": ("create", "add", "new", "insert", "make", "schedule", "book"),
    "update": ("update", "edit", "modify", "change", "patch", "move", "reschedule", "set", "rename", "assign"),
    "delete": ("delete", "remove", "archive", "cancel", "destroy"),
}
NOUNS: dict[str, tuple[str, ...]] = {
    "project": ("project", "board"),
    "block": ("block", "event", "item", "booking", "entry", "slot", "allocation", "task"),
    "person": ("person", "people", "member", "user", "assignee", "crew", "resource", "team"),
}
OTHER_NOUNS = frozenset({
    "comment", "folder", "invite", "export", "webhook", "subscription", "reminder", "dependency", "template", "tag",
    "label", "attachment", "file", "link", "permission", "role", "share", "history", "conflict",
})  # fmt: skip
WRAPPERS = frozenset({
    "block", "event", "item", "data", "input", "payload", "body", "changes", "patch", "fields", "attributes", "values",
    "updates", "update", "filter", "filters", "args", "params", "request", "task", "entry", "booking", "blocks",
    "items",
    "where", "schedule", "times", "time", "dates", "when", "period", "result", "record", "node", "pagination",
})  # fmt: skip
GENERIC = frozenset({"id", "name", "value", "date", "datetime", "time", "email", "title", "uuid", "timezone", "ids"})


def _around(stem: str) -> tuple[str, ...]:
    endings = (
        "",
        "datetime",
        "sat",
        "at",
        "time",
        "date",
        "son",
        "day",
        "ms",
        "epochms",
        "epoch",
        "timestamp",
        "unix",
        "ts",
    )
    return tuple(stem + ending for ending in endings)


STARTS = (
    *_around("start"), "starts", *_around("begin"), "begins", "from", "fromdate", "fromtime", "dtstart", "datefrom",
    "firstday", "scheduledstart", "plannedstart", "when", "date", "day",
)  # fmt: skip
ENDS = (
    *_around("end"), "ends", *_around("finish"), "finishes", "until", "untildate", "to", "todate", "totime", "dtend",
    "dateto", "lastday", "scheduledend", "plannedend", "duedate", "dueat", "due", "deadline",
)  # fmt: skip
FIELDS: dict[str, tuple[str, ...]] = {
    "id": (
        "id", "blockid", "eventid", "itemid", "scheduleitemid", "taskid", "entryid", "bookingid", "uuid", "identifier",
        "blockids", "ids",
    ),
    "project": ("projectid", "project", "projectuuid", "projectkey", "boardid", "board", "calendarid", "scheduleid"),
    "title": ("title", "name", "subject", "summary", "label", "headline", "blocktitle", "blockname", "eventtitle"),
    "start": STARTS,
    "end": ENDS,
    "duration": (
        "durationminutes", "durationmins", "durationmin", "durationhours", "durationdays", "durationseconds",
        "durationms",
        "duration", "lengthminutes", "lengthdays", "length", "minutes", "hours", "days",
    ),
    "all_day": ("allday", "isallday", "wholeday", "fullday", "alldayevent"),
    "timezone": ("timezone", "tz", "timezoneid", "zone", "zoneid", "ianatimezone", "starttimezone"),
    "people": (
        "assigneeemails", "assigneeemail", "assigneeids", "assignees", "assigneeid", "assignee", "owneremails",
        "owneremail",
        "ownerids", "owners", "ownerid", "owner", "memberids", "members", "memberid", "userids", "users", "userid",
        "people",
        "personids", "personid", "crew", "attendees", "participants", "resourceids", "resources", "resourceid",
        "responsible",
    ),
    "notes": ("notes", "note", "description", "memo", "details", "remarks", "body", "content", "comment", "text"),
    "url": ("url", "link", "href", "externalurl", "sourceurl", "linkurl", "website"),
    "state": ("status", "state", "stage"),
    "external_id": (
        "externalid", "externalref", "externalreference", "externalkey", "reference", "referenceid", "ref", "sourceid",
        "foreignid", "correlationid", "extid",
    ),
}  # fmt: skip
LIST_FIELDS: dict[str, tuple[str, ...]] = {
    "project": FIELDS["project"],
    "range_start": (*STARTS, "after", "since", "timemin", "mindate", "rangestart"),
    "range_end": (*ENDS, "before", "timemax", "maxdate", "rangeend"),
    "limit": ("limit", "pagesize", "perpage", "maxresults", "take", "size", "first", "count"),
    "cursor": ("cursor", "nextcursor", "pagetoken", "nextpagetoken", "continuation"),
    "page": ("page", "pagenumber"),
    "offset": ("offset", "skip"),
    "external_id": FIELDS["external_id"],
}
STATES: dict[str, tuple[str, ...]] = {
    "backlog": ("backlog", "draft", "idea", "tentative", "planned"),
    "unstarted": ("unstarted", "planned", "todo", "notstarted", "scheduled", "open", "new", "pending", "tentative"),
    "started": ("started", "inprogress", "progress", "active", "doing", "running", "ongoing", "confirmed"),
    "completed": ("completed", "complete", "done", "finished", "closed"),
    "cancelled": ("cancelled", "canceled", "void", "dropped", "rejected"),
}
"""Our states (Plane's groups) and what others call them."""
UNIT_PARTS = (("min", "minutes"), ("hour", "hours"), ("day", "days"), ("sec", "seconds"))
STATE_READING_ORDER = ("unstarted", "started", "completed", "cancelled", "backlog")


def split(name: str) -> list[str]:
    """A name's words in lower case: ``rescheduleBlock`` → reschedule, block; ``blocks.list`` → blocks, list."""
    spaced = re.sub(r"([a-z0-9])([A-Z])|([A-Z])(?=[A-Z][a-z])", r"\1\3 \2", name)
    return [word.lower() for word in re.split(r"[^A-Za-z0-9]+", spaced) if word]


def flat(name: str) -> str:
    """A name without case and separators, for comparing."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def singular(word: str) -> str:
    """``blocks`` → ``block``, ``entries`` → ``entry``."""
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def names_of(path: tuple[str, ...] | list[str]) -> list[str]:
    """Flat names under which a leaf may be known, best first: its own, or its parent's with its own.

    ``project.id`` is a project's id and not an id; ``block.id`` and ``filter.project`` are what they say.
    """
    named = [part for part in path if not part.startswith("[")]
    own, parents = flat(named[-1]), [flat(part) for part in named[:-1]]
    telling = [part for part in parents if part not in WRAPPERS]
    if not telling:
        kept = [flat(part) + own for part in parents[-1:] if own in GENERIC]
        return [own, *kept]
    joined = telling[-1] + own
    return [joined] if own in GENERIC else [own, joined]


def state_of(word: str) -> str:
    """Our state for another system's word, or ``""``."""
    wanted = flat(word)
    return next((ours for ours in STATE_READING_ORDER if wanted in STATES[ours]), "")


def unit_in(name: str) -> str:
    """The unit of a length as its name tells it (``durationMinutes`` → minutes), or ``""``."""
    low = name.lower()
    if "milli" in low or low.endswith("ms"):
        return "ms"
    return next((unit for part, unit in UNIT_PARTS if part in low), "")
