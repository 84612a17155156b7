"""Secrets that are known to the test travel through the whole product; none may come out where people read."""

from __future__ import annotations

import base64
import io
import json
import logging
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings as django_settings
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from planeapp.installations.gateways import plane_access, token_function
from planeapp.installations.models import AuditEntry, Credential, Installation, OAuthState
from planeapp.installations.tasks import upkeep
from planeapp.lib.errors import ReconnectNeeded, RetryLater
from planeapp.lib.logs import logging_config
from planeapp.sandbox.world import World
from planeapp.sync.tasks import work_pairs
from tests import vendors as running
from tests.accounts.browser import Browser, asked
from tests.factories import ProjectPairFactory
from tests.inbox.sending import SECRET, issue, push
from tests.installations import at_plane
from tests.installations.at_plane import take_out
from tests.operators.running import run
from tests.planner_signin import METADATA, SignIn, preregistered
from tests.telling import told

vendors, own_counters = running.vendors, at_plane.own_counters
pytestmark = pytest.mark.django_db
METRICS = "canary-metrics-token"
TENANT = "4c7d7e4e-canary-tenant-0b9a"
WRONG_TOKENS = {"planner": "plr_pat_canary.wrong-planner-token", "planhat": "canary-wrong-planhat-token"}
WRONG = {"client": "canary-wrong-client-secret", "issuer": "https://evil.example/canary-issuer", **WRONG_TOKENS}
PAGES = (
    "deliveries/",
    "",
    "activity/",
    "audit/",
    "audit/csv/",
    "activity/csv/",
    "alerts/",
    "members/",
    "settings-file/",
    "settings-file/download/",
    "connect/planner/",
    "connect/planhat/",
    "pairs/planner/",
    "uninstall/",
    "nothing/",
)


@dataclass
class Journey:
    """``told``: what people, operators and machines can read. ``secrets``: by name, what must not be in it."""

    ada: Browser
    log: io.StringIO
    told: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)

    def hear(self, where: str, answer: Any) -> Any:
        """Keep an answer of ours: page, headers, and the address that it leads to (Plane's consent page left out)."""
        headers = {name: value for name, value in answer.headers.items() if name != "Location"}
        leads = str(answer.headers.get("Location", ""))
        content = answer.content if hasattr(answer, "content") else answer.getvalue()  # a file comes in parts
        self.told[where] = f"{content.decode()} {headers} {leads if leads.startswith('/') else ''}"
        return answer

    def plant(self, **secrets: str) -> None:
        """Remember secrets."""
        self.secrets |= {name.replace("_", " "): value for name, value in secrets.items()}

    def harvest(self) -> None:
        """Every secret that the database holds by now, opened."""
        for row in Credential.objects.all():
            self.plant(
                **{f"{row.slot} access {row.pk}": str(row.access), f"{row.slot} refresh {row.pk}": str(row.refresh)}
            )
        for attempt in OAuthState.objects.all():
            kept = json.loads(str(attempt.keep) or "{}")  # a provider's notes; Plane's attempts have none
            self.plant(**{f"verifier {attempt.pk}": kept.get("verifier", str(attempt.verifier))})
        session = self.ada.client.session
        self.plant(**{f"session {session.session_key}": str(session.session_key or "")})

    def found(self) -> list[tuple[str, str]]:
        """Secrets in what was told: which, and where."""
        places = self.told | {"log": self.log.getvalue()}
        planted = {name: value for name, value in self.secrets.items() if value}
        return [(name, where) for name, value in planted.items() for where, text in places.items() if value in text]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged, down to the last detail, as the product formats it."""
    out, ours = io.StringIO(), logging_config("json")["formatters"]["ours"]
    handler = logging.StreamHandler(out)
    factory = ours.pop("()")
    handler.setFormatter(factory(**ours))
    root, before = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield out
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.fixture
def journey(vendors: Any, log: io.StringIO) -> Journey:
    """Ada's browser, and the secrets of our own registration."""
    made = Journey(Browser(vendors), log)
    key = base64.b64encode(django_settings.ENCRYPTION_KEYS[0]).decode()
    made.plant(
        client_secret=django_settings.PLANE_CLIENT_SECRET, webhook_secret=SECRET, tenant=TENANT,
        planner_token=World.planner_token, planhat_token=World.planhat_token, secret_key="tests-only",
        wrong_planner_token=WRONG["planner"], wrong_client_secret=WRONG["client"], planner_client_secret="planner-secret",
        wrong_issuer="canary-issuer", wrong_planhat_token=WRONG["planhat"], encryption_key=key,
    )  # fmt: skip
    return made


