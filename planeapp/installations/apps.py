"""App configuration."""

from django.apps import AppConfig


class InstallationsConfig(AppConfig):
    """Installations, connections, credentials."""

    name = "planeapp.installations"
    verbose_name = "Installations"

    def ready(self) -> None:
        """Register the start-up checks."""
        from planeapp.installations import checks  # noqa: F401
