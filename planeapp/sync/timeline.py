"""What people read about an item: one line per happening, each with a reason code."""

from __future__ import annotations

from typing import Any

from planeapp.sync.models import ProjectPair, SyncRun, TimelineEntry

REASONS = {
    "no_dates": "It has neither a start nor a target date.",
    "filtered": "The filters of its project leave it out",
    "several": "It has several counterparts, so its new days cannot say which one is meant. Move them over there; Plane's "
    "days follow.",
    "moved_over_there": "Its counterpart lies in another place now, so both are left alone until it is back.",
    "no_company": "It is not tied to a company.",
    "archived": "It is archived in Plane, so both sides are left alone. It goes on when it is restored there.",
    "unlinked": "Its counterpart was removed, so it is left alone until somebody asks for it again.",
    "conflict": "Both sides changed the same field; a person has to choose.",
    "scope_missing": "Plane does not allow the app to do this. The overview says which permission is missing.",
    "waiting_for_quota": "The other system's limit on calls is used up for the moment.",
    "retry_later": "The other system did not answer; it is tried again.",
    "reconnect_needed": "The connection is refused; an admin has to connect again.",
    "fix_settings": "The other system refuses what our settings make us send.",
    "outcome_unknown": "The other system did not confirm a change; we look before we write again.",
    "gone": "It is no longer there.",
    "not_offered": "The other system offers no way to do this here.",
    "tools_changed": "What the other system offers has changed; an admin has to look at the connection once more.",
    "feed_gap": "The list of events may have left something out, so all of it is looked at once.",
}


def reason_text(code: str, more: str = "") -> str:
    """A sentence for a reason code, with what it says more for this item."""
    told = REASONS.get(code, code.replace("_", " "))
    return f"{told.rstrip('.')}: {more}." if more else told


def note(
    pair: ProjectPair, code: str, text: str, *, item_id: str = "", item_key: str = "", run: SyncRun | None = None,
    data: dict[str, Any] | None = None,
) -> TimelineEntry | None:  # fmt: skip
    """Write a line, unless the item's last line says the very same (a sweep must not fill the page)."""
    last = (
        TimelineEntry.objects.filter(
            installation_id=pair.connection.installation_id, item_id=item_id or None, connection_id=pair.connection_id
        )
        .order_by("-at", "-id")
        .first()
    )
    if item_id and last is not None and (last.code, last.text) == (code, text[:500]) and code in REASONS:
        return None
    return TimelineEntry.objects.create(
        installation_id=pair.connection.installation_id,
        connection_id=pair.connection_id,
        run=run,
        item_id=item_id or None,
        item_key=item_key,
        code=code,
        text=text[:500],
        data=data or {},
    )
