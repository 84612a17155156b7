"""The product's addresses, with the support pages at a path."""

from django.urls import path

from planeapp.operators.support import site
from planeapp.urls import handler404, urlpatterns

urlpatterns = [*urlpatterns, path("support-x7k2/", site.urls)]
__all__ = ["handler404", "urlpatterns"]
