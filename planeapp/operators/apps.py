"""App configuration."""

from django.apps import AppConfig


class OperatorsConfig(AppConfig):
    """Health and command line."""

    name = "planeapp.operators"
    verbose_name = "Operators"
