"""The settings page: token and tenant UUID to copy, private apps, automations, limits."""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from planeapp.sandbox.planhat.gate import ACTIONS, Refusal
from planeapp.sandbox.planhat.models import EVERY_MODEL, MODELS
from planeapp.sandbox.planhat.tenant import Tenant
from planeapp.sandbox.planhat.web import form_of, paged, render, see
from planeapp.sandbox.store import Doc

VERBS = ("updated", "created", "deleted")
LEVELS = {"none": [], "view": ["view"], "all": sorted(set(ACTIONS.values()))}


def settings_routes(tenant: Tenant) -> list[BaseRoute]:
    """Routes of the settings page and its forms."""
    return [
        Route("/settings/", paged(tenant, _settings)),
        Route("/settings/automations", paged(tenant, _add_automation), methods=["POST"]),
        Route("/settings/automations/{ident}/delete", paged(tenant, _drop_automation), methods=["POST"]),
        Route("/settings/tokens", paged(tenant, _add_token), methods=["POST"]),
        Route("/settings/tokens/{ident}/delete", paged(tenant, _drop_token), methods=["POST"]),
        Route("/settings/limits", paged(tenant, _set_limits), methods=["POST"]),
    ]


async def _settings(tenant: Tenant, request: Request) -> Response:
    return render(
        tenant,
        "settings.html",
        token=tenant.world.planhat_token,
        base_url=tenant.world.planhat_url,
        limits=tenant.limits.rules(),
        automations=tenant.store.all("automations"),
        deliveries=tenant.store.all("deliveries")[::-1][:10],
        tokens=[doc for doc in tenant.store.all("tokens") if doc["token"] != tenant.world.planhat_token],
        events=[f"{model.parent}.{verb}" for model in MODELS.values() for verb in VERBS],
        models=EVERY_MODEL,
    )


async def _add_automation(tenant: Tenant, request: Request) -> Response:
    form = await form_of(request)
    if not form.get("url", "").startswith(("http://", "https://")):
        raise Refusal(400, "The address must start with http:// or https://. Go back and paste the one from the app.")
    event = form.get("event") or "company.updated"
    model = next((model.name for model in MODELS.values() if model.parent == event.partition(".")[0]), None)
    if model is None or event.partition(".")[2] not in VERBS:
        raise Refusal(400, "There is no such event. Go back and choose one from the list.")
    key = secrets.token_hex(12)
    automation = {
        "_id": key,
        "url": form["url"],
        "secret": form.get("secret", ""),
        "model": model,
        "event": event,
        "api": "api" in form,
    }
    tenant.store.put("automations", key, automation)
    return see("/settings/#automations")


async def _drop_automation(tenant: Tenant, request: Request) -> Response:
    tenant.store.delete("automations", request.path_params["ident"])
    return see("/settings/#automations")


async def _add_token(tenant: Tenant, request: Request) -> Response:
    """A private app: ``name``, perhaps ``token`` and ``region``, a level per model; ``denied``: closed companies."""
    form = await form_of(request)
    secret = form.get("token") or f"sandbox-{secrets.token_hex(16)}"
    models = {name: LEVELS.get(form.get(name, "none"), []) for name in EVERY_MODEL}
    owner: Doc = tenant.store.all("users")[0]
    tenant.store.put(
        "tokens",
        secret,
        {
            "_id": secrets.token_hex(12),
            "token": secret,
            "name": form.get("name") or "Private app",
            "userId": owner["_id"],
            "active": True,
            "models": {name: actions for name, actions in models.items() if actions},
            "region": form.get("region", ""),
            "denied": [part.strip() for part in form.get("denied", "").split(",") if part.strip()],
        },
    )
    return see("/settings/#apps")


async def _drop_token(tenant: Tenant, request: Request) -> Response:
    for token in tenant.store.find("tokens", _id=request.path_params["ident"]):
        tenant.store.delete("tokens", token["token"])
    return see("/settings/#apps")


async def _set_limits(tenant: Tenant, request: Request) -> Response:
    form = await form_of(request)
    new = {name: form[name] for name in ("calls", "window", "perSecond", "parallel") if name in form}
    if not all(text.isdecimal() and int(text) > 0 for text in new.values()):
        raise Refusal(400, "Limits must be whole numbers above zero. Go back and change them.")
    tenant.store.put("settings", "limits", tenant.setting("limits") | {name: int(text) for name, text in new.items()})
    return see("/settings/#limits")
