"""The commit and the uncommitted changes of the checkout that hepexp runs from."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import hepexp

MAX_DIFF = 1_000_000  # characters; a longer diff means a data file added by mistake


def checkout_state(package: Path | None = None) -> dict[str, object] | None:
    """The state of the git checkout that holds the package.

    Returns
    -------
    `sha` of HEAD, `dirty`, `diff` against HEAD (text, cut after 10^6 characters with a last line that says so),
    `untracked` (names); None for an installed wheel, and where git does not run.
    """
    package = Path(hepexp.__file__).parent if package is None else package
    # A wheel in a virtual environment inside another repository is no checkout of hepexp: HEAD must hold the package.
    sha = _git(package, "rev-parse", "HEAD")
    if sha is None or not _git(package, "ls-tree", "--name-only", "HEAD", "__init__.py"):
        return None
    diff = _git(package, "diff", "HEAD", "--no-ext-diff", "--no-color") or ""
    untracked = (_git(package, "ls-files", "--others", "--exclude-standard", "--full-name", ":/") or "").splitlines()
    if len(diff) > MAX_DIFF:
        diff = f"{diff[:MAX_DIFF]}\n(cut here: the diff has {len(diff)} characters)\n"
    return {"sha": sha.strip(), "dirty": bool(diff or untracked), "diff": diff, "untracked": untracked}


def _git(folder: Path, *arguments: str) -> str | None:
    # Without optional locks: jobs that start together must not fight over the index of the checkout.
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        result = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, timeout=20, check=True, env=environment
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.decode("utf-8", errors="replace")
