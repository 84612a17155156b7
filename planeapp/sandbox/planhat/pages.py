"""The company list and the company page; like all pages here they ask for no token."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from planeapp.sandbox.planhat.gate import Refusal
from planeapp.sandbox.planhat.models import COMPANIES
from planeapp.sandbox.planhat.shapes import worth
from planeapp.sandbox.planhat.tenant import Tenant
from planeapp.sandbox.planhat.web import form_of, paged, render, see
from planeapp.sandbox.planhat.writing import index_of, insert, update
from planeapp.sandbox.store import Doc

CLOSED = {"done", "closed", "cancelled", "canceled", "completed", "resolved"}
URGENCY = {"urgent": 0, "high": 1, "medium": 2, "low": 3}


def page_routes(tenant: Tenant) -> list[BaseRoute]:
    """Routes of the company pages."""
    return [
        Route("/", paged(tenant, _companies), methods=["GET", "POST"]),
        Route("/company/{ident}", paged(tenant, _company), methods=["GET", "POST"]),
        Route("/company/{ident}/live", paged(tenant, _live)),
    ]


async def _companies(tenant: Tenant, request: Request) -> Response:
    if request.method == "POST":
        made = insert(
            tenant, COMPANIES, {"name": (await form_of(request)).get("name", "")}, index_of(tenant, COMPANIES), "page"
        )
        return see(f"/company/{made['_id']}")
    words = request.query_params.get("q", "").casefold().split()
    found = [doc for doc in tenant.store.all("companies") if all(word in _haystack(doc) for word in words)]
    users = {user["_id"]: user for user in tenant.store.all("users")}
    found.sort(key=lambda doc: doc["name"].casefold())
    return render(
        tenant,
        "companies.html",
        companies=found[:200],
        total=len(found),
        users=users,
        q=request.query_params.get("q", ""),
    )


def _haystack(company: Doc) -> str:
    parts = [
        company["name"],
        company.get("externalId"),
        company.get("phase"),
        *company.get("domains", []),
        *company.get("tags", []),
    ]
    return " ".join(str(part) for part in parts if part).casefold()


async def _company(tenant: Tenant, request: Request) -> Response:
    company = _wanted(tenant, request)
    if request.method == "POST":
        update(tenant, COMPANIES, company, _changes(await form_of(request)), index_of(tenant, COMPANIES), "page")
        return see(f"/company/{company['_id']}")
    phases = sorted({doc["phase"] for doc in tenant.store.all("companies") if doc.get("phase")})
    return render(tenant, "company.html", users=tenant.store.all("users"), phases=phases, **_around(tenant, company))


async def _live(tenant: Tenant, request: Request) -> Response:
    return render(tenant, "_live.html", **_around(tenant, _wanted(tenant, request)))


def _wanted(tenant: Tenant, request: Request) -> Doc:
    company = tenant.store.get("companies", request.path_params["ident"])
    if company is None:
        raise Refusal(404, "There is no such company. It may have been deleted; go back to the list of companies.")
    return company


def _changes(form: dict[str, str]) -> Doc:
    """A posted company form as a body; fields that were not sent stay as they are."""
    body: Doc = {name: form[name] for name in ("name", "phase", "externalId") if name in form}
    for name in ("tags", "domains"):
        if name in form:
            body[name] = [part.strip() for part in form[name].split(",") if part.strip()]
    if "owner" in form:
        body["owner"] = form["owner"] or None
    if form.get("h"):
        body["h"] = _number(form["h"], "Health", 0, 10)
    if form.get("arr"):
        arr = _number(form["arr"], "ARR", 0, 1e12)
        body |= {"arr": arr, "mrr": arr / 12, "mr": arr / 12}
    if form.get("renewalDate"):
        body["renewalDate"] = f"{form['renewalDate'][:10]}T00:00:00.000Z"
    return body


def _number(text: str, label: str, lowest: float, highest: float) -> float | int:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        raise Refusal(400, f"{label} must be a number. Go back and write one from {lowest:g} to {highest:g}.") from None
    if not lowest <= value <= highest:
        raise Refusal(400, f"{label} must be from {lowest:g} to {highest:g}. Go back and change it.")
    return int(value) if value.is_integer() else value


def _around(tenant: Tenant, company: Doc) -> dict[str, Any]:
    """What a company's page shows around its attributes."""
    ident = company["_id"]
    linked = [doc | worth(tenant, doc) for doc in tenant.store.all("issues") if ident in (doc.get("companyIds") or [])]
    issues = [doc for doc in linked if not doc.get("archived") and not is_closed(doc)]
    issues.sort(key=lambda doc: URGENCY.get(str(doc.get("priority") or "").lower(), 4))
    notes = [doc for doc in tenant.store.find("conversations", companyId=ident) if not doc.get("archived")]
    return {
        "company": company,
        "owner": tenant.store.get("users", company.get("owner") or ""),
        "issues": issues,
        "closed": len(linked) - len(issues),
        "contacts": tenant.store.find("endusers", companyId=ident),
        "calls": tenant.store.find("calls", matchedCompanyId=ident)[::-1][:10],
        "notes": notes[::-1][:10],
        "fields": _known_fields(tenant, company),
    }


def is_closed(issue: Doc) -> bool:
    """Whether an issue's status, a free string, says that the work is over."""
    return str(issue.get("status") or "").lower() in CLOSED


def _known_fields(tenant: Tenant, company: Doc) -> list[tuple[str, Any]]:
    """Custom values that have a definition; others are kept but, as in Planhat, not shown."""
    names = [doc["name"] for doc in tenant.store.find("customfields", parent="company") if not doc.get("isHidden")]
    return [(name, company["custom"][name]) for name in names if name in (company.get("custom") or {})]
