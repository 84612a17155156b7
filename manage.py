#!/usr/bin/env python
"""Command line of the app; ``python manage.py help`` lists what it can do."""

import os
import sys


def main() -> None:
    """Hand over to Django; the demo brings its own settings."""
    if sys.argv[1:2] == ["demo"] or os.environ.get("GROUNDCREW_DEMO") == "1":
        from planeapp.operators.demo.environment import prepare

        prepare(os.environ)
    elif sys.argv[1:2] == ["understand"]:
        from planeapp.operators.demo.environment import prepare_throwaway

        prepare_throwaway(os.environ)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "planeapp.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
