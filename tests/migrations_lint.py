"""What a migration may not do while code of the last release still runs on the tables; see docs/upgrade.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import connection, models
from django.db.migrations import Migration, operations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django.db.models.fields import NOT_PROVIDED

BIG = {
    "inbox.delivery", "inbox.happening", "inbox.deliverycount", "bot.turn", "sync.itemlink", "sync.timelineentry",
    "sync.runchange", "sync.syncrun", "sync.due", "sync.tie", "installations.callcount", "installations.auditentry",
    "customers.company", "customers.companydomain", "customers.companychange", "customers.firing", "customers.reference",
}  # fmt: skip
"""Tables that grow with the work: an index or a constraint on them takes long, and locks out who writes."""
GONE = {
    operations.RemoveField: "the old code still reads the column",
    operations.DeleteModel: "the old code still reads the table",
    operations.RenameField: "the old code knows the old name",
    operations.RenameModel: "the old code knows the old name",
    operations.AlterModelTable: "the old code knows the old name",
    operations.AlterUniqueTogether: "use a constraint",
    operations.AlterIndexTogether: "use an index",
}


def newer(loader: MigrationLoader, released: Mapping[str, str]) -> Iterator[Migration]:
    """Migrations of our apps that come after the last one of the release, in the order of their names."""
    for (app, name), migration in sorted(loader.disk_migrations.items()):
        if migration.__module__.startswith("planeapp.") and name > released.get(app, ""):
            yield migration


def faults(migration: Migration, before: ProjectState) -> list[str]:
    """Each of the migration's operations that is not safe: ``app.name: what: why``. ``before`` is used up."""
    found = []
    made: set[str] = set()
    for operation in migration.operations:
        if isinstance(operation, operations.CreateModel):
            made.add(f"{migration.app_label}.{operation.name_lower}")
        after = before.clone()
        operation.state_forwards(migration.app_label, after)
        why = _why(migration.app_label, operation, before, after, made)
        if why:
            found.append(f"{migration.app_label}.{migration.name}: {operation.describe()}: {why}")
        before = after
    return found


def _why(app: str, operation: Any, before: ProjectState, after: ProjectState, made: set[str]) -> str:
    if type(operation) in GONE:
        return GONE[type(operation)]
    if isinstance(operation, (operations.RunPython, operations.RunSQL, operations.SeparateDatabaseAndState)):
        return "nobody can tell by machine whether this is safe"
    table = f"{app}.{getattr(operation, 'model_name', '').lower()}"
    if table in made:
        return ""
    if isinstance(operation, (operations.AddIndex, operations.AddConstraint)):
        gentle = isinstance(operation, AddIndexConcurrently)
        return "it locks a big table while it is built" if table in BIG and not gentle else ""
    if isinstance(operation, operations.AddField):
        return _added(table, operation.field)
    if isinstance(operation, operations.AlterField):
        return _altered(table, _field(before, app, operation), _field(after, app, operation))
    return ""


def _field(state: ProjectState, app: str, operation: Any) -> models.Field[Any, Any]:
    return state.apps.get_model(app, operation.model_name)._meta.get_field(operation.name)  # type: ignore[return-value]


def _added(table: str, field: Any) -> str:
    if field.many_to_many:
        return ""
    if not field.null and field.db_default is NOT_PROVIDED:
        return "the old code inserts rows without it: null=True or db_default"
    return "its index locks a big table while it is built" if table in BIG and (field.db_index or field.unique) else ""


def _altered(table: str, old: Any, new: Any) -> str:
    if old.null and not new.null:
        return "the old code may still write empty ones"
    if new.db_default is NOT_PROVIDED and old.db_default is not NOT_PROVIDED and not new.null:
        return "the old code relies on the default"
    if table in BIG and (new.db_index or new.unique) and not (old.db_index or old.unique):
        return "its index locks a big table while it is built"
    if new.unique and not old.unique:
        return "the old code may still write it twice"
    return "" if _roomier(old, new) else "the column is rewritten, or the old code writes what no longer fits"


def _roomier(old: Any, new: Any) -> bool:
    """Whether everything that fitted still does, without a rewrite."""
    if old.db_type(connection) == new.db_type(connection):
        return True
    both = type(old) is type(new) and isinstance(old, models.CharField)
    return both and (new.max_length is None or (old.max_length or 0) <= new.max_length)
