"""App configuration."""

from django.apps import AppConfig


class CustomersConfig(AppConfig):
    """Knows the companies that work items are tied to."""

    name = "planeapp.customers"
    verbose_name = "Customers"
