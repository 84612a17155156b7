"""App configuration."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    """The pages that people see."""

    name = "planeapp.dashboard"
    verbose_name = "Dashboard"
