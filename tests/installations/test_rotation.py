from __future__ import annotations

import base64
import io
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection, models
from django.db.models import TextField
from django.db.models.functions import Cast

from planeapp.installations import rotation
from planeapp.installations.models import Credential, OAuthState
from planeapp.installations.rotation import encrypted_fields, old_rows, rotate
from planeapp.installations.tokens import store_grant, valid_token
from planeapp.lib.crypto import CannotDecrypt, key_id
from planeapp.plane.oauth import Grant
from tests.factories import ConnectionFactory, CredentialFactory, OAuthStateFactory

pytestmark = pytest.mark.django_db
OLD, NEW, OTHER = b"k" * 32, b"n" * 32, b"o" * 32
READS_A_SECOND = 200


def raw(model: type[models.Model], name: str) -> list[str]:
    """A column as the database holds it."""
    return list(model._default_manager.annotate(raw=Cast(name, TextField())).values_list("raw", flat=True))


def keys_in_use() -> set[str]:
    """Ids of the keys that sealed what is stored."""
    found = [text for model, names in encrypted_fields() for name in names for text in raw(model, name)]
    return {text.split(".")[1] for text in found if text}


def filled(count: int) -> list[Credential]:
    """Credentials of one connection, each with secrets of its own."""
    owner = ConnectionFactory()
    return [
        CredentialFactory(connection=owner, slot=f"slot-{n}", access=f"access-{n}", refresh=f"refresh-{n}")
        for n in range(count)
    ]


@pytest.fixture
def old_key(settings: Any) -> None:
    """So far there is one key. A test that rotates puts a new one in front of it."""
    settings.ENCRYPTION_KEYS = [OLD]


def switch(settings: Any, *keys: bytes) -> None:
    settings.ENCRYPTION_KEYS = list(keys)


# Bound to its place


@pytest.mark.parametrize("column", ["access", "refresh"])
def test_a_ciphertext_moved_to_another_row_does_not_open(column: str) -> None:
    mine, theirs = filled(2)
    move(theirs, column, mine, column)
    with pytest.raises(CannotDecrypt):
        getattr(Credential.objects.get(pk=mine.pk), column)


def test_a_ciphertext_moved_to_another_column_does_not_open() -> None:
    (mine,) = filled(1)
    move(mine, "refresh", mine, "access")
    with pytest.raises(CannotDecrypt):
        _ = Credential.objects.get(pk=mine.pk).access


def test_a_ciphertext_moved_to_another_table_does_not_open() -> None:
    (mine,), state = filled(1), OAuthStateFactory()
    with connection.cursor() as cursor:
        cursor.execute("SELECT verifier FROM installations_oauthstate")
        cursor.execute("UPDATE installations_credential SET access = %s", [cursor.fetchone()[0]])
    assert OAuthState.objects.get(pk=state.pk).verifier == "verifier"
    with pytest.raises(CannotDecrypt):
        _ = Credential.objects.get(pk=mine.pk).access


def move(source: Credential, from_column: str, target: Credential, to_column: str) -> None:
    """Copy a ciphertext behind Django's back."""
    (text,) = Credential.objects.filter(pk=source.pk).annotate(raw=Cast(from_column, TextField())).values_list("raw")
    key = target.pk.hex if connection.vendor == "sqlite" else target.pk
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE installations_credential SET {to_column} = %s WHERE id = %s", [text[0], key])
        assert cursor.rowcount == 1


# Rotation


def test_every_model_with_a_secret_is_known() -> None:
    found = {(model._meta.model_name, name) for model, names in encrypted_fields() for name in names}
    assert found >= {("credential", "access"), ("credential", "refresh"), ("oauthstate", "verifier")}


def test_after_a_rotation_the_new_key_alone_opens_everything(old_key: None, settings: Any) -> None:
    rows, state = filled(3), OAuthStateFactory(verifier="verifier-one")
    switch(settings, NEW, OLD)
    assert rotate() == 4
    switch(settings, NEW)
    assert [Credential.objects.get(pk=row.pk).refresh for row in rows] == ["refresh-0", "refresh-1", "refresh-2"]
    assert OAuthState.objects.get(pk=state.pk).verifier == "verifier-one"
    assert keys_in_use() == {key_id(NEW)}


def test_a_second_rotation_finds_nothing_to_do(old_key: None, settings: Any) -> None:
    filled(2)
    switch(settings, NEW, OLD)
    assert (rotate(), rotate()) == (2, 0)


def test_rows_without_secrets_are_left_alone(old_key: None, settings: Any) -> None:
    CredentialFactory(access="", refresh="")
    OAuthStateFactory(verifier="")
    switch(settings, NEW, OLD)
    assert rotate() == 0


def test_a_row_of_which_one_secret_is_new_is_brought_over_whole(old_key: None, settings: Any) -> None:
    (row,) = filled(1)
    switch(settings, NEW, OLD)
    held = Credential.objects.get(pk=row.pk)
    held.access = "newer"
    held.save(update_fields=["access"])
    assert (rotate(), keys_in_use()) == (1, {key_id(NEW)})


def test_more_rows_than_a_batch_are_all_brought_over(
    old_key: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "BATCH", 3)
    filled(10)
    switch(settings, NEW, OLD)
    assert (rotate(), keys_in_use()) == (10, {key_id(NEW)})


