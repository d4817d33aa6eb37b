"""How classifiers are trained that are to tell generated from true examples.

References
----------
C. Krause et al. (CaloChallenge), arXiv:2410.21611, section 5: the default sizes are theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hepexp.errors import ConfigError

FEWEST_STEPS, SMALLEST_BATCH = 20, 16  # of an epoch
PARTS = 5  # three to train on, one to choose the epoch, one to test
_MOST_EPOCHS, _MOST_WIDTH = 100_000, 100_000


@dataclass(frozen=True)
class ClassifierKeys:
    """Sizes of the classifiers, and of their training.

    Parameters
    ----------
    widths : hidden layers.
    epochs : 0 for no classifiers.
    splits : number of trainings, each tested on another part.
    lr : of Adam.
    batch_size : at most; a smaller sample is divided into 20 batches, as one step an epoch would teach nothing.
    """

    widths: tuple[int, ...] = (2048, 2048, 2048)
    epochs: int = 50
    splits: int = 1
    lr: float = 2e-4
    batch_size: int = 1000

    def __post_init__(self) -> None:
        if not self.widths or not all(1 <= width <= _MOST_WIDTH for width in self.widths):
            raise ConfigError(
                f"evaluation.classifier_widths must be one or more widths from 1 to {_MOST_WIDTH:,}, got "
                f"{list(self.widths)}"
            )
        for key, least, most in (("epochs", 0, _MOST_EPOCHS), ("splits", 1, PARTS)):
            if not least <= getattr(self, key) <= most:
                raise ConfigError(
                    f"evaluation.classifier_{key} must be from {least} to {most:,}, got {getattr(self, key)}"
                )

    def batch(self, n: int) -> int:
        """Examples in a batch, of n to train on."""
        return min(self.batch_size, max(SMALLEST_BATCH, n // FEWEST_STEPS))

    def parts(self, n: int, seed: int) -> list[tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]]:
        """Of each training, the rows to train on, to choose the epoch by, and to test; empty for less than five.

        Parameters
        ----------
        n : number of examples of each sample.
        """
        if n < PARTS:
            return []
        fifths = np.array_split(np.random.default_rng(seed).permutation(n), PARTS)
        rolled = [fifths[k:] + fifths[:k] for k in range(self.splits)]
        return [(np.concatenate(train), choose, test) for *train, choose, test in rolled]


PUBLISHED = ClassifierKeys()
