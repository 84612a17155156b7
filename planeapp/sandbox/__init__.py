"""Plane, Planner and Planhat, played over real HTTP for the demo and the end-to-end tests.

Its own process, with no import from or to the product: the product reaches it by URL alone.
"""
