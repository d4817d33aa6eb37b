"""The address of an SQLite file for SQLAlchemy, which MLflow and Optuna open it by."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

SPECIAL = set("?#%")  # begin a query, a fragment, and a quoted character


def sqlite_address(file: Path) -> str:
    """`sqlite:///FILE`, quoted where the path needs it.

    Parameters
    ----------
    file : absolute.
    """
    if not SPECIAL & set(str(file)):
        return f"sqlite:///{file}"
    # The slashes, too: MLflow makes the folder of the file without unquoting it, and would leave an odd one behind.
    return f"sqlite:///{quote(str(file), safe='')}"
