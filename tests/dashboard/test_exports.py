"""The data export: complete, of one workspace, without secrets."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from django.apps import apps
from django.db.models import ForeignKey, Model
from django.test import Client

from planeapp.dashboard import exports
from planeapp.installations.models import AuditEntry, Connection, Installation
from planeapp.lib.crypto import EncryptedTextField
from tests.customers.factories import CompanyFactory
from tests.factories import (
    CredentialFactory,
    DeliveryFactory,
    InstallationFactory,
    ItemLinkFactory,
    MembershipFactory,
    TimelineEntryFactory,
)

LEFT_OUT = {
    "installations.OAuthState": "an attempt of ten minutes, all of it secret",
}
"""Models of a workspace that are not exported, and why."""


def belongs_to_a_workspace(model: type[Model], seen: tuple[type[Model], ...] = ()) -> bool:
    """Whether rows of it lie under an installation."""
    above = [field.related_model for field in model._meta.fields if isinstance(field, ForeignKey)]
    return any(
        one is Installation or (one not in seen and belongs_to_a_workspace(one, (*seen, model))) for one in above
    )


def test_every_table_of_a_workspace_is_exported_or_left_out_for_a_reason() -> None:
    ours = [model for model in apps.get_models() if model.__module__.startswith("planeapp.")]
    found = {model._meta.label for model in ours if belongs_to_a_workspace(model)} | {"installations.Installation"}
    assert found - LEFT_OUT.keys() == {model._meta.label for model in exports.PATHS}


@pytest.fixture
def installation(db: None) -> Installation:
    """A workspace with a row of several kinds; another one has the same."""
    made: Installation = InstallationFactory(slug="air")
    for one in (made, InstallationFactory(slug="other")):
        link = ItemLinkFactory(pair__connection__installation=one, item_key=f"{one.slug}-link")
        CompanyFactory(connection=link.pair.connection, name=f"{one.slug} company")
        CredentialFactory(connection=link.pair.connection, access=f"s3cret-{one.slug}", refresh=f"s3cret-{one.slug}")
        TimelineEntryFactory(installation=one, text=f"{one.slug} <line> Åse")
        body = json.dumps({"title": f"{one.slug} body", "token": "s3cret-body"}).encode()
        DeliveryFactory(installation=one, body=body, headers={"x-plane-secret": "s3cret-header"})
    return made


def files(parts: Any) -> dict[str, str]:
    """Name → content of a ZIP."""
    with zipfile.ZipFile(io.BytesIO(b"".join(parts))) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_it_holds_all_of_the_workspace_and_nothing_of_another(installation: Installation) -> None:
    found = files(exports.zipped(installation))
    whole = "".join(found.values())
    assert all(f"air {word}" in whole for word in ("company", "<line> Åse", "body")) and "air-link" in whole
    assert "other" not in whole
    assert json.loads(found["sync/timelineentry.jsonl"])["text"] == "air <line> Åse"


def test_no_secret_is_in_it(installation: Installation) -> None:
    whole = "".join(files(exports.zipped(installation)).values())
    assert "s3cret" not in whole
    assert Connection.objects.get(installation=installation).opaque_id not in whole
    for model in exports.PATHS:
        hidden = {field.name for field in model._meta.fields if isinstance(field, EncryptedTextField)}
        assert not [name for name in hidden if f'"{name}"' in whole]


def test_the_contents_count_the_rows_and_say_what_is_cut(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "MOST", 3)
    TimelineEntryFactory.create_batch(3, installation=installation, text="newer")
    found = files(exports.zipped(installation))
    contents = json.loads(found[exports.CONTENTS])
    told = {one["file"]: (one["rows"], one["cut"]) for one in contents["files"]}
    assert (told["sync/timelineentry.jsonl"], told["sync/itemlink.jsonl"]) == ((3, True), (1, False))
    assert "Åse" not in found["sync/timelineentry.jsonl"]
    assert all(len(found[name].splitlines()) == rows for name, (rows, _) in told.items())


def test_the_page_gives_it_as_a_download_and_notes_it(installation: Installation, client: Client) -> None:
    client.force_login(MembershipFactory(installation=installation).user)
    assert b"Download everything" in client.get("/w/air/data/").content
    answer = client.post("/w/air/data/")
    assert answer.streaming and answer.headers["content-disposition"].startswith('attachment; filename="air-')
    assert answer.headers["cache-control"] == "no-store"
    assert "installations/membership.jsonl" in files([answer.getvalue()])
    assert AuditEntry.objects.get().action == "exported_data"
