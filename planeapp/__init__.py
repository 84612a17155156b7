"""Groundcrew for Plane. Importing the package loads nothing: settings and Celery have their own modules."""
