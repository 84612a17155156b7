"""Where a sandbox vendor keeps its rows: JSON documents in memory, written through to SQLite when a file is given."""

from __future__ import annotations

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

Doc = dict[str, Any]


class Store:
    """Collections of JSON documents, by kind and id, in the order in which they were first put.

    With ``path`` every change is in the file before the call returns, so that a demo that is killed and started
    again finds its world as it left it. Without, everything lives in memory (tests). Safe for threads.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._kinds: dict[str, dict[str, Doc]] = {}
        self._lock = threading.RLock()
        self._db: sqlite3.Connection | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute("CREATE TABLE IF NOT EXISTS docs (kind TEXT, id TEXT, doc TEXT, PRIMARY KEY (kind, id))")
            for kind, key, doc in self._db.execute("SELECT kind, id, doc FROM docs ORDER BY rowid"):
                self._kinds.setdefault(kind, {})[key] = json.loads(doc)

    def put(self, kind: str, key: str, doc: Doc) -> Doc:
        """Store ``doc`` under ``key``, replacing what was there, and give it back."""
        with self._lock:
            self._kinds.setdefault(kind, {})[key] = doc
            if self._db is not None:
                self._db.execute(
                    "INSERT INTO docs VALUES (?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET doc = excluded.doc",
                    (kind, key, json.dumps(doc)),
                )
        return doc

    def get(self, kind: str, key: str) -> Doc | None:
        """The document itself (not a copy), or None. Call ``put`` after changing it."""
        return self._kinds.get(kind, {}).get(key)

    def all(self, kind: str) -> list[Doc]:
        """Every document of a kind, oldest first."""
        with self._lock:
            return list(self._kinds.get(kind, {}).values())

    def find(self, kind: str, **equal: Any) -> list[Doc]:
        """Documents of a kind whose named top-level keys have these values."""
        return [doc for doc in self.all(kind) if all(doc.get(name) == value for name, value in equal.items())]

    def delete(self, kind: str, key: str) -> None:
        """Forget a document; nothing happens when it is not there."""
        with self._lock:
            self._kinds.get(kind, {}).pop(key, None)
            if self._db is not None:
                self._db.execute("DELETE FROM docs WHERE kind = ? AND id = ?", (kind, key))

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kinds.clear()
            if self._db is not None:
                self._db.execute("DELETE FROM docs")
