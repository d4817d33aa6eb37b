"""What all tests share: output as in a pipe, however wide the terminal that they were started from."""

import os
import tempfile

for name in ("COLUMNS", "LINES"):  # test runners pass their own on
    os.environ.pop(name, None)
CONFIG = tempfile.TemporaryDirectory(prefix="hepexp_config_")  # not the user's list of MLflow servers
os.environ["XDG_CONFIG_HOME"] = CONFIG.name
