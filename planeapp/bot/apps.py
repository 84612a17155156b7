"""App configuration."""

from django.apps import AppConfig


class BotConfig(AppConfig):
    """Listens and answers in comments."""

    name = "planeapp.bot"
    verbose_name = "Bot"
