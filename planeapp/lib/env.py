"""Loud readers for the environment: a missing or malformed value ends the start with one line that says what to do.

Every name may also be given as ``NAME_FILE``, the path of a file that holds the value.
"""

from __future__ import annotations

import base64
import binascii
from urllib.parse import urlsplit

from environs import EnvError, FileAwareEnv

KEY_BYTES = 32


def _is_origin(value: str) -> bool:
    try:
        parts = urlsplit(value)
        rest = parts.path or parts.query or parts.fragment or parts.username or parts.port == 0
    except ValueError:  # brackets that do not close, a port that is no number
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not rest


class Reader:
    """Reads settings and collects what is wrong with them, so that one start names every fault."""

    def __init__(self) -> None:
        self._env = FileAwareEnv(strip_whitespace=True)
        self.problems: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        """A string; blanks around it do not count."""
        try:
            return str(self._env.str(name, default)).strip()
        except (EnvError, ValueError, OSError) as error:
            self.problems.append(f"{name} cannot be read: {error}. Check the file that {name}_FILE names.")
            return default

    def secret(self, name: str, mend: str) -> str:
        """A string that must be there; ``mend`` says how to get one."""
        value = self.text(name)
        if not value:
            self.problems.append(f"{name} is missing. {mend}")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """1, true, yes, on against 0, false, no, off."""
        value = self.text(name, "1" if default else "0").lower()
        if value in {"1", "true", "yes", "on"}:
            return True
        if value not in {"", "0", "false", "no", "off"}:
            self.problems.append(f"{name} must be 1 or 0, not {value!r}.")
        return False

    def number(self, name: str, default: int) -> int:
        """A whole number that is not negative."""
        value = self.text(name, str(default))
        if not value.isdigit():
            self.problems.append(f"{name} must be a whole number, not {value!r}.")
            return default
        return int(value)

    def words(self, name: str, default: str = "", separator: str | None = ",") -> list[str]:
        """A list; ``separator`` None splits at blanks."""
        return [word.strip() for word in self.text(name, default).split(separator) if word.strip()]

    def origin(self, name: str, default: str) -> str:
        """``https://host[:port]`` without path; the last slash is dropped. Empty means the default."""
        value = self.text(name, default).rstrip("/") or default
        if not _is_origin(value):
            self.problems.append(f"{name} must look like https://host or http://host:port, not {value!r}.")
            return default
        return value

    def choice(self, name: str, default: str, known: tuple[str, ...]) -> str:
        """One of the known words."""
        value = self.text(name, default).lower() or default
        if value not in known:
            self.problems.append(f"{name} must be one of {', '.join(known)}, not {value!r}.")
            return default
        return value

    def keys(self, name: str) -> list[bytes]:
        """Comma-separated base64 keys of 32 bytes; at least one."""
        mend = "Make one: python -c 'import base64,os; print(base64.b64encode(os.urandom(32)).decode())'"
        found = []
        for number, word in enumerate(self.words(name), 1):
            try:
                key = base64.b64decode(word, validate=True)
            except (binascii.Error, ValueError):
                key = b""
            if len(key) == KEY_BYTES:
                found.append(key)
            else:
                self.problems.append(f"{name}: key {number} is not base64 of 32 bytes. {mend}")
        if not found and not any(problem.startswith(name) for problem in self.problems):
            self.problems.append(f"{name} is missing. {mend}")
        return found

    def database(self, name: str, default: str) -> dict[str, object]:
        """Django's database entry from a URL (``postgres://…``, ``sqlite:///…``)."""
        try:
            return dict(self._env.dj_db_url(name, default))
        except Exception as error:  # the parser behind it raises what it likes; the operator needs one line
            self.problems.append(f"{name} cannot be understood ({error}). Use postgres://user:password@host:5432/name.")
            return dict(self._env.dj_db_url("UNSET_DATABASE_URL", default))

    def email(self, name: str, default: str) -> dict[str, object]:
        """Django's ``EMAIL_*`` settings from a URL (``smtp+tls://user:password@host:587``, ``console:``)."""
        try:
            found = dict(self._env.dj_email_url(name, default))
        except Exception as error:  # as above
            self.problems.append(f"{name} cannot be understood ({error}). Use smtp+tls://user:password@host:587.")
            found = dict(self._env.dj_email_url("UNSET_EMAIL_URL", default))
        known = ("BACKEND", "HOST", "PORT", "HOST_USER", "HOST_PASSWORD", "USE_TLS", "USE_SSL", "TIMEOUT", "FILE_PATH")
        return {f"EMAIL_{key}": found[f"EMAIL_{key}"] for key in known if f"EMAIL_{key}" in found}

    def finish(self) -> None:
        """End the process with one line per fault, if there is any."""
        if self.problems:
            raise SystemExit("\n".join(f"Groundcrew cannot start: {problem}" for problem in self.problems))
