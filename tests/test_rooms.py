"""The house keeps its order: rooms use the rooms under them, vendors stay in their folders, the lock names no host."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from planeapp.providers import PROVIDERS

ROOT = Path(__file__).resolve().parent.parent


def test_rooms_import_only_what_lies_under_them() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def test_the_engine_the_bot_the_inbox_and_the_library_name_no_vendor() -> None:
    names = re.compile(r"\b(" + "|".join(PROVIDERS) + r")\b", re.IGNORECASE)
    for room in ("sync", "bot", "lib", "inbox"):
        for path in (ROOT / "planeapp" / room).rglob("*.py"):
            found = [line for line in path.read_text().splitlines() if names.search(line)]
            assert not found, f"{path}: {found}"


def test_the_locked_requirements_carry_hashes_and_name_no_host() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        text = (ROOT / name).read_text()
        assert "--hash=sha256:" in text
        assert not re.search(r"https?://|--(extra-)?index-url|--find-links|file:", text), name


def test_every_setting_that_is_read_is_explained() -> None:
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (ROOT / "planeapp" / "settings.py").read_text()))
    explained = (ROOT / "docs" / "settings.md").read_text()
    assert read, "no setting was found"
    assert not [name for name in sorted(read) if f"`{name}`" not in explained]


def test_the_two_commands_of_the_readme_are_targets_of_the_makefile() -> None:
    readme, makefile = (ROOT / "README.md").read_text(), (ROOT / "Makefile").read_text()
    for target in ("demo", "test"):
        assert f"make {target}" in readme
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
