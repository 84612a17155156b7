"""The Celery application, the queues and the table of what runs when.

Queues, so that nothing waits behind what is slower by nature: ``inbox`` (deliveries: database work only), ``bot`` (answers:
a person waits), ``live`` (single items: calls to vendors) and ``bulk`` (whole pairs, feeds, upkeep). The embedded worker
(no Redis) runs the very same tasks from the very same table, in one process.
"""

from __future__ import annotations

import os
from importlib import import_module

from celery import Celery
from celery.signals import setup_logging, worker_init
from django.conf import settings

from planeapp.providers import PROVIDERS

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "planeapp.settings")

INBOX, BOT, LIVE, BULK = "inbox", "bot", "live", "bulk"

app = Celery("planeapp")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_default_queue = LIVE
app.conf.task_routes = {
    "inbox.work": INBOX,
    "bot.answer": BOT,
    "bot.heartbeat": BOT,
    "sync.work_due": LIVE,
    "sync.work_pairs": BULK,
    "sync.work_jobs": BULK,
    "sync.plan_reconcile": BULK,
    "sync.retain": BULK,
    "customers.work": BULK,
    "customers.plan": BULK,
    "inbox.read_feeds": BULK,
    "inbox.listen": LIVE,
    "inbox.retain": BULK,
    "installations.upkeep": BULK,
    "installations.reprobe": BULK,
    "installations.tell": BULK,
    "operators.watch": BULK,
}
# Wake-ups carry the work; what comes every 10 seconds is the sweep behind them, for wake-ups that were lost. The embedded
# worker gets no wake-ups and looks every ``EMBEDDED_SECONDS`` instead.
app.conf.beat_schedule = {
    "inbox": {"task": "inbox.work", "schedule": 10.0},
    "bot": {"task": "bot.answer", "schedule": 10.0},
    "heartbeat": {"task": "bot.heartbeat", "schedule": 30.0},
    "due": {"task": "sync.work_due", "schedule": 10.0},
    "pairs": {"task": "sync.work_pairs", "schedule": 10.0},
    "jobs": {"task": "sync.work_jobs", "schedule": 10.0},
    "errands": {"task": "customers.work", "schedule": 10.0},
    "companies": {"task": "customers.plan", "schedule": 60.0},
    "feeds": {"task": "inbox.read_feeds", "schedule": 60.0},
    "listen": {"task": "inbox.listen", "schedule": 60.0},
    "reconcile": {"task": "sync.plan_reconcile", "schedule": settings.RECONCILE_SECONDS},
    "retention": {"task": "inbox.retain", "schedule": 3600.0},
    "runs": {"task": "sync.retain", "schedule": 3600.0},
    "reprobe": {"task": "installations.reprobe", "schedule": 600.0},
    "watch": {"task": "operators.watch", "schedule": 60.0},
    "tell": {"task": "installations.tell", "schedule": 60.0},
    "upkeep": {"task": "installations.upkeep", "schedule": 3600.0},
}
EMBEDDED_THREADS = {INBOX: 1, BOT: 2, LIVE: 2, BULK: 2}
EMBEDDED_SECONDS = {
    "inbox.work": 0.15, "bot.answer": 0.15, "sync.work_due": 0.25, "sync.work_pairs": 0.5, "sync.work_jobs": 1.0,
    "customers.work": 1.0,
}  # fmt: skip
app.autodiscover_tasks()


@worker_init.connect
def warm(**_: object) -> None:
    """Load before the first piece of work what is slow to load, so that the first person waits no longer than the next."""
    for name in (*PROVIDERS.values(), "planeapp.bot.understand.understand", "mcp.client.session.ClientSession"):
        import_module(name.rpartition(".")[0])


@setup_logging.connect
def _use_our_logging(**_: object) -> None:
    """Keep Celery from replacing the log format of ``settings.LOGGING`` (Django has applied it)."""
    settings.LOGGING  # noqa: B018 - a look makes sure that Django's settings are loaded