def come_back(journey: Journey, name: str, address: str) -> Any:
    """The callback, with its code and state planted."""
    query = {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()}
    journey.plant(**{f"{name}_state": query.get("state", ""), f"{name}_code": query.get("code", "")})
    answer = journey.hear(name, journey.ada.come(address))
    journey.hear(f"after {name}", journey.ada.come(answer.headers.get("Location", "/")))
    journey.harvest()
    return answer


def failures_on_the_way_in(journey: Journey) -> None:
    ada = journey.ada
    ada.vendors.plane.fault("/auth/o/token/", status=400, body='{"error": "invalid_grant", "error_description": "no"}')
    come_back(journey, "refused exchange", ada.decide(ada.setup()))
    ada.vendors.plane.fault("/users/me/", status=500, body="<html>Traceback</html>")
    come_back(journey, "broken profile", ada.decide(ada.setup()))
    leaving = ada.setup()
    journey.plant(left_state=asked(leaving)["state"])
    come_back(journey, "denied", ada.decide(leaving, decision="deny"))
    address = ada.decide(ada.setup())
    come_back(
        journey, "foreign installation", f"{address.split('&app_installation_id')[0]}&app_installation_id=foreign"
    )
    ada.client = Client()
    come_back(journey, "used elsewhere", address)


def connect(journey: Journey, provider: str, token: str, **more: str) -> None:
    data = {"token": token, "auth": "bearer", **more}
    where = f"connect {provider} {len(journey.told)}"
    journey.hear(where, journey.ada.client.post(f"/w/sandbox/connect/{provider}/", data))
    journey.harvest()


def live(journey: Journey) -> None:
    """Connect (badly and well), sync with failures, be told by webhooks, look at every page."""
    for provider, wrong in WRONG_TOKENS.items():
        connect(journey, provider, wrong)
    connect(journey, "planner", World.planner_token)
    connect(journey, "planhat", World.planhat_token, tenant=TENANT)
    installation, client = Installation.objects.get(), journey.ada.client
    assert installation.connections.count() == 2
    planner = installation.connections.get(provider="planner")
    project = journey.ada.vendors.row("project", identifier="CUST")
    ProjectPairFactory(connection=planner, project_id=project["id"], place_id="prj_ramp")
    journey.ada.vendors.planner.fault(".*", times=3, status=500, body=f"<b>{World.planner_token}</b>")
    journey.hear("sync", client.post(f"/w/sandbox/pairs/planner/{planner.pairs.get().pk}/sync/"))
    work_pairs()
    journey.hear("webhook", push(issue(installation.workspace_id)))
    journey.hear("bad webhook", push(b"{", signature=SECRET))
    look(journey)


def sign_in_at_planner(journey: Journey) -> None:
    """Planner's own sign-in: denied, answered by a foreigner, refused, given, refreshed badly and well."""
    way = SignIn(journey.ada.client, journey.ada.vendors)
    way.planner.control.faults.clear()
    typed = preregistered(way.planner)
    wrong = typed | {"client_secret": WRONG["client"]}
    for name, decision, form in (("planner no", "deny", {}), ("planner wrong secret", "approve", wrong)):
        come_back(journey, name, way.decide(leave(journey, way, **form), decision))
    path = way.decide(leave(journey, way, **typed))
    come_back(journey, "planner foreign issuer", re.sub("iss=[^&]*", f"iss={WRONG['issuer']}", path))
    way.planner.fault(METADATA, status=200, body=json.dumps(server_of(WRONG["issuer"])))
    journey.hear("planner foreign server", way.start())
    come_back(journey, "planner yes", way.decide(leave(journey, way, **typed)))
    refuse_and_refresh(journey, way.planner)


def leave(journey: Journey, way: SignIn, **form: str) -> str:
    """Where the link of our page leads; the state in it is a secret everywhere else."""
    address = way.address(**form)
    journey.plant(**{f"state {len(journey.secrets)}": parse_qs(urlsplit(address).query)["state"][0]})
    journey.harvest()
    return address


def server_of(issuer: str) -> dict[str, str]:
    """Metadata of a server that calls itself by another name."""
    return {"issuer": issuer, "authorization_endpoint": f"{issuer}/a", "token_endpoint": f"{issuer}/t"}


