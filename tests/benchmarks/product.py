"""The product as it runs in production, on this machine: web with two processes, workers per queue, PostgreSQL, Redis."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from tests.harness import START_SECONDS, Stack, listens, until

WORKSPACES = 50
ROW_BYTES = 2300
PGBENCH = "INSERT INTO control (id, body, headers, lane) VALUES (gen_random_uuid(), :body, '{{}}', 'lane');"


class Product(Stack):
    """A stack with the Procfile's processes. ``workspaces`` are installed, each with one paired project."""

    workspaces: Sequence[str] = ()
    projects: Mapping[str, str] = {}

    def begin(self, *processes: str) -> None:
        """Make the database and start these processes."""
        self.prepare()
        self.workspaces = [str(uuid.uuid4()) for _ in range(WORKSPACES)]
        self.projects = {workspace: str(uuid.uuid4()) for workspace in self.workspaces}
        self.manage("shell", "-c", INSTALLATIONS.format(projects=self.projects))
        for name in processes:
            self.spawn(name)
        if "web" in processes:
            until(lambda: listens(self.app), START_SECONDS, "web")

    def database_connection(self) -> psycopg.Connection[Any]:
        """A connection to the product's database."""
        return psycopg.connect(self.env["DATABASE_URL"], autocommit=True)

    def count(self, where: str = "TRUE") -> int:
        """Deliveries for which an SQL condition holds."""
        with self.database_connection() as database:
            row = database.execute(f"SELECT count(*) FROM inbox_delivery WHERE {where}").fetchone()  # type: ignore[arg-type]
        return int(row[0]) if row else 0

    def _command(self, name: str) -> list[str]:
        command = super()._command("web" if name == "verify_only" else name)
        if name in ("web", "verify_only"):
            command[command.index("--workers") + 1] = "2"
        if name == "worker_inbox":
            command[command.index("--concurrency") + 1] = "2"
        if name == "verify_only":
            command[command.index("planeapp.asgi:application")] = "tests.benchmarks.verify_only:application"
        return command


INSTALLATIONS = """
from planeapp.installations.models import Connection, Installation
from planeapp.sync.models import ProjectPair
for number, (workspace, project) in enumerate({projects}.items()):
    installation = Installation.objects.create(
        workspace_id=workspace, slug=f"space-{{number}}", name=f"Space {{number}}", status="active"
    )
    connection = Connection.objects.create(
        installation=installation, provider="planner", base_url="http://localhost:9"
    )
    ProjectPair.objects.create(
        connection=connection, project_id=project, project_name="Work", project_key="WORK", place_id="1", place_name="1"
    )
"""


@contextmanager
def product(*processes: str) -> Iterator[Product]:
    """A running product, taken away afterwards."""
    with tempfile.TemporaryDirectory() as home:
        made = Product(Path(home), "end_to_end")
        try:
            made.begin(*processes)
            yield made
        finally:
            made.stop()


def pgbench_rate(made: Product, seconds: int = 6, clients: int = 16) -> float:
    """Transactions a second of single-row inserts as large as a delivery, by PostgreSQL's own tool."""
    with made.database_connection() as database:
        database.execute(
            "CREATE TABLE IF NOT EXISTS control (id uuid PRIMARY KEY, body bytea, headers jsonb, lane text)"
        )
    script = made.home / "insert.sql"
    body = "decode('" + "61" * ROW_BYTES + "', 'hex')"
    script.write_text(PGBENCH.format().replace(":body", body))
    url = urlsplit(made.env["DATABASE_URL"])
    done = subprocess.run(
        [_pgbench(), "-n", "-h", url.hostname or "", "-p", str(url.port or 5432), "-U", url.username or "postgres",
         "-c", str(clients), "-j", "2", "-T", str(seconds), "-M", "prepared", "-f", str(script), url.path.strip("/")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    assert found, done.stdout
    return float(found[1])


def _pgbench() -> str:
    """Debian keeps it beside the server, away from PATH."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"))
    on_path = [Path(part) / "pgbench" for part in os.get_exec_path()]
    found = next((place for place in [*on_path, *reversed(places)] if place.exists()), None)
    if found is None:
        sys.exit("pgbench is missing: install PostgreSQL's client tools (Debian: postgresql).")
    return str(found)
