"""Work item ↔ Planhat issue, company → party, call → its body. Pure functions.

Source: Planhat developer docs, "Issue", "Company", and the API page's "Calls".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from planeapp.providers.base import Item, Party, Values
from planeapp.providers.planhat import notes
from planeapp.providers.planhat.models import Json, Record, record_id

MARK_PREFIX = "plane:"
SOURCE = "Plane"

STATUSES = {
    "backlog": "Backlog",
    "unstarted": "To do",
    "started": "In progress",
    "completed": "Done",
    "cancelled": "Cancelled",
}
PRIORITIES = {"urgent": "Urgent", "high": "High", "medium": "Medium", "low": "Low", "none": "None"}
HEALTH_TOP = 10

_STATES = {text.casefold(): state for state, text in STATUSES.items()}
_LEVELS = {text.casefold(): level for level, text in PRIORITIES.items()}
_KEYED = re.compile(r"\[([^\s\[\]]+-\d+)\](?: (.*))?", re.DOTALL)
_DEEP_LINK = "https://ws.planhat.com/{slug}/home/data-explorer/{model}?preview={name}.{id}"


def is_ours(record: Json) -> bool:
    """Whether we made this issue: other trackers' connectors write the same model, and their rows are not touched."""
    return str(record.get("sourceId") or "").startswith(MARK_PREFIX)


def is_there(record: Json) -> bool:
    """Whether an issue still counts: we archive instead of deleting."""
    return record.get("archived") is not True


def issue_body(values: Values, known: Values | None = None) -> Record:
    """The issue fields for the named ``values``. ``known`` are the row's values as last read, for the title's other
    half.

    ``companyIds`` and ``enduserIds`` replace the whole list over there, so ``parties`` and ``contacts`` must be the whole
    set.
    """
    body: Record = {}
    if "title" in values or "key" in values:
        body["title"] = title_out({**(known or {}), **values})
    if "notes" in values:
        body["description"] = notes.for_planhat(
            values["notes"] or "", str(values.get("url") or (known or {}).get("url") or "")
        )
    if "state" in values:
        body["status"] = STATUSES.get(values["state"] or "")
    if "priority" in values:
        body["priority"] = PRIORITIES.get(values["priority"] or "none", PRIORITIES["none"])
    if "parties" in values:
        body["companyIds"] = sorted(set(values["parties"] or ()))
    if "contacts" in values:
        body["enduserIds"] = sorted(set(values["contacts"] or ()))
    if "url" in values:
        body["sourceUrl"] = values["url"]
    return body


def new_issue(values: Values, mark: str) -> Record:
    """The whole issue, recognised by ``mark``; not archived, so that a row that we archived once comes back to life."""
    return {"title": title_out(values), **issue_body(values), "sourceId": mark, "source": SOURCE, "archived": False}


def title_out(values: Values) -> str:
    """``[KEY] title``; the key alone when there is no title, since an issue must have one."""
    title = str(values.get("title") or "").strip()
    key = str(values.get("key") or "")
    return f"[{key}] {title}".strip() if key else title or "(untitled)"


def title_in(text: str) -> dict[str, str]:
    """``title``, and ``key`` where the text begins with one."""
    found = _KEYED.fullmatch(text.strip())
    return {"key": found[1], "title": (found[2] or "").strip()} if found else {"title": text.strip()}


def issue_values(record: Json) -> dict[str, Any]:
    """Values of an issue. A field that is missing, or that a person set to a word of their own, is left out.

    ``notes`` are left out too: Planhat's editor rewrites them, so they would look changed for ever.
    """
    values: dict[str, Any] = title_in(str(record["title"])) if record.get("title") else {}
    state = _STATES.get(str(record.get("status") or "").strip().casefold())
    level = _LEVELS.get(str(record.get("priority") or "").strip().casefold())
    values |= {"state": state} if state else {}
    values |= {"priority": level} if level else {}
    for name, ids in (("parties", record.get("companyIds")), ("contacts", record.get("enduserIds"))):
        if isinstance(ids, list):
            values[name] = tuple(sorted({str(one) for one in ids}))
    if "sourceUrl" in record:
        values["url"] = record["sourceUrl"]
    return values


def issue_item(record: Json, slug: str = "") -> Item:
    """An issue as an Item. ``version`` moves on every write, even one that changes nothing. ``slug``: see
    ``deep_link``.
    """
    return Item(
        id=record_id(record),
        values=issue_values(record),
        version=str(record.get("updatedAt") or ""),
        mark=str(record.get("sourceId") or ""),
        url=deep_link(slug, "Issue", record_id(record)),
    )


def deep_link(slug: str, model: str, ident: str) -> str:
    """Planhat's page of a record, for people; ``""`` without the tenant's slug, since no other address works."""
    return _DEEP_LINK.format(slug=slug, model=model.lower(), name=model, id=ident) if slug and ident else ""


def owner_id(company: Json) -> str:
    """The owner's user id: a plain id on single reads, an object in lists."""
    owner = company.get("owner")
    return record_id(owner) if isinstance(owner, Mapping) else str(owner or "")


def user_name(user: Json) -> str:
    """A Planhat user's name for people."""
    full = f"{user.get('firstName') or ''} {user.get('lastName') or ''}".strip()
    return full or str(user.get("nickName") or user.get("email") or "")


def party(company: Json, owner: str = "", money: tuple[str, str] = ("", "")) -> Party:
    """A company with its facts; those that Planhat does not tell are left out. ``owner`` is the owner's name, ``money`` a
    label and an amount.
    """
    told = (
        ("Phase", str(company.get("phase") or "")),
        ("Health", _health(company.get("h"))),
        ("Owner", owner),
        money,
        ("Renewal", iso_day(company.get("renewalDate"))),
    )
    return Party(
        record_id(company), str(company.get("name") or ""), tuple((label, text) for label, text in told if text)
    )


def call_body(
    number: str,
    agent: str,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    waiting: int | None = None,
    names: Literal["first", "later"] = "first",
) -> Record:
    """The body of a call. ``number`` as dialled, ``agent`` the colleague's id in our customer's own system,
    ``waiting`` in seconds before the talk (waiting + talk = end - start), times aware.

    ``names``: the field names of the API page (``first``) or those of Planhat's docs of 2017 (``later``).
    """
    body: Record = {"nr": number, ("externalUserId" if names == "first" else "agentId"): agent}
    body |= {"start": moment(start)} if start else {}
    body |= {"end": moment(end)} if end else {}
    return body if waiting is None else {**body, "waiting": waiting}


def moment(when: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and a Z, as Planhat writes times."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def number(value: Any) -> float | None:
    """A number as float; None for anything else."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def iso_day(value: Any) -> str:
    """The day of an ISO date-time; ``""`` for anything else."""
    try:
        return datetime.fromisoformat(value).date().isoformat() if isinstance(value, str) and value else ""
    except ValueError:
        return ""


def _health(value: Any) -> str:
    score = number(value)
    return "" if score is None else f"{score:.1f}".removesuffix(".0") + f" of {HEALTH_TOP}"
