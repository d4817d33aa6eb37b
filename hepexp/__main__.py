"""The process of the command `hepexp`, and of `python -m hepexp`, which is the same."""

import os
import signal
import sys

# Processes started by this one import nothing from the working directory, which may hold somebody else's files.
os.environ["PYTHONSAFEPATH"] = "1"


def run() -> int:
    """Run this process's command line; Ctrl-C is heard before anything else is loaded.

    Returns
    -------
    The exit code.
    """
    from hepexp.errors import Interrupted
    from hepexp.interrupts import Interrupts, leave

    try:
        with Interrupts(importing=leave):
            from hepexp.cli.main import main

            code = main()
        # All is done: a signal now ends the interpreter's own end, without a word.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        return code
    except Interrupted:
        leave()


if __name__ == "__main__":
    sys.exit(run())