def test_an_interrupted_rotation_goes_on_where_it_stopped(
    old_key: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, real, left = filled(5), rotation._reseal, [2]

    def until_the_plug_is_pulled(*arguments: Any) -> int:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return real(*arguments)

    switch(settings, NEW, OLD)
    monkeypatch.setattr(rotation, "_reseal", until_the_plug_is_pulled)
    with pytest.raises(KeyboardInterrupt):
        rotate()
    assert {Credential.objects.get(pk=row.pk).access for row in rows} == {f"access-{n}" for n in range(5)}
    monkeypatch.undo()
    switch(settings, NEW, OLD)
    assert (rotate(), keys_in_use()) == (3, {key_id(NEW)})


def test_a_key_that_is_missing_stops_the_rotation_loudly(old_key: None, settings: Any) -> None:
    filled(1)
    switch(settings, NEW, OTHER)
    with pytest.raises(CannotDecrypt, match=key_id(OLD)):
        rotate()
    assert keys_in_use() == {key_id(OLD)}


def test_a_row_that_went_meanwhile_does_no_harm(old_key: None, settings: Any) -> None:
    (row,) = filled(1)
    switch(settings, NEW, OLD)
    keys = list(old_rows(Credential, ["access", "refresh"]).values_list("pk", flat=True))
    row.delete()
    assert [rotation._reseal(Credential, ["access", "refresh"], key) for key in keys] == [0]


def test_rotation_is_no_news_about_a_token(old_key: None, settings: Any) -> None:
    (row,) = filled(1)
    before = Credential.objects.values("updated_at", "refreshed_at", "expires_at", "state").get()
    switch(settings, NEW, OLD)
    rotate()
    assert Credential.objects.values("updated_at", "refreshed_at", "expires_at", "state").get() == before
    assert valid_token(row, None) == "access-0"


def test_a_token_that_was_refreshed_during_a_rotation_is_not_put_back(
    old_key: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, real = filled(4), rotation._reseal

    def refreshed_just_before(model: Any, names: list[str], key: Any) -> int:
        store_grant(Credential.objects.get(pk=key), Grant(f"fresh-{key}", f"next-{key}", 3600, frozenset()))
        return real(model, names, key)

    switch(settings, NEW, OLD)
    monkeypatch.setattr(rotation, "_reseal", refreshed_just_before)
    rotate()
    for row in rows:
        kept = Credential.objects.get(pk=row.pk)
        assert (kept.access, kept.refresh) == (f"fresh-{row.pk}", f"next-{row.pk}")


def read_all_the_time(keys: list[Any], ended: threading.Event) -> tuple[int, float]:
    """Read tokens at the agreed pace until told to end; gives their number and the seconds that it took."""
    begun, done = time.monotonic(), 0
    try:
        while not ended.is_set() or done < 50:
            key = keys[done % len(keys)]
            assert valid_token(Credential.objects.get(pk=key), None).startswith(("access-", "fresh-"))
            done += 1
            ended.wait(max(0.0, begun + done / READS_A_SECOND - time.monotonic()) if not ended.is_set() else 0)
    finally:
        connection.close()
    return done, time.monotonic() - begun


def refresh_all_the_time(keys: list[Any], ended: threading.Event) -> dict[Any, str]:
    """Store new tokens meanwhile; gives the last one of each row."""
    last: dict[Any, str] = {}
    try:
        while not ended.wait(0.005) or len(last) < 5:
            key = keys[len(last) % len(keys)]
            store_grant(Credential.objects.get(pk=key), Grant(f"fresh-{key}", "next", 3600, frozenset()))
            last[key] = f"fresh-{key}"
    finally:
        connection.close()
    return last


@pytest.mark.django_db(transaction=True)
def test_rotation_during_200_token_reads_a_second_fails_no_read(old_key: None, settings: Any) -> None:
    keys, ended = [row.pk for row in filled(300)], threading.Event()
    switch(settings, NEW, OLD)
    with ThreadPoolExecutor(2) as pool:
        reading: Future[Any] = pool.submit(read_all_the_time, keys, ended)
        writing: Future[Any] = pool.submit(refresh_all_the_time, keys[::-1], ended)
        try:
            assert rotate() >= 200
        finally:
            ended.set()
    reads, seconds = reading.result()
    assert reads >= 50, f"{reads} reads in {seconds:.1f} s"
    assert rotate() == 0
    switch(settings, NEW)
    assert [Credential.objects.get(pk=key).access for key in writing.result()] == list(writing.result().values())


# Dumps


def test_a_dump_of_the_database_shows_no_secret() -> None:
    filled(2)
    OAuthStateFactory(verifier="verifier-one")
    out = io.StringIO()
    call_command("dumpdata", stdout=out)
    told = out.getvalue() + everything()
    secrets = ["access-0", "access-1", "refresh-0", "refresh-1", "verifier-one", base64.b64encode(OLD).decode()]
    assert [secret for secret in secrets if secret in told] == []
    assert told.count(f"g1.{key_id(OLD)}.") >= 10


def everything() -> str:
    """All rows of all tables, as SQL gives them."""
    with connection.cursor() as cursor:
        found = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            found.append(repr(cursor.fetchall()))
    assert len(found) >= len(apps.get_models())
    return "\n".join(found)
