"""Migrations suit the code of the last release too, and there is one for every change of a model."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import call_command
from django.db import NotSupportedError, connection, migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from planeapp.lib.migrations import AddIndexGently
from tests.migrations_lint import BIG, faults, newer

RELEASED = {
    "accounts": "0001_initial",
    "bot": "0002_deeds_and_talks",
    "customers": "0001_initial",
    "inbox": "0002_doors_turns_and_counts",
    "installations": "0007_alerts",
    "operators": "0001_signs",
    "sync": "0007_page_indexes",
}
"""The last migration of each app that went out with the first release: nobody runs code that is older."""
ALLOWED: dict[str, str] = {}
"""``app.migration: operation`` (as the linter names it, without the reason) → why it is safe all the same."""


@pytest.fixture(scope="module")
def loader() -> MigrationLoader:
    return MigrationLoader(None)


def test_migrations_since_the_release_leave_the_old_code_working(loader: MigrationLoader) -> None:
    found = []
    for migration in newer(loader, RELEASED):
        before = loader.project_state((migration.app_label, migration.name), at_end=False)
        found += faults(migration, before)
    assert [one for one in found if one.rpartition(": ")[0] not in ALLOWED] == []
    assert set(ALLOWED) <= {one.rpartition(": ")[0] for one in found}, "an exception that nothing needs"


def test_the_released_migrations_and_the_big_tables_exist(loader: MigrationLoader) -> None:
    assert not [one for one in RELEASED.items() if one not in loader.disk_migrations]
    tables = {f"{app}.{model}" for app, model in loader.project_state().models}
    assert tables >= BIG


@pytest.mark.django_db
def test_every_change_of_a_model_has_its_migration() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


# The linter


def base() -> ProjectState:
    """A big table and a small one."""
    state = ProjectState()
    for name in ("Delivery", "Silence"):
        fields = [
            ("id", models.BigAutoField(primary_key=True)), ("name", models.CharField(max_length=20)),
            ("note", models.CharField(max_length=20, null=True)), ("text", models.TextField(default="", db_default="")),
        ]  # fmt: skip
        migrations.CreateModel(name, fields).state_forwards("inbox", state)
    return state


def lint(*operations: Any) -> list[str]:
    """Reasons against a migration of these operations."""
    migration = migrations.Migration("0009_next", "inbox")
    migration.operations = list(operations)
    return [one.rpartition(": ")[2] for one in faults(migration, base())]


INDEX = models.Index(fields=["name"], name="by_name")
UNIQUE = models.UniqueConstraint(fields=["name"], name="one_name")
REFUSED = {
    "a column goes": migrations.RemoveField("Silence", "note"),
    "a table goes": migrations.DeleteModel("Silence"),
    "a column gets another name": migrations.RenameField("Silence", "note", "remark"),
    "a table gets another name": migrations.RenameModel("Silence", "Quiet"),
    "a column that must be filled": migrations.AddField("Silence", "kind", models.CharField(max_length=5, default="x")),
    "a column may no longer be empty": migrations.AlterField("Silence", "note", models.CharField(max_length=20)),
    "a default goes": migrations.AlterField("Silence", "text", models.TextField()),
    "a column gets narrower": migrations.AlterField("Silence", "name", models.CharField(max_length=10)),
    "a column gets another type": migrations.AlterField("Silence", "name", models.IntegerField()),
    "a column gets unique": migrations.AlterField("Silence", "name", models.CharField(max_length=20, unique=True)),
    "an index on a big table": migrations.AddIndex("Delivery", INDEX),
    "a constraint on a big table": migrations.AddConstraint("Delivery", UNIQUE),
    "an indexed column on a big table": migrations.AddField(
        "Delivery", "k", models.IntegerField(null=True, db_index=True)
    ),
    "code": migrations.RunPython(migrations.RunPython.noop),
    "bare statements": migrations.RunSQL("SELECT 1"),
}
LET_THROUGH = {
    "a table": migrations.CreateModel("Other", [("id", models.BigAutoField(primary_key=True))]),
    "a column that may be empty": migrations.AddField("Delivery", "kind", models.CharField(max_length=5, null=True)),
    "a column that the database fills": migrations.AddField("Delivery", "n", models.IntegerField(db_default=0)),
    "a column gets roomier": migrations.AlterField("Delivery", "name", models.CharField(max_length=200)),
    "a column may be empty": migrations.AlterField("Delivery", "name", models.CharField(max_length=20, null=True)),
    "an index on a small table": migrations.AddIndex("Silence", INDEX),
    "a gentle index on a big table": AddIndexGently("Delivery", INDEX),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_breaks_the_old_code_or_locks_it_out_is_refused(what: str) -> None:
    assert len(lint(REFUSED[what])) == 1


@pytest.mark.parametrize("what", LET_THROUGH)
def test_what_only_adds_is_let_through(what: str) -> None:
    assert lint(LET_THROUGH[what]) == []


def test_a_table_of_the_same_migration_is_empty_whatever_is_added_to_it() -> None:
    made = migrations.CreateModel("Other", [("id", models.BigAutoField(primary_key=True))])
    assert lint(made, migrations.AddField("Other", "kind", models.IntegerField(default=1))) == []


def test_a_gentle_index_is_built_beside_the_work_on_postgresql_alone() -> None:
    built: list[Any] = []

    class Editor:
        atomic_migration = False

        def __init__(self, vendor: str) -> None:
            self.connection = SimpleNamespace(vendor=vendor, alias="default", in_atomic_block=False)

        def add_index(self, model: Any, index: Any, **how: Any) -> None:
            built.append(how)

    after = base()
    operation = AddIndexGently("Delivery", INDEX)
    operation.state_forwards("inbox", after)
    for vendor in ("postgresql", "sqlite"):
        operation.database_forwards("inbox", Editor(vendor), base(), after)
    assert built == [{"concurrently": True}, {}]


@pytest.mark.postgres
@pytest.mark.django_db
def test_a_gentle_index_refuses_a_migration_that_is_one_transaction() -> None:
    after = base()
    operation = AddIndexGently("Delivery", INDEX)
    operation.state_forwards("inbox", after)
    with pytest.raises(NotSupportedError, match="atomic"):
        operation.database_forwards("inbox", connection.schema_editor(atomic=False), base(), after)
