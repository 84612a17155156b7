"""Keys rotate while tokens are read: how many reads a second go on, how long each takes, how many fail.

Four processes read tokens at an agreed pace, as workers do, through ``tokens.valid_token``; first with nothing beside
(the control), then while ``rotate_keys`` brings every credential to a new key, is killed half-way, and is run again.
Needs PostgreSQL in ``DATABASE_URL``; makes a database of its own there and drops it. Prints one line of JSON.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tests.environment import SETTINGS

ROOT = Path(__file__).resolve().parent.parent.parent
CREDENTIALS = 5000
READERS, READS_A_SECOND = 4, 60  # each; 240 together
CONTROL_SECONDS = 10.0
OLD, NEW = (base64.b64encode(letter * 32).decode() for letter in (b"k", b"n"))
Span = tuple[float, float]


@dataclass
class Run:
    """What the readers did: when each read ended (seconds of the machine's clock) and how many ms it took."""

    reads: list[tuple[float, float]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def within(self, spans: list[Span]) -> tuple[float, list[float]]:
        """Reads a second in these spans, and the ms of each, in order."""
        took = sorted(ms for at, ms in self.reads if any(begun <= at <= ended for begun, ended in spans))
        return len(took) / sum(ended - begun for begun, ended in spans), took


@contextmanager
def database() -> Iterator[str]:
    """The address of an empty database beside the one in ``DATABASE_URL``."""
    parts = urlsplit(os.environ.get("DATABASE_URL", ""))
    if not parts.scheme.startswith("postgres"):
        raise SystemExit("The rotation benchmark needs PostgreSQL: set DATABASE_URL to a postgres:// address.")
    name = f"groundcrew_bench_{os.getpid()}"
    with psycopg.connect(urlunsplit(parts), autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield urlunsplit(parts._replace(path=f"/{name}"))
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def environment(url: str, *keys: str) -> dict[str, str]:
    """Settings of a process that has these keys, the newest first."""
    kept = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    ours = {"DATABASE_URL": url, "ENCRYPTION_KEYS": ",".join(keys), "DJANGO_SETTINGS_MODULE": "planeapp.settings"}
    return kept | SETTINGS | ours


def manage(url: str, *arguments: str) -> str:
    """Run a management command with the new key in front; gives what it prints."""
    command = [sys.executable, "manage.py", *arguments]
    env = environment(url, NEW, OLD)
    return subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True).stdout


def part(name: str, url: str, *keys: str, number: int = 0) -> subprocess.Popen[str]:
    """A process that plays a part of this benchmark: ``fill`` or ``read``."""
    command = [sys.executable, "-m", "tests.benchmarks.rotation", name, str(number)]
    env = environment(url, *keys)
    return subprocess.Popen(command, cwd=ROOT, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


@contextmanager
def reading(url: str, run: Run) -> Iterator[None]:
    """Readers at work, all begun; at the end their reads are in ``run``."""
    with ExitStack() as stack:
        readers = [stack.enter_context(part("read", url, NEW, OLD, number=n)) for n in range(READERS)]
        for reader in readers:
            assert reader.stdout is not None and reader.stdout.readline() == "ready\n"
        for reader in readers:
            _tell(reader, "go\n")
        yield
        for reader in readers:
            _tell(reader, "stop\n")
        for reader in readers:
            found = json.loads(reader.communicate()[0])
            run.reads += [(at, ms) for at, ms in found["reads"]]
            run.failures += found["failures"]


def _tell(reader: subprocess.Popen[str], line: str) -> None:
    assert reader.stdin is not None
    reader.stdin.write(line)
    reader.stdin.flush()


class Rotation:
    """``rotate_keys`` as a process, and how far it is."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.server = psycopg.connect(url, autocommit=True)
        self.old = self._key_of_one()

    def _key_of_one(self) -> str:
        found = self.server.execute("SELECT access FROM installations_credential LIMIT 1").fetchone()
        assert found is not None
        return ".".join(str(found[0]).split(".")[:2])

    def done(self) -> int:
        """Rows that the old key no longer seals."""
        query = "SELECT count(*) FROM installations_credential WHERE access NOT LIKE %s"
        found = self.server.execute(query, [f"{self.old}.%"]).fetchone()
        assert found is not None
        return int(found[0])

    def go(self, until: int) -> tuple[Span, str]:
        """Rotate until so many rows are done (killed there), or to the end; gives the time of work, and what it printed."""
        before, begun = self.done(), 0.0
        command = [sys.executable, "manage.py", "rotate_keys", "--json"]
        env = environment(self.url, NEW, OLD)
        with subprocess.Popen(command, cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE) as process:
            while process.poll() is None:
                done = self.done()
                begun = begun or (time.monotonic() if done > before else 0.0)
                if before < until <= done < CREDENTIALS:
                    process.send_signal(signal.SIGKILL)
                time.sleep(0.02)
            assert process.stdout is not None
            return (begun, time.monotonic()), process.stdout.read()


def main() -> None:
    """Measure and print."""
    with database() as url:
        manage(url, "migrate", "--noinput")
        assert part("fill", url, OLD).wait() == 0
        control, run = Run(), Run()
        with reading(url, control):
            begun = time.monotonic()
            time.sleep(CONTROL_SECONDS)
            alone = [(begun, time.monotonic())]
        rotation = Rotation(url)
        with reading(url, run):
            first, _ = rotation.go(until=CREDENTIALS // 2)
            killed_at = rotation.done()
            second, printed = rotation.go(until=CREDENTIALS + 1)
        assert 0 < killed_at < CREDENTIALS == rotation.done(), f"killed at {killed_at}, then {rotation.done()} done"
        assert json.loads(printed)["rotated"] == CREDENTIALS - killed_at
        rotation.server.close()
    spans = [first, second]
    found = figures(control.within(alone), run.within(spans), control.failures + run.failures)
    seconds = round(sum(ended - begun for begun, ended in spans), 1)
    print(json.dumps(found | {"credentials": CREDENTIALS, "killed_at": killed_at, "seconds": seconds}))


def figures(
    control: tuple[float, list[float]], measured: tuple[float, list[float]], failures: list[str]
) -> dict[str, Any]:
    """The line of results."""
    (rate_alone, alone), (rate, took) = control, measured
    cuts, cuts_alone = statistics.quantiles(took, n=100), statistics.quantiles(alone, n=100)
    return {
        "bench": "rotation",
        "value": round(rate, 1),
        "unit": "reads/s",
        "control": round(rate_alone, 1),
        "ratio": round(rate / rate_alone, 3),
        "failures": len(failures),
        "p50_ms": round(cuts[49], 2),
        "p95_ms": round(cuts[94], 2),
        "p99_ms": round(cuts[98], 2),
        "control_p50_ms": round(cuts_alone[49], 2),
        "control_p95_ms": round(cuts_alone[94], 2),
        "control_p99_ms": round(cuts_alone[98], 2),
    }


def fill() -> None:
    """A connection with as many credentials as the benchmark wants, each with secrets of its own."""
    from planeapp.installations.models import Credential
    from tests.factories import ConnectionFactory

    owner = ConnectionFactory()
    Credential.objects.bulk_create(
        Credential(connection=owner, slot=f"{n}", access=f"access-{n}", refresh=f"refresh-{n}")
        for n in range(CREDENTIALS)
    )


def read(number: int) -> None:
    """Read tokens at the pace, one row after the other, until told to stop; prints what came of it."""
    from planeapp.installations.models import Credential
    from planeapp.installations.tokens import valid_token

    keys = list(Credential.objects.values_list("pk", "slot"))[number::READERS]
    valid_token(Credential.objects.get(pk=keys[0][0]), None)
    print("ready", flush=True)
    sys.stdin.readline()
    ended, reads, failures = threading.Event(), [], []
    threading.Thread(target=lambda: (sys.stdin.readline(), ended.set()), daemon=True).start()
    begun = time.monotonic()
    while not ended.wait(max(0.0, begun + len(reads) / READS_A_SECOND - time.monotonic())):
        pk, slot = keys[len(reads) % len(keys)]
        at = time.monotonic()
        try:
            right = valid_token(Credential.objects.get(pk=pk), None) == f"access-{slot}"
        except Exception as error:  # whatever it is, the read failed, and that is what is counted
            failures.append(repr(error))
        else:
            failures += [] if right else ["wrong token"]
        reads.append((time.monotonic(), (time.monotonic() - at) * 1000))
    print(json.dumps({"reads": reads, "failures": failures}))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        import django

        django.setup()
        fill() if sys.argv[1] == "fill" else read(int(sys.argv[2]))
    else:
        main()
