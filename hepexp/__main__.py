"""`python -m hepexp`, the same as `hepexp`."""

import sys

from hepexp.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
