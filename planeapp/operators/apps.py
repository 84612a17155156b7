"""App configuration."""

from django.apps import AppConfig
from django.conf import settings


class OperatorsConfig(AppConfig):
    """Health, metrics, command line."""

    name = "planeapp.operators"
    verbose_name = "Operators"

    def ready(self) -> None:
        """Hear the workers' signs of life; carry ids through tasks; report errors to Sentry where it is set."""
        from planeapp.lib import log_context, sentry
        from planeapp.operators import signs

        signs.listen()
        log_context.carry()
        if settings.SENTRY_DSN:
            sentry.start(settings.SENTRY_DSN)
