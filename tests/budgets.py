"""Budgets for tests: kept in this process, and open to be looked at."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from planeapp.lib.budget import Budget, Terms, Window

T = TypeVar("T")


class Memory:
    """A store in a dict."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self._lock = threading.Lock()

    def read(self, key: str) -> str | bytes | None:
        """See :class:`planeapp.lib.budget.Store`."""
        return self.texts.get(key)

    def change(self, key: str, turn: Callable[[str | bytes | None], tuple[str, T]]) -> T | None:
        """See :class:`planeapp.lib.budget.Store`."""
        with self._lock:
            self.texts[key], result = turn(self.texts.get(key))
        return result


class Kept:
    """A budget function whose budgets have these terms."""

    def __init__(self, terms: Terms) -> None:
        self.terms, self.store = terms, Memory()

    def __call__(self, slot: str = "main") -> Budget:
        """The budget of a slot."""
        return Budget(slot, self.store, self.terms)

    def window(self, slot: str) -> Window:
        """What is known of a slot's limit."""
        return Window.load(self.store.texts[slot], self.terms, time.time())

    @property
    def used(self) -> dict[str, int]:
        """Our own calls in the window, by slot."""
        return {slot: self.window(slot).used for slot in self.store.texts}
