"""How far the logits of images change under rotations, in units of their spread."""

from __future__ import annotations

import numpy as np

from hepexp.evaluation.bootstrap import with_errors
from hepexp.evaluation.classifiers.breaking import over_spread
from hepexp.metric import Metric

ROTATION_ERROR = Metric(
    "symmetry/rotation_error",
    "lower",
    "rotation error",
    "RMS change of the logits under rotations by 22.5, 45 and 67.5 degrees, over their spread among images; "
    "of one test batch, smoothed by 1.5 pixels so that interpolation is accurate.",
    range=">= 0; 0 if invariant, about 1 if the change is as large as the differences between images",
    undefined="all images have the same logits",
    each_epoch=False,
)


def rotation_error(logits: np.ndarray, rotated: np.ndarray, seed: int) -> dict[str, float | str | None]:
    """The figure and its error.

    Parameters
    ----------
    logits : (n, C) of images; what they have in common changes no probability and is left out.
    rotated : (n, angles, C) of the same images rotated.
    """
    logits, rotated = (x.astype(np.float64) - x.astype(np.float64).mean(-1, keepdims=True) for x in (logits, rotated))
    change = np.square(rotated - logits[:, None]).mean((1, 2))
    return with_errors({ROTATION_ERROR.name: over_spread(logits, change)}, len(logits), seed)
