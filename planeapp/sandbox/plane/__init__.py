"""Plane as far as a marketplace app meets it: consent, tokens, REST v1, webhooks, agent runs, and a small tracker."""
