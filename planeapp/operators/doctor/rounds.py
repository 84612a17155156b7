"""All looks, one after the other; a look that breaks does not end the others."""

from __future__ import annotations

from planeapp.operators.doctor import configuration, inside, outside
from planeapp.operators.doctor.findings import Finding, Look, guarded

LOOKS: dict[str, tuple[Look, str]] = {
    "settings": (configuration.look, "Check the environment against docs/settings.md."),
    "database": (inside.database, "Check DATABASE_URL, and that the server runs and lets this machine in."),
    "keys": (inside.encryption, "Check ENCRYPTION_KEYS and the database."),
    "redis": (inside.broker, "Check REDIS_URL, and that the server runs and lets this machine in."),
    "cache": (inside.kept, "Run python manage.py createcachetable, or mend Redis first."),
    "workers": (inside.workers, "Mend the database first."),
    "static files": (inside.static, "Run python manage.py collectstatic --noinput."),
    "vendors": (outside.vendors, "Check OUTBOUND_ALLOW and the vendors' addresses."),
    "mail": (outside.mail, "Check EMAIL_URL."),
}


def examine() -> list[Finding]:
    """Everything that was found, in order."""
    return [finding for part, (look, mend) in LOOKS.items() for finding in guarded(part, look, mend)]
