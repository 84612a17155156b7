"""What the sandbox's pages share: templates, posted forms, refusals as pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from planeapp.sandbox.planhat.gate import Refusal
from planeapp.sandbox.planhat.tenant import Tenant

Page = Callable[[Tenant, Request], Awaitable[Response]]
FOLDER = Path(__file__).parent / "templates"
TEMPLATES = Environment(loader=FileSystemLoader(FOLDER), autoescape=True, trim_blocks=True, lstrip_blocks=True)


def paged(tenant: Tenant, page: Page) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint for a page; a refused form becomes a page that says why."""

    async def endpoint(request: Request) -> Response:
        try:
            return await page(tenant, request)
        except Refusal as refusal:
            return render(tenant, "refused.html", refusal.status, message=refusal.body)

    return endpoint


def render(tenant: Tenant, template: str, status: int = 200, **values: Any) -> Response:
    """A page from a template."""
    html = TEMPLATES.get_template(template).render(tenant_uuid=tenant.world.planhat_tenant, **values)
    return HTMLResponse(html, status)


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a posted form; of several with one name the last counts."""
    fields = parse_qs((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[-1].strip() for name, values in fields.items()}


def see(path: str) -> Response:
    """Redirect after a form."""
    return RedirectResponse(path, status_code=303)