def refuse_and_refresh(journey: Journey, planner: Any) -> None:
    """The grant's tokens in refusals that repeat them, in a refresh, and in a refresh that ends the connection."""
    held = Credential.objects.get(slot="oauth")
    assert held.connection is not None
    token = token_function(held.connection)
    said = json.dumps({"error": "server_error", "error_description": f"{held.refresh} of planner-secret"})
    planner.fault("/oauth/token", status=400, body=said)
    with pytest.raises(RetryLater):
        token("oauth", refused=str(held.access))
    fresh = token("oauth", refused=str(held.access))
    journey.harvest()
    planner.fault("/oauth/token", status=400, body=said.replace("server_error", "invalid_grant"))
    with pytest.raises(ReconnectNeeded):
        token("oauth", refused=fresh)


def look(journey: Journey) -> None:
    told()
    for page in PAGES:
        journey.hear(f"page {page} {len(journey.told)}", journey.ada.client.get(f"/w/sandbox/{page}"))
    for delivery in Installation.objects.get().deliveries.all():
        address = f"/w/sandbox/deliveries/{delivery.pk}/"
        journey.hear(f"message {delivery.kind} {len(journey.told)}", journey.ada.client.get(address))
    journey.told[f"data {len(journey.told)}"] = everything(journey.ada.client.post("/w/sandbox/data/"))
    for path in ("/", "/workspaces/", "/healthz", "/readyz", "/metrics"):
        figures = {"Authorization": f"Bearer {METRICS}"} if path == "/metrics" else {}
        journey.hear(f"{path} {len(journey.told)}", journey.ada.client.get(path, headers=figures))


def everything(answer: Any) -> str:
    """All that lies in a ZIP; a page as it is."""
    if answer.headers["content-type"] != "application/zip":
        return str(answer.content)
    with zipfile.ZipFile(io.BytesIO(answer.getvalue())) as archive:
        return "".join(archive.read(name).decode() for name in archive.namelist())


def break_and_end(journey: Journey, capture: Any) -> None:
    """Planner refuses its token, Plane takes the app out, it is installed again and then erased."""
    with capture(execute=True):
        journey.ada.vendors.planner.fault(".*", times=50, status=401, body='{"error": "invalid token"}')
        journey.hear("probe", journey.ada.client.post("/w/sandbox/connect/planner/probe/"))
        Credential.objects.filter(slot="bot").update(expires_at=timezone.now() - timedelta(days=1))
        plane_access(Installation.objects.get()).token()
        journey.harvest()
        take_out(journey.ada.vendors)
        upkeep()
        assert not Installation.objects.get().active
    look(journey)
    come_back(journey, "reinstall", journey.ada.decide(journey.ada.setup()))
    dump(journey)
    journey.hear("erased", journey.ada.client.post("/w/sandbox/uninstall/", {"slug": "sandbox"}))
    journey.hear("receipt", journey.ada.client.get("/receipt/"))
    journey.hear("receipt file", journey.ada.client.get("/receipt/?download"))


def dump(journey: Journey) -> None:
    """What lies in the database: sessions hold the key to themselves, so that alone is allowed there."""
    out = io.StringIO()
    call_command("dumpdata", exclude=["sessions"], stdout=out)
    with connection.cursor() as cursor:
        for table in sorted(set(connection.introspection.table_names(cursor)) - {"django_session"}):
            cursor.execute(f'SELECT * FROM "{table}"')
            out.write(repr(cursor.fetchall()))
    journey.told["dump"] = out.getvalue()


def test_no_planted_secret_comes_out_anywhere_over_a_whole_journey(
    journey: Journey, django_capture_on_commit_callbacks: Any, settings: Any
) -> None:
    settings.METRICS_TOKEN = METRICS
    journey.plant(metrics_token=METRICS)
    failures_on_the_way_in(journey)
    come_back(journey, "install", journey.ada.decide(journey.ada.setup()))
    live(journey)
    with django_capture_on_commit_callbacks(execute=True):
        sign_in_at_planner(journey)
    look(journey)
    assert any("groundcrew_workers" in text for text in journey.told.values())
    journey.told["doctor"] = run("doctor", "--json").out
    break_and_end(journey, django_capture_on_commit_callbacks)
    journey.told["mails"] = repr([one.message().as_string() for one in mail.outbox])
    journey.told["audit"] = json.dumps(list(AuditEntry.objects.values()), default=str)
    assert journey.found() == []
    enough = {
        "log": len(journey.log.getvalue()) > 1000,
        "mails": len(mail.outbox) >= 1,
        "secrets": len(journey.secrets) > 25,
    }
    assert enough == dict.fromkeys(enough, True)
    assert re.search(r'"workspace": "[0-9a-f-]{36}"', journey.told["receipt file"])


def test_the_search_for_canaries_does_find_one(journey: Journey) -> None:
    logging.getLogger("planeapp").error("oh no: %s", WRONG["planhat"])
    assert journey.found() == [("wrong planhat token", "log")]
