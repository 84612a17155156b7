"""Doors for workers."""

from __future__ import annotations

import structlog
from celery import shared_task

from planeapp.installations import alert_telling, budgets, connecting, states, uninstall
from planeapp.installations.models import Installation
from planeapp.lib.crypto import CannotDecrypt
from planeapp.lib.errors import GroundcrewError

log = structlog.get_logger(__name__)


@shared_task(name="installations.upkeep")
def upkeep() -> int:
    """Forget old authorization attempts and counts, see which installations still stand, erase what is past its grace period.

    Gives the number of installations that were looked at.
    """
    states.forget_old()
    budgets.forget_old()
    uninstall.erase_after_grace()
    standing = list(Installation.objects.filter(status=Installation.Status.ACTIVE))
    for installation in standing:
        try:
            uninstall.look(installation)
        except GroundcrewError as error:
            log.warning("installation not looked at", workspace=installation.slug, code=error.code, detail=str(error))
        except CannotDecrypt as error:
            log.error("installation not looked at", workspace=installation.slug, detail=str(error))
    return len(standing)


@shared_task(name="installations.reprobe")
def reprobe() -> int:
    """See whether connections can still do what they could yesterday; gives how many were looked at."""
    return connecting.probe_old()


@shared_task(name="installations.tell")
def tell() -> int:
    """Tell people of what is the matter and due to be told; gives in how many workspaces somebody was told."""
    return alert_telling.tell()
