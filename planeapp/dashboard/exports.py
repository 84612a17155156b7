"""Everything that is held of a workspace, as one ZIP of JSON Lines: streamed row by row, without secrets."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import BinaryField, Field, Model, QuerySet
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from planeapp.bot.models import Deed, Turn
from planeapp.customers.models import (
    Book,
    Company,
    CompanyChange,
    CompanyDomain,
    CompanyRule,
    Errand,
    Firing,
    Reference,
)
from planeapp.inbox import showing
from planeapp.inbox.models import Delivery, DeliveryCount, Happening
from planeapp.installations import audit
from planeapp.installations.access import admin
from planeapp.installations.models import (
    Alert,
    AlertSettings,
    AuditEntry,
    CallCount,
    Connection,
    ConnectionNote,
    Credential,
    Installation,
    Membership,
    ProjectFacts,
    Silence,
)
from planeapp.lib.crypto import EncryptedTextField
from planeapp.sync.models import (
    Conflict,
    Due,
    ItemLink,
    Job,
    LabelTie,
    ProjectPair,
    RunChange,
    SyncRun,
    Tie,
    TimelineEntry,
)

MOST = 100_000
"""Rows of one table; of a longer one the newest are given, and the contents say so."""
CONTENTS = "contents.json"
HIDDEN: dict[type[Model], frozenset[str]] = {
    Connection: frozenset({"opaque_id"}),  # who knows it may send us messages
    Delivery: frozenset({"headers"}),
    ConnectionNote: frozenset({"value"}),  # a provider's own notes may name a session
}
PATHS: dict[type[Model], str] = {
    Installation: "pk", Membership: "installation", Connection: "installation", Credential: "connection__installation",
    ConnectionNote: "connection__installation", CallCount: "installation", ProjectFacts: "installation",
    Silence: "installation", AuditEntry: "installation", AlertSettings: "installation", Alert: "installation",
    ProjectPair: "connection__installation", ItemLink: "pair__connection__installation", Tie: "connection__installation",
    LabelTie: "connection__installation", Due: "pair__connection__installation", SyncRun: "pair__connection__installation",
    RunChange: "run__pair__connection__installation", Conflict: "link__pair__connection__installation",
    Job: "pair__connection__installation", TimelineEntry: "installation", Turn: "installation",
    Deed: "turn__installation", Book: "connection__installation", Company: "connection__installation",
    CompanyDomain: "company__connection__installation", CompanyChange: "company__connection__installation",
    Reference: "connection__installation", CompanyRule: "connection__installation",
    Firing: "rule__connection__installation", Errand: "connection__installation", Delivery: "installation",
    Happening: "installation", DeliveryCount: "installation",
}  # fmt: skip
"""Model → how its rows belong to a workspace."""


class _Sink:
    """A file that gives away what was written to it."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        """Take a part."""
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def taken(self) -> bytes:
        """What was written since the last time."""
        found, self._parts = b"".join(self._parts), []
        return found


@require_http_methods(["GET", "POST"])
@admin
def data_export(request: HttpRequest, membership: Membership) -> HttpResponseBase:
    """Says what is in the file; a POST gives it."""
    installation = membership.installation
    if request.method != "POST":
        found = {"membership": membership, "installation": installation, "most": MOST, "days": settings.DELIVERY_DAYS}
        return render(request, "dashboard/data_export.html", found)
    audit.record("exported_data", installation, request)
    answer = StreamingHttpResponse(zipped(installation), content_type="application/zip")
    name = f"{installation.slug}-{timezone.now():%Y-%m-%d}.zip"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "no-store"
    return answer


def zipped(installation: Installation) -> Iterator[bytes]:
    """The ZIP, part by part. The last file in it tells how many rows the others have, and which are cut."""
    sink, told = _Sink(), []
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[call-overload]
        for model, path in PATHS.items():
            name, count = f"{model._meta.app_label}/{model._meta.model_name}.jsonl", 0
            with archive.open(name, "w", force_zip64=True) as file:
                for line in _lines(model.objects.filter(**{path: installation.pk})):  # type: ignore[attr-defined]
                    file.write(line)
                    count += 1
                    yield sink.taken()
            told.append({"file": name, "rows": count, "cut": count >= MOST})
        archive.writestr(CONTENTS, _contents(installation, told, timezone.now()))
    yield sink.taken()


def _contents(installation: Installation, files: list[dict[str, Any]], at: datetime) -> str:
    found = {"workspace": str(installation.workspace_id), "slug": installation.slug, "made_at": at.isoformat(),
             "most_rows_of_a_file": MOST, "files": files}  # fmt: skip
    return json.dumps(found, indent=2)


def _lines(rows: QuerySet[Any]) -> Iterator[bytes]:
    """A line of JSON for each row, the newest first."""
    fields = [field for field in rows.model._meta.concrete_fields if _may_go(rows.model, field)]
    for row in rows.order_by("-pk")[:MOST].iterator(chunk_size=500):
        told = {field.attname: _told(row, field) for field in fields}
        yield json.dumps(told, cls=DjangoJSONEncoder, ensure_ascii=False).encode() + b"\n"


def _may_go(model: type[Model], field: Field[Any, Any]) -> bool:
    return not isinstance(field, EncryptedTextField) and field.name not in HIDDEN.get(model, ())


def _told(row: Any, field: Field[Any, Any]) -> Any:
    return showing.content(row) if isinstance(field, BinaryField) else getattr(row, field.attname)
