"""Options of the verbs that take a run."""

from __future__ import annotations

import argparse
from typing import NoReturn

from hepexp.errors import ConfigError


class Parser(argparse.ArgumentParser):
    """argparse whose complaints are one line and exit code 2, as everywhere in the shell."""

    def __init__(self, verb: str, description: str):
        super().__init__(
            prog=f"hepexp {verb}", description=description, allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )  # fmt: skip

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message}; see: {self.prog} --help")
