"""Who is outside: the vendors' addresses, and the mail server."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import get_connection
from django.db import Error

from planeapp.installations.models import Connection
from planeapp.lib.errors import FixSettings, GroundcrewError
from planeapp.lib.http import Http
from planeapp.lib.outbound import Guard
from planeapp.operators.doctor.configuration import local
from planeapp.operators.doctor.findings import Finding, fault, note, ok

SECONDS = 5.0
MOST = 20


def vendors() -> Iterator[Finding]:
    """Each address answers, whatever it says: asked without a token, all at once."""
    http = Http(Guard(settings.OUTBOUND_ALLOW), seconds=SECONDS)
    try:
        with ThreadPoolExecutor(MOST) as pool:
            yield from pool.map(lambda one: _ask(http, *one), addresses())
    finally:
        http.close()


def addresses() -> list[tuple[str, str]]:
    """``(vendor, address)``: those of the settings, and the other ones that connections use."""
    ours = [("plane", settings.PLANE_BASE_URL), *settings.VENDOR_URLS.items()]
    return list(dict.fromkeys([*ours, *_used()]))


def _used() -> list[tuple[str, str]]:
    try:
        rows = Connection.objects.values_list("provider", "base_url").distinct().order_by("provider", "base_url")
        return list(rows[:MOST])
    except Error:  # the database has a line of its own
        return []


def _ask(http: Http, vendor: str, address: str) -> Finding:
    host = urlsplit(address).netloc.rpartition("@")[2]
    try:
        answer = http.send("GET", f"{address.rstrip('/')}/")
    except FixSettings as error:
        return fault(vendor, error.person, "Correct the address, or allow it with OUTBOUND_ALLOW.")
    except GroundcrewError:
        return fault(
            vendor, f"{host} cannot be reached", "Let this machine out to it: DNS, firewall, proxy, certificates."
        )
    if answer.status_code >= 500:
        return note(vendor, f"{host} answers {answer.status_code}", "Wait, or look at the vendor's status page.")
    return ok(vendor, f"{host} answers ({answer.status_code})")


def mail() -> Iterator[Finding]:
    """The mail server takes our name and password. Nothing is sent."""
    if "smtp" not in settings.EMAIL_BACKEND:
        text = "mail is not sent: it goes to " + settings.EMAIL_BACKEND.split(".")[-2]
        yield ok("mail", text) if local() else note("mail", text, "Set EMAIL_URL to smtp+tls://user:password@host:587.")
        return
    try:
        server = get_connection(timeout=SECONDS)
        server.open()
        server.close()
    except smtplib.SMTPAuthenticationError:
        yield fault("mail", "the server refuses the name or the password", "Correct them in EMAIL_URL.")
    except (smtplib.SMTPException, OSError) as error:
        yield fault(
            "mail", f"no talk with the server ({type(error).__name__})", "Check host, port and TLS in EMAIL_URL."
        )
    else:
        yield ok("mail", f"{settings.EMAIL_HOST} takes our mail")
