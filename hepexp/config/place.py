"""Where in the code of a plug-in an error was raised."""

import traceback
from pathlib import Path

from hepexp.config import plugins


def describe(error: BaseException) -> str:
    """The error's kind and message, with the innermost file and line of a plug-in if it passed through one."""
    text = f"{type(error).__name__}: {error}"
    folders = [folder for folder in map(plugins.package_dir, plugins.packages()) if folder]
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if any(Path(frame.filename).is_relative_to(folder) for folder in folders):
            return f"{text} ({frame.filename}:{frame.lineno})"
    return text
