"""The ``peerchat`` command: Django's commands and ours under one name."""

import os
import sys

from peerchat.config import SettingsWrong
from peerchat.logging import take_over_hooks


def main() -> None:
    """Run the command line; a wrong setting ends it with status 2 and says which, without a traceback."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "peerchat.settings"
    take_over_hooks()
    from django.core.management import execute_from_command_line

    try:
        # Commands are modules, so that `crisis-match` is crisis_match.py.
        name = [argument.replace("-", "_") for argument in sys.argv[1:2] if not argument.startswith("-")]
        execute_from_command_line(["peerchat", *name, *sys.argv[1 + len(name) :]])
    except SettingsWrong as error:
        print("peerchat cannot start:", file=sys.stderr)
        for problem in error.problems:
            print(f"  {problem}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
