"""Pages from the templates beside this file; nothing on them comes from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.templating import Jinja2Templates

HERE = Path(__file__).parent
TEMPLATES = Jinja2Templates(HERE / "templates")
# No form-action: Chromium applies it to where a form's answer redirects to, and consent redirects to the client.
POLICY = "default-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"


def page(request: Request, template: str, status: int = 200, **context: Any) -> Response:
    """The rendered template."""
    headers = {"Content-Security-Policy": POLICY, "Referrer-Policy": "same-origin"}
    return TEMPLATES.TemplateResponse(request, template, context, status_code=status, headers=headers)
