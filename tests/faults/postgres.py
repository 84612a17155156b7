"""A PostgreSQL of our own that may be stopped as rudely as one likes."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from tests.harness import free_ports

USER = "postgres"


@cache
def programs() -> Path | None:
    """Folder of the server's programs, or None when they are not installed or cannot be used."""
    if os.geteuid() == 0 and not shutil.which("runuser"):
        return None
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "pg_ctl").exists()), None)


class Cluster:
    """One server on a port of its own, with default durability."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="cluster-", dir="/tmp"))
        self.as_root = os.geteuid() == 0
        if self.as_root:
            shutil.chown(self.home, USER)
        (self.port,) = free_ports(1)
        self.run("initdb", "-D", str(self.home / "data"), "-U", USER, "--auth=trust", "-E", "UTF8", "--locale=C")
        self.start()

    @property
    def url(self) -> str:
        """Address of its only database."""
        return f"postgres://{USER}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start and wait until it takes calls."""
        options = f"-p {self.port} -k {self.home} -c listen_addresses=127.0.0.1"
        self.run("pg_ctl", "-D", str(self.home / "data"), "-w", "-l", str(self.home / "log"), "-o", options, "start")

    def crash(self) -> None:
        """Stop without any farewell: what was not committed is gone."""
        self.run("pg_ctl", "-D", str(self.home / "data"), "-m", "immediate", "-w", "stop")

    def remove(self) -> None:
        """Stop, and leave nothing behind."""
        self.crash()
        shutil.rmtree(self.home, ignore_errors=True)

    def run(self, program: str, *arguments: str) -> None:
        """Run one of the server's programs, never as root."""
        command = [str((programs() or Path()) / program), *arguments]
        if self.as_root:
            command = ["runuser", "-u", USER, "--", *command]
        subprocess.run(command, check=True, cwd=self.home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
