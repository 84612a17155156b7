"""How much memory a process and its children have ever held."""

from __future__ import annotations

import os
import re
from pathlib import Path


def peak_megabytes(group: int) -> float:
    """The highest resident size so far of all processes of a group together."""
    return sum(_peak(entry) for entry in Path("/proc").iterdir() if entry.name.isdecimal() and _in(entry, group))


def _in(entry: Path, group: int) -> bool:
    try:
        return os.getpgid(int(entry.name)) == group
    except ProcessLookupError:
        return False


def _peak(entry: Path) -> float:
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", (entry / "status").read_text())
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0
