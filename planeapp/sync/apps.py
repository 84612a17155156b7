"""App configuration."""

from django.apps import AppConfig


class SyncConfig(AppConfig):
    """Keeps two sides in step."""

    name = "planeapp.sync"
    verbose_name = "Sync"
