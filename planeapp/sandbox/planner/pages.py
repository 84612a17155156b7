"""The schedule page: a person makes, changes, drags and deletes blocks. Plain forms; the script only adds dragging."""

from __future__ import annotations

from datetime import date, timedelta

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from planeapp.sandbox.planner import board, times
from planeapp.sandbox.planner.schedule import STATUSES, Invalid
from planeapp.sandbox.planner.services import Services, services
from planeapp.sandbox.planner.templating import page
from planeapp.sandbox.store import Doc

VIEWS = {"week": board.week, "month": board.month}
TEXTS = ("project_id", "title", "notes", "url", "status")


async def schedule(request: Request) -> Response:
    """``GET /?view=week|month&date=YYYY-MM-DD``: the board."""
    known = services(request)
    view = request.query_params.get("view", "week")
    view = view if view in VIEWS else "week"
    today = known.clock.now().date()
    day = _day(request.query_params.get("date", ""), today)
    before, after = _neighbours(view, day)
    lanes = VIEWS[view](known.schedule, day)
    context: Doc = {"view": view, "day": day, "today": today, "before": before, "after": after, "lanes": lanes}
    return page(request, "board.html", **context, tones=_tones(known))


async def new_block(request: Request) -> Response:
    """``GET /blocks/new/?project=&date=``: an empty form."""
    known = services(request)
    day = _day(request.query_params.get("date", ""), known.clock.now().date()).isoformat()
    projects = known.schedule.projects()
    project = request.query_params.get("project") or projects[0]["id"]
    values: Doc = {
        "project_id": project,
        "start": f"{day}T09:00",
        "end": f"{day}T10:00",
        "all_day": False,
        "assignees": [],
        "status": "planned",
    }
    return _form(request, known, values, block=None)


async def create(request: Request) -> Response:
    """``POST /blocks/``: makes the block, or shows the form again with what is wrong."""
    known, fields = services(request), _fields(await request.form())
    try:
        block = known.schedule.create(fields)
    except Invalid as error:
        return _form(request, known, fields, block=None, errors=error.errors)
    return _to_board(times.days(block)[0])


async def block_page(request: Request) -> Response:
    """``GET /blocks/{key}/``: the block's form."""
    known = services(request)
    block = known.schedule.get(request.path_params["key"])
    return _form(request, known, _values(block), block=block)


async def save(request: Request) -> Response:
    """``POST /blocks/{key}/``: keeps the changes, or shows the form again with what is wrong."""
    known, fields = services(request), _fields(await request.form())
    block = known.schedule.get(request.path_params["key"])
    try:
        block = known.schedule.update(block["id"], fields)
    except Invalid as error:
        return _form(request, known, fields, block=block, errors=error.errors)
    return _to_board(times.days(block)[0])


async def move(request: Request) -> Response:
    """``POST /blocks/{key}/move/`` with ``days`` (signed) and perhaps ``project_id``: what dragging does."""
    known, form = services(request), await request.form()
    block = known.schedule.get(request.path_params["key"])
    try:
        changes = times.shifted(block, int(str(form.get("days", "0"))))
    except (ValueError, OverflowError) as error:
        raise Invalid([{"field": "days", "message": "must be a whole number of days"}]) from error
    if form.get("project_id"):
        changes["project_id"] = str(form["project_id"])
    block = known.schedule.update(block["id"], changes)
    return _to_board(times.days(block)[0])


async def delete(request: Request) -> Response:
    """``POST /blocks/{key}/delete/``."""
    block = services(request).schedule.delete(request.path_params["key"])
    return _to_board(times.days(block)[0])


def _fields(form: FormData) -> Doc:
    # Browsers send line ends as CRLF; kept, they would make a change of every save.
    text = {name: str(form.get(name, "")).strip().replace("\r\n", "\n") for name in TEXTS}
    whole = form.get("all_day") is not None
    moments = {name: str(form.get(name, "")).strip() for name in ("start", "end")}
    if whole:
        # On whole days the field's time means nothing and the end is the last day.
        moments = {name: value[:10] for name, value in moments.items()}
    people = [str(person) for person in form.getlist("assignee") if person]
    return {
        **text,
        **moments,
        "url": text["url"] or None,
        "end": moments["end"] or None,
        "all_day": whole,
        "assignees": people,
    }


def _values(block: Doc) -> Doc:
    if block["all_day"]:
        return block
    return {**block, **{name: block[name][:16] for name in ("start", "end")}}


def _form(
    request: Request, known: Services, values: Doc, block: Doc | None, errors: list[dict[str, str]] | None = None
) -> Response:
    context = {
        "values": values,
        "block": block,
        "errors": {error["field"]: error["message"] for error in errors or []},
        "projects": known.schedule.projects(),
        "people": known.schedule.people(),
        "statuses": STATUSES,
    }
    return page(request, "block.html", status=422 if errors else 200, **context)


def _tones(known: Services) -> dict[str, int]:
    return {row["id"]: number % 6 for number, row in enumerate(known.schedule.projects())}


def _day(text: str, otherwise: date) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return otherwise
    return day if day.year in times.YEARS else otherwise


def _neighbours(view: str, day: date) -> tuple[date, date]:
    if view == "week":
        return day - timedelta(days=7), day + timedelta(days=7)
    first = day.replace(day=1)
    return (first - timedelta(days=1)).replace(day=1), (first + timedelta(days=32)).replace(day=1)


def _to_board(day: date) -> Response:
    return RedirectResponse(f"/?date={day.isoformat()}", 303)


ROUTES = [
    Route("/", schedule),
    Route("/blocks/", create, methods=["POST"]),
    Route("/blocks/new/", new_block),
    Route("/blocks/{key}/", block_page),
    Route("/blocks/{key}/", save, methods=["POST"]),
    Route("/blocks/{key}/move/", move, methods=["POST"]),
    Route("/blocks/{key}/delete/", delete, methods=["POST"]),
]
