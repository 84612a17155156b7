"""The webhook that an admin sets up at the vendor by hand: its address, and a secret that is shown once."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from planeapp.dashboard.context import known_provider, shown
from planeapp.installations import audit
from planeapp.installations.access import admin
from planeapp.installations.connecting import WEBHOOK, new_webhook_secret
from planeapp.installations.models import Connection, Membership
from planeapp.providers import provider_class


@never_cache
@require_http_methods(["GET", "POST"])
@admin
def hand_webhook(request: HttpRequest, membership: Membership, provider: str) -> HttpResponse:
    """What to set up over there; on POST a new secret is made. The last one stays good, so that nothing is lost between."""
    known_provider(provider)
    installation = membership.installation
    connection = Connection.objects.filter(installation=installation, provider=provider).first()
    by_hand = provider_class(provider).hand_webhook
    if connection is None or by_hand is None:
        raise Http404("nothing to set up by hand")
    secret = ""
    if request.method == "POST":
        secret = new_webhook_secret(connection)
        audit.record("made_webhook_secret", installation, request, provider=provider)
    known = connection.credentials.filter(slot=WEBHOOK).first()
    last = connection.deliveries.order_by("-received_at").first()
    return render(request, "dashboard/hand_webhook.html", {
        "membership": membership, "installation": installation, "connection": connection, "provider": shown(provider),
        "by_hand": by_hand, "secret": secret, "known": known, "last": last,
    })  # fmt: skip
