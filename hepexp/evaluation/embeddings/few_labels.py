"""What can be read out with few labels: of which examples, by a linear probe, by fine-tuning, and from scratch.

References
----------
T. Chen et al., arXiv:2002.05709, section 4.2 and appendix B.5: the protocol with 1 % and 10 % of the labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hepexp.evaluation.bootstrap import OF_CENTRAL
from hepexp.evaluation.classifiers.rejection import NONE_PASSES
from hepexp.metric import ERROR, NOTE, Metric, is_beside, without_suffix

PROBE, FINE_TUNED, FROM_SCRATCH = "probe", "fine_tuned", "from_scratch"
NOT_TRAINED = "the fraction leaves a class without labels, or the training diverged"
OF_FEW_LABELS = (
    Metric(
        "probe_accuracy_at_{fraction}",
        "higher",
        "probe accuracy, {fraction} of the labels",
        "Fraction of examples classified correctly by a logistic regression on the embeddings, fitted to a "
        "fraction {fraction} of the training examples of each class, drawn by the seed; a smaller fraction is "
        "contained in any larger one (evaluation.label_fractions).",
        range="0 to 1",
        undefined="the fraction leaves a class without labels",
        each_epoch=False,
        values=("0.01", "0.1", "1"),
    ),
    Metric(
        "probe_auc_at_{fraction}",
        "higher",
        "probe AUC, {fraction} of the labels",
        "Area under the ROC curve of the logistic regression of probe_accuracy_at_{fraction}.",
        range="0 to 1; 0.5 is chance",
        undefined="the fraction leaves a class without labels",
        each_epoch=False,
        values=("0.01", "0.1", "1"),
    ),
    Metric(
        "probe_rejection_{eS}_at_{fraction}",
        "higher",
        "probe 1/εB (εS={eS}), {fraction} of the labels",
        "Background rejection 1/eB at signal efficiency {eS} of the logistic regression of "
        "probe_accuracy_at_{fraction}; two classes only. Error and lower bound as of rejection_{eS}.",
        latex=r"probe $1/\varepsilon_B$ ($\varepsilon_S={eS}$), {fraction} of the labels",
        range=">= 1; 1/eS is chance",
        error=OF_CENTRAL,
        undefined=NONE_PASSES,
        each_epoch=False,
    ),
    Metric(
        "fine_tuned_accuracy_at_{fraction}",
        "higher",
        "fine-tuned accuracy, {fraction} of the labels",
        "Fraction of examples classified correctly by the trained network with a new linear layer on its embedding, "
        "all of it trained further with the labels of probe_accuracy_at_{fraction} (evaluation.fine_tune_steps).",
        range="0 to 1",
        undefined=NOT_TRAINED,
        each_epoch=False,
        values=("0.01", "0.1", "1"),
    ),
    Metric(
        "fine_tuned_auc_at_{fraction}",
        "higher",
        "fine-tuned AUC, {fraction} of the labels",
        "Area under the ROC curve of the network of fine_tuned_accuracy_at_{fraction}.",
        range="0 to 1; 0.5 is chance",
        undefined=NOT_TRAINED,
        each_epoch=False,
        values=("0.01", "0.1", "1"),
    ),
    Metric(
        "fine_tuned_rejection_{eS}_at_{fraction}",
        "higher",
        "fine-tuned 1/εB (εS={eS}), {fraction} of the labels",
        "Background rejection 1/eB at signal efficiency {eS} of the network of fine_tuned_accuracy_at_{fraction}; two "
        "classes only. Error and lower bound as of rejection_{eS}.",
        latex=r"fine-tuned $1/\varepsilon_B$ ($\varepsilon_S={eS}$), {fraction} of the labels",
        range=">= 1; 1/eS is chance",
        error=OF_CENTRAL,
        undefined=NONE_PASSES,
        each_epoch=False,
    ),
    Metric(
        "from_scratch_accuracy_at_{fraction}",
        "higher",
        "accuracy from scratch, {fraction} of the labels",
        "Fraction of examples classified correctly by the network of fine_tuned_accuracy_at_{fraction} if it starts "
        "from random weights: the same batches, steps and learning rates.",
        range="0 to 1",
        undefined=NOT_TRAINED,
        each_epoch=False,
        values=("0.01", "0.1", "1"),
    ),
    Metric(
        "from_scratch_auc_at_{fraction}",
        "higher",
        "AUC from scratch, {fraction} of the labels",
        "Area under the ROC curve of the network of from_scratch_accuracy_at_{fraction}.",
        range="0 to 1; 0.5 is chance",
        undefined=NOT_TRAINED,
        each_epoch=False,
        values=("0.01", "0.1", "1"),
    ),
    Metric(
        "from_scratch_rejection_{eS}_at_{fraction}",
        "higher",
        "1/εB from scratch (εS={eS}), {fraction} of the labels",
        "Background rejection 1/eB at signal efficiency {eS} of the network of from_scratch_accuracy_at_{fraction}; "
        "two classes only. Error and lower bound as of rejection_{eS}.",
        latex=r"$1/\varepsilon_B$ from scratch ($\varepsilon_S={eS}$), {fraction} of the labels",
        range=">= 1; 1/eS is chance",
        error=OF_CENTRAL,
        undefined=NONE_PASSES,
        each_epoch=False,
    ),
)


def labelled_subset(label: NDArray[np.integer], fraction: float, seed: int) -> NDArray[np.int64]:
    """Places of a fraction of the examples of each class, rounded down, in the order of the examples.

    With the same seed a smaller subset is contained in any larger one.

    Parameters
    ----------
    label : (n,) classes.
    fraction : in (0, 1].
    """
    rng = np.random.default_rng(seed)
    kinds = [rng.permutation(np.flatnonzero(label == kind)) for kind in np.unique(label)]
    return np.sort(np.concatenate([members[: share_of(len(members), fraction)] for members in kinds]))


def share_of(n: int, fraction: float) -> int:
    """A fraction of n examples, rounded down; 0.07 of 100 are 7, whatever rounding in binary makes of it."""
    return int(fraction * n * (1 + 1e-12))


def empty_class(label: NDArray[np.integer], fraction: float, class_names: Sequence[str]) -> str:
    """Which class is left without labels by a fraction of these examples, in a line; empty if none is."""
    for kind, count in zip(*np.unique(label, return_counts=True), strict=True):
        if share_of(count, fraction) == 0:
            name = class_names[kind] if kind < len(class_names) else kind
            return f"a fraction {fraction:g} of the {count:,} training examples of class {name} is less than one"
    return ""


def scores_column(reader: str, fraction: float) -> str:
    """The column of the scores (n, C) of a network that was trained with a fraction of the labels."""
    return f"{reader}/scores_at_{fraction:g}"


def at_fraction(
    reader: str, fraction: float, judged: Mapping[str, float | str | None]
) -> dict[str, float | str | None]:
    """Figures of scores, with what accompanies them, by the names that they have at a fraction of the labels."""
    figure = {key: without_suffix(key) if is_beside(key) else key for key in judged}
    return {f"{reader}_{k}_at_{fraction:g}{whole.removeprefix(k)}": judged[whole] for whole, k in figure.items()}


def no_figures(reader: str, fraction: float, why: str) -> dict[str, float | str | None]:
    """The figures at a fraction of the labels with which nothing can be trained."""
    none = {key: value for f in ("accuracy", "auc") for key, value in ((f, None), (f + ERROR, None), (f + NOTE, why))}
    return at_fraction(reader, fraction, none)
