"""What is worth telling a workspace's admins: found by looking at the rows, all workspaces at once, a few queries a minute."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Subquery
from django.urls import reverse
from django.utils import timezone

from planeapp.customers.models import Book, CompanyRule, Firing
from planeapp.inbox.models import Delivery
from planeapp.installations import alerts
from planeapp.installations.alerts import Trouble
from planeapp.installations.models import Alert, Connection, Installation, Silence
from planeapp.sync.models import ProjectPair, SyncRun

DEAD_FOR = timedelta(days=1)
"""How long a message that was given up is worth an alert."""
HELD_FOR = timedelta(minutes=5)
"""Firings are held for moments while they are decided; what is held for longer waits for a person."""
ACTIVE = Installation.Status.ACTIVE


def watch() -> int:
    """Open and close alerts so that they are what is the matter now; gives the number of those that are open."""
    alerts.forget_old()
    return sum(alerts.settle(kind, look()) for kind, look in LOOKS.items())


def broken() -> Iterator[Trouble]:
    """Connections whose token is refused."""
    rows = Connection.objects.filter(status=Connection.Status.RECONNECT, installation__status=ACTIVE)
    for row in rows.select_related("installation"):
        text = (
            f"{row.provider_name} no longer accepts the connection of {row.installation.name}, so nothing is kept in step "
            "with it. Any admin of the workspace can connect it again; settings, links and history are kept."
        )
        title = f"{row.provider_name} has to be connected again"
        page = _page("connect", row)
        yield Trouble(row.installation, title, text, page, "Connect again", str(row.pk), connection=row)


def silent() -> Iterator[Trouble]:
    """Webhooks that should speak and do not."""
    rows = Silence.objects.exclude(told_at=None).filter(installation__status=ACTIVE)
    for row in rows.select_related("installation", "connection"):
        name = row.connection.provider_name if row.connection else "Plane"
        title = f"{name} may no longer push changes to us" if row.connection else "Plane may have disabled the webhook"
        text = (
            f"Something changed in {name} and no webhook told us, so changes from there arrive late: we still find them "
            f"when we look at everything, every {settings.RECONCILE_SECONDS / 60:.0f} minutes. Nothing was lost."
        )
        anchor = row.connection.provider if row.connection else "plane"
        page = f"{reverse('overview', args=[row.installation.slug])}#silence-{anchor}"
        key = str(row.connection_id or "plane")
        yield Trouble(row.installation, title, text, page, "See what to do", key, connection=row.connection)


def stopped() -> Iterator[Trouble]:
    """Runs, and looks at companies, that the guard stopped and nobody has let pass."""
    last = SyncRun.objects.filter(pair=OuterRef("pk"), whole=True).order_by("-started_at")
    rows = ProjectPair.objects.filter(enabled=True, allow_once=False, connection__installation__status=ACTIVE)
    rows = rows.annotate(ended=Subquery(last.values("state")[:1]), why=Subquery(last.values("detail")[:1]))
    for pair in rows.filter(ended=SyncRun.State.STOPPED).select_related("connection__installation"):
        title = f"A run over {pair} was stopped"
        text = (
            f"{pair.why} If that is meant, let it run once. If not, look at the filters and at what changed over there."
        )
        yield _of(pair.connection, title, text, "pairs", "Look at it", str(pair.pk))
    yield from _companies_stopped()


def _companies_stopped() -> Iterator[Trouble]:
    rows = Book.objects.exclude(stopped="").filter(allow_once=False, connection__installation__status=ACTIVE)
    for book in rows.select_related("connection__installation"):
        title = f"Many companies of {book.connection.provider_name} are no longer listed"
        text = f"{book.stopped} If they are really gone, agree; if not, look at what the token may see over there."
        yield _of(book.connection, title, text, "companies", "Look at it", f"companies:{book.connection_id}")


def held() -> Iterator[Trouble]:
    """Company rules that would act far more often than usual."""
    waiting = Firing.objects.filter(state=Firing.State.HELD, created_at__lt=timezone.now() - HELD_FOR)
    rows = CompanyRule.objects.filter(
        pk__in=waiting.values("rule"), connection__book__begun_at=None, connection__installation__status=ACTIVE
    )
    held_back = dict(waiting.filter(rule__in=rows).values_list("rule").annotate(count=Count("pk")))
    for rule in rows.select_related("connection__installation"):
        count = held_back.get(rule.pk, 0)
        title = f"The rule “{rule.name}” waits for you"
        text = (
            f"It would act for {count} change{'' if count == 1 else 's'}, far more than usual, so nothing was done for these. "
            "Let them go on or drop them."
        )
        yield _of(rule.connection, title, text, "company_rules", "Decide", str(rule.pk))


def dead() -> Iterator[Trouble]:
    """Messages that were given up lately, and that nobody had worked on again since."""
    since = timezone.now() - DEAD_FOR
    given_up = Delivery.objects.filter(state=Delivery.State.DEAD, received_at__gte=since)
    rows = Installation.objects.filter(Exists(given_up.filter(installation=OuterRef("pk"))), status=ACTIVE)
    for installation in rows:
        mine = given_up.filter(installation=installation)
        count, newest = mine.count(), mine.order_by("-received_at").values_list("received_at", flat=True).first()
        title = f"{count} message{' was' if count == 1 else 's were'} given up"
        text = (
            "We could not work on what another system told us, though we tried for a while. Open the messages to see why, and "
            "work on them again once that is mended. Changes that they told are found by the next look at everything."
        )
        page = f"{reverse('deliveries', args=[installation.slug])}?state=dead"
        yield Trouble(installation, title, text, page, "Look at the messages", mark=str(newest or ""))


def uninstalled() -> Iterator[Trouble]:
    """Workspaces that took the app out and are kept for a while."""
    for installation in Installation.objects.filter(status=Installation.Status.UNINSTALLED):
        title = f"{settings.APP_NAME} is no longer installed"
        text = (
            f"Plane no longer lets {settings.APP_NAME} into {installation.name}. If that was not intended, install it again; "
            f"within {settings.GRACE_DAYS} days everything is found as it was."
        )
        yield Trouble(installation, title, text, reverse("setup"), "Install again")


def _of(connection: Connection, title: str, text: str, page: str, button: str, key: str) -> Trouble:
    return Trouble(connection.installation, title, text, _page(page, connection), button, key, connection=connection)


def _page(name: str, connection: Connection) -> str:
    return reverse(name, args=[connection.installation.slug, connection.provider])


LOOKS: dict[str, Callable[[], Iterator[Trouble]]] = {
    Alert.Kind.BROKEN: broken, Alert.Kind.SILENT: silent, Alert.Kind.STOPPED: stopped, Alert.Kind.HELD: held,
    Alert.Kind.DEAD: dead, Alert.Kind.UNINSTALLED: uninstalled,
}  # fmt: skip
