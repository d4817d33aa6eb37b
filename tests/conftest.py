"""What all tests share: output as in a pipe, however wide the terminal that they were started from."""

import os

for name in ("COLUMNS", "LINES"):  # test runners pass their own on
    os.environ.pop(name, None)
