"""Plane's REST API v1, for one workspace and one token function. Records stay plain dicts in Plane's own words.

Source: Plane developer docs, "API reference". All methods raise the errors of ``planeapp.lib.errors`` alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from plane.models.labels import CreateLabel
from plane.models.work_items import (
    CreateWorkItem,
    CreateWorkItemComment,
    CreateWorkItemLink,
    UpdateWorkItem,
    UpdateWorkItemComment,
)

from planeapp.lib.errors import FixSettings, Gone
from planeapp.plane.answers import PlaneBroke
from planeapp.plane.bodies import clean_id
from planeapp.plane.customers import Availability, Customers, Namesake
from planeapp.plane.paging import PER_PAGE, Items, moment, rows_of
from planeapp.plane.records import Member, Row, Saved, checked, dropped, member, one, or_none
from planeapp.plane.runs import Runs
from planeapp.plane.workspace import SOURCE

__all__ = ["SOURCE", "Availability", "Member", "Namesake", "Plane", "Saved"]

KEY = re.compile(r"[A-Za-z0-9_]{1,20}-[0-9]{1,9}")
LABEL_COLOUR = "#5b7083"


class Plane(Runs, Customers):
    """One workspace, by its slug: ``Plane(access, slug, lacks=())``. Ids are Plane's uuids as text."""

    # People

    def me(self) -> Row:
        """The user whose token this is: id, email, display_name, first_name, last_name, avatar_url."""
        return one(self._wire.read("users", "me"))

    def members(self) -> list[Member]:
        """Everybody in the workspace with a role, bots included."""
        return [member(row) for row in rows_of(self._wire.read(*self._place(), "members"))]

    def project_members(self, project: str) -> list[Member]:
        """Everybody who can be assigned in the project."""
        return [member(row) for row in rows_of(self._wire.read(*self._place(project), "project-members"))]

    # Projects

    def projects(self) -> list[Row]:
        """The projects that the token can see (on Plane's cloud only those that the bot was added to)."""
        return list(self._pages("projects"))

    def project(self, project: str) -> Row:
        """One project (id, identifier, name, timezone, …). Raises Gone when it is not there or closed to us."""
        return one(self._wire.read(*self._place(project)))

    def states(self, project: str) -> list[Row]:
        """The project's states: id, name, group, sequence, default."""
        return list(self._pages("projects", project, "states"))

    def labels(self, project: str) -> list[Row]:
        """The project's labels: id, name, color."""
        return list(self._pages("projects", project, "labels"))

    def ensure_label(self, project: str, name: str) -> Row:
        """The label of that name (letter case does not matter), made when it is missing."""
        wanted = name.strip()
        for label in self.labels(project):
            if str(label.get("name", "")).casefold() == wanted.casefold():
                return label
        body = CreateLabel(name=wanted, color=LABEL_COLOUR).model_dump(exclude_none=True)
        return self._make_or_adopt((*self._place(project), "labels"), body)[0]

    # Work items

    def item(self, project: str, item: str) -> Row | None:
        """One work item, or None when it was deleted, archived or is a draft.

        Plane answers 404 also for a project that is closed to the bot. That is told apart with one more call and raises
        FixSettings (``not_in_project``): items of such a project are not gone.
        """
        found = or_none(lambda: one(self._wire.read(*self._place(project), "work-items", item)))
        if found is None:
            self._check_reachable(project)
        return found

    def item_by_key(self, key: str) -> Row | None:
        """One work item by its key for people (``CUST-12``), or None."""
        if not KEY.fullmatch(key):
            return None
        return or_none(lambda: one(self._wire.read(*self._place(), "work-items", key.upper())))

    def find_by_external(self, project: str, source: str, external_id: str) -> Row | None:
        """The work item that carries this external pair in the project (archived ones too on some servers), or None.

        The answer to this lookup is one bare record, not a page. Servers that know no such lookup answer with the whole
        list, and one that holds the pair twice answers 500 for ever: both end in reading the list.
        """
        pair = {"external_source": source, "external_id": external_id}
        try:
            answer = or_none(lambda: self._wire.read(*self._place(project), "work-items", params=pair))
        except PlaneBroke:
            return self._scan_for(project, pair)
        if isinstance(answer, dict) and "results" in answer:
            return self._scan_for(project, pair)
        return answer if isinstance(answer, dict) else None

    def items(self, project: str, *, newest_first: bool = False, since: datetime | None = None) -> Items:
        """Every work item of the project, oldest first (new rows then do not shift the pages).

        With ``newest_first`` by last change; with ``since`` (aware) so too, and it ends at the first older one.
        """
        by_change = newest_first or since is not None
        pages = self._pages("projects", project, "work-items", order_by="-updated_at" if by_change else "created_at")
        return Items(pages, since)

    def items_page(self, project: str, cursor: str, since: datetime | None = None) -> tuple[list[Row], str, int | None]:
        """One page of :meth:`items`: its rows, the cursor of the next page (``""`` after the last), the project's count.

        With ``since`` the pages come newest change first, and the last is the one with an older row. Plane's cursors count
        rows, so they stay good for as long as one likes; rows that are removed meanwhile shift the others.
        """
        query = {"per_page": PER_PAGE, "order_by": "-updated_at" if since else "created_at"}
        answer = self._wire.read(
            *self._place(project), "work-items", params=query | ({"cursor": cursor} if cursor else {})
        )
        rows, told = rows_of(answer), answer if isinstance(answer, dict) else {}
        recent = [row for row in rows if not since or (moment(row.get("updated_at")) or since) >= since]
        more = told.get("next_page_results") and len(recent) == len(rows)
        total = told.get("total_count") if not since else None
        following = str(told.get("next_cursor") or "") if more else ""
        return recent, following if following != cursor else "", total if isinstance(total, int) else None

    def archived(self, project: str) -> tuple[frozenset[str], bool]:
        """Ids of the project's archived work items, and whether the list was complete.

        Community Edition has no such list (404): there an archived item cannot be told from a deleted one.
        """
        pages = self._pages("projects", project, "archived-work-items")
        try:
            found = frozenset(str(row.get("id")) for row in pages)
        except Gone:
            return frozenset(), True
        return found, pages.complete

    def create_item(self, project: str, **fields: Any) -> Saved:
        """Make a work item. With ``external_source`` and ``external_id`` it may be repeated: the first is adopted.

        Without them a lost answer is OutcomeUnknown.
        """
        body = checked(CreateWorkItem, fields).model_dump(exclude_unset=True)
        marked = bool(fields.get("external_source") and fields.get("external_id"))
        record, adopted = self._make_or_adopt((*self._place(project), "work-items"), body, repeatable=marked)
        return Saved(record, {} if adopted else dropped(body, record), adopted)

    def update_item(self, project: str, item: str, **fields: Any) -> Saved:
        """Write the named fields (None clears) and compare the answer with what was sent.

        A server that ignored ``state`` gets it once more as ``state_id``, the web app's name for it.
        """
        body = checked(UpdateWorkItem, fields).model_dump(exclude_unset=True)
        path = (*self._place(project), "work-items", item)
        record = one(self._wire.change(*path, data=body))
        if "state" in dropped(body, record):
            record = one(self._wire.change(*path, data={"state_id": body["state"]}))
        return Saved(record, dropped(body, record))

    def search(self, text: str, *, limit: int = 20) -> list[Row]:
        """Work items of the workspace whose name or number fits.

        Each: id, name, sequence_id, project_id, project__identifier, workspace__slug.
        """
        if not text.strip():
            return []
        query = {"search": text.strip(), "workspace_search": "true", "limit": limit}
        found = self._wire.read(*self._place(), "work-items", "search", params=query)
        return rows_of({"results": found.get("issues")}) if isinstance(found, dict) else []

    # Comments and links

    def comments(self, project: str, item: str) -> list[Row]:
        """Every comment of the work item, newest first."""
        return list(self._pages("projects", project, "work-items", item, "comments"))

    def comment(self, project: str, item: str, comment: str) -> Row | None:
        """One comment (id, comment_html, actor, parent, edited_at, external_id, …), or None when it is gone."""
        return or_none(lambda: one(self._wire.read(*self._place(project), "work-items", item, "comments", comment)))

    def add_comment(self, project: str, item: str, html: str, mark: str, *, parent: str = "", look: bool = True) -> Row:
        """Write a comment that carries ``mark``. May be repeated: a comment with this mark is given back instead.

        Looks at the newest 100 first, since Plane's own check of external ids is not atomic and the list has no filter.
        ``look`` false: it was certainly never written before.
        """
        path = (*self._place(project), "work-items", item, "comments")
        known = self._marked_comment(path, mark) if look else None
        if known is not None:
            return known
        wanted = CreateWorkItemComment(
            comment_html=html, external_source=SOURCE, external_id=mark, parent=parent or None
        )
        return self._make_or_adopt(path, wanted.model_dump(exclude_none=True))[0]

    def edit_comment(self, project: str, item: str, html: str, mark: str, *, comment: str = "") -> Row | None:
        """Give our comment that carries ``mark`` another text; None when somebody deleted it (or the work item).

        ``comment`` is its id where that is known, which saves the look among the newest 100. FixSettings
        (``not_in_project``) as in :meth:`item`.
        """
        path = (*self._place(project), "work-items", item, "comments")
        body = UpdateWorkItemComment(comment_html=html).model_dump(exclude_none=True)
        try:
            found = comment or clean_id(self._marked_comment(path, mark))
            return one(self._wire.change(*path, found, data=body)) if found else None
        except Gone:
            self._check_reachable(project)
            return None

    def links(self, project: str, item: str) -> list[Row]:
        """Every link of the work item: id, url, title."""
        return list(self._pages("projects", project, "work-items", item, "links"))

    def ensure_link(self, project: str, item: str, url: str, title: str) -> Row:
        """The work item's link to ``url``, made when it is missing. Plane itself then fetches the address once."""
        body = CreateWorkItemLink(url=url, title=title).model_dump(exclude_none=True)
        try:
            path = (*self._place(project), "work-items", item, "links")
            return one(self._wire.make(*path, data=body, repeatable=True))
        except FixSettings:
            # A second link to one address is a plain 400 with a sentence for people, so the list decides.
            same = next((link for link in self.links(project, item) if link.get("url") == url), None)
            if same is None:
                raise
            return same

    def drop_link(self, project: str, item: str, url: str) -> None:
        """Take the link to ``url`` off the work item; nothing happens when it is not there."""
        path = (*self._place(project), "work-items", item, "links")
        for link in self.links(project, item):
            if link.get("url") == url:
                self._wire.drop(*path, clean_id(link))

    # Inside

    def _scan_for(self, project: str, pair: Mapping[str, str]) -> Row | None:
        return next((row for row in self.items(project) if pair.items() <= row.items()), None)

    def _marked_comment(self, path: tuple[str, ...], mark: str) -> Row | None:
        pair = {"external_source": SOURCE, "external_id": mark}
        newest = islice(self._pages(*path[2:]), PER_PAGE)
        return next((known for known in newest if pair.items() <= known.items()), None)

    def _check_reachable(self, project: str) -> None:
        try:
            self.project(project)
        except Gone as error:
            person = "The bot cannot see this project. Add it to the project's members in Plane, then try again."
            raise FixSettings(str(error), code="not_in_project", person=person) from error
