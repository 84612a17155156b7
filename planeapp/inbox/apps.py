"""App configuration."""

from django.apps import AppConfig


class InboxConfig(AppConfig):
    """What vendors push."""

    name = "planeapp.inbox"
    verbose_name = "Inbox"
