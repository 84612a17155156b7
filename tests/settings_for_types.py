"""The settings as the type checker needs them: with an environment in which they can be read."""

from tests import environment  # noqa: F401 - fills the environment

from planeapp.settings import *  # noqa: F403  # isort: skip
