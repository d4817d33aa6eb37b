"""The examples of one source, opened and split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from hepexp.data.store.store import Store


@dataclass(frozen=True)
class SplitStore:
    """The examples of one source.

    Parameters
    ----------
    source : `full`, `mini` or `generate`.
    store : the examples.
    splits : rows of each split.
    excerpt : says which published files are incomplete, or None.
    """

    source: str
    store: Store
    splits: dict[str, NDArray[np.int64]]
    excerpt: str | None = None

    @property
    def origin(self) -> str:
        """Whether the examples were published or simulated, and how, in a few words."""
        if self.source == "full":
            return "excerpt of the published files" if self.excerpt else "published files"
        about = self.store.metadata[0]
        where = "sample shipped with hepexp" if self.source == "mini" else "sample made on this machine"
        how = "simulated " if about.get("source") == "generate" else ""
        return f"{how}{where}: {about.get('command', 'origin unknown')}"
