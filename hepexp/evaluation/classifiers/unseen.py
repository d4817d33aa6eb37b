"""Whether a classifier doubts examples of a class that it was not trained on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hepexp.evaluation.bootstrap import ones, with_errors
from hepexp.evaluation.classifiers.uncertainty import EPISTEMIC, entropy
from hepexp.evaluation.roc import Roc, area
from hepexp.metric import Metric

UNSEEN = (
    Metric(
        "unseen_auc_{doubt}",
        "higher",
        "AUC of unseen classes, {doubt}",
        "AUC of the {doubt} of a prediction between examples of classes that the network was not trained on and those "
        "of its own classes; 0.5 if it does not notice.",
        range="0 to 1",
        each_epoch=False,
        values=("entropy", "epistemic", "one_minus_max"),
    ),
)
Columns = dict[str, NDArray]


def doubts(outputs: Columns) -> dict[str, NDArray[np.float64]]:
    """Measures (n,) of the doubt of predictions, larger for more: entropy in nats, 1 - largest probability, epistemic.

    References
    ----------
    D. Hendrycks, K. Gimpel, arXiv:1610.02136 (the largest probability).
    """
    scores = outputs["scores"].astype(np.float64)
    found = {"entropy": entropy(scores), "one_minus_max": 1 - scores.max(1)}
    return found | ({EPISTEMIC: outputs[EPISTEMIC].astype(np.float64)} if EPISTEMIC in outputs else {})


def unseen_figures(known: Columns, unseen: Columns, seed: int) -> dict[str, float | str | None]:
    """The AUC of each measure, with bootstrap errors over the examples of both kinds.

    Those that have the column `weight` count by it, the others alike.
    """
    ours, theirs = doubts(known), doubts(unseen)
    n, n_unseen = len(known["scores"]), len(unseen["scores"])
    is_unseen = np.arange(n + n_unseen) >= n
    curves = {name: Roc(np.concatenate([ours[name], theirs[name]]), is_unseen) for name in ours}
    of = {f"unseen_auc_{name}": lambda w, curve=curve: area(*curve.counts(w)) for name, curve in curves.items()}
    weight = None
    if "weight" in known or "weight" in unseen:
        weight = np.concatenate([ones(n, known.get("weight")), ones(n_unseen, unseen.get("weight"))])
    return with_errors(of, n + n_unseen, seed, weight=weight)
