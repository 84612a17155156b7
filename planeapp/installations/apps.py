"""App configuration."""

from django.apps import AppConfig


class InstallationsConfig(AppConfig):
    """Installations, connections, credentials."""

    name = "planeapp.installations"
    verbose_name = "Installations"
