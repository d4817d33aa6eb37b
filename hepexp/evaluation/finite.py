"""Scores that are NaN or infinite are never evaluated, written or served."""

from __future__ import annotations

import numpy as np

from hepexp.errors import HepexpError
from hepexp.evaluation.readout import Outputs

_EXEMPT = ("loss", "gallery/")  # the mean over a batch, and pictures
_REMEDY = "the training diverged (lower optimizer.lr or set trainer.gradient_clip), or examples differ from its own"


def refuse_not_finite(outputs: Outputs) -> None:
    """Refuse per-example outputs that contain NaN or infinity.

    Raises
    ------
    HepexpError : names the output, the number of examples concerned, and the first of them.
    """
    for name, values in outputs.items():
        if name.startswith(_EXEMPT) or values.dtype.kind not in "fc" or np.isfinite(values).all():
            continue
        if name.startswith("model/"):
            raise HepexpError(f"the model has learnt {name.removeprefix('model/')} that are NaN or infinite: {_REMEDY}")
        bad = ~np.isfinite(values.reshape(len(values), -1)).all(axis=1)
        index = outputs["reference/index" if name.startswith("reference/") else "index"]
        raise HepexpError(
            f"the {name} of {int(bad.sum()):,} of {len(bad):,} examples are NaN or infinite, first for example "
            f"{index[np.argmax(bad)]}: {_REMEDY}"
        )
