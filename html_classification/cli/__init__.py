"""The command line.

Belongs here: arguments, progress, tables, exit codes, one module for each group of commands. Does not belong
here: what the commands do (`automation`, `lake`, `training`). Heavy imports are made by the command that needs
them, so that `--help` answers at once.
"""

import sys


def main() -> None:
    """Run the command line. Ctrl-C ends it with one line, also while it is being imported, which takes a moment."""
    try:
        from html_classification.cli.program import call

        call()
    except KeyboardInterrupt:
        sys.stderr.write("html-classification: stopped\n")
        raise SystemExit(130) from None
