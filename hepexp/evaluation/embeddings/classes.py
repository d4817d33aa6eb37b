"""Classes read off an embedding: by the nearest training examples, and by a linear probe fitted to some."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hepexp.evaluation.bootstrap import OF_CENTRAL
from hepexp.evaluation.classifiers.figure_of_merit import ONE_CLASS
from hepexp.evaluation.classifiers.rejection import NONE_PASSES
from hepexp.metric import Metric

OF_NEIGHBOURS = (
    Metric(
        "knn_accuracy",
        "higher",
        "kNN accuracy",
        "Fraction of examples whose class is the most frequent among the k nearest training examples (k = 5 by "
        "default; Euclidean distance between embeddings).",
        latex="$k$NN accuracy",
        range="0 to 1",
        column=True,
    ),
    Metric(
        "knn_auc",
        "higher",
        "kNN AUC",
        "Area under the ROC curve, with the fraction of signal among the k nearest training examples (k = 5 by "
        "default) as score; for more than two classes the mean of the areas of each class against the rest.",
        latex="$k$NN AUC",
        range="0 to 1; 0.5 is chance",
        undefined=ONE_CLASS,
        column=True,
    ),
    Metric(
        "knn_rejection_{eS}",
        "higher",
        "kNN 1/εB (εS={eS})",
        "Background rejection 1/eB at signal efficiency {eS}, with the fraction of signal among the k nearest "
        "training examples (k = 5 by default) as score; two classes only. Error and lower bound as of "
        "rejection_{eS}.",
        latex=r"$k$NN $1/\varepsilon_B$ ($\varepsilon_S={eS}$)",
        range=">= 1; 1/eS is chance",
        error=OF_CENTRAL,
        undefined=NONE_PASSES,
        each_epoch=False,
        values=("0.3", "0.5"),
    ),
)
OF_PROBE = (
    Metric(
        "probe_accuracy",
        "higher",
        "probe accuracy",
        "Fraction of examples classified correctly by a logistic regression on the embeddings, fitted to training "
        "examples (linear evaluation: arXiv:2002.05709, section 2.3).",
        latex="probe accuracy",
        range="0 to 1",
        each_epoch=False,
        column=True,
    ),
    Metric(
        "probe_auc",
        "higher",
        "probe AUC",
        "Area under the ROC curve of a logistic regression on the embeddings, fitted to training examples; for "
        "more than two classes the mean of the areas of each class against the rest.",
        latex="probe AUC",
        range="0 to 1; 0.5 is chance",
        undefined=ONE_CLASS,
        each_epoch=False,
        column=True,
    ),
    Metric(
        "probe_rejection_{eS}",
        "higher",
        "probe 1/εB (εS={eS})",
        "Background rejection 1/eB at signal efficiency {eS} of a logistic regression on the embeddings, fitted "
        "to training examples; two classes only. Error and lower bound as of rejection_{eS}.",
        latex=r"probe $1/\varepsilon_B$ ($\varepsilon_S={eS}$)",
        range=">= 1; 1/eS is chance",
        error=OF_CENTRAL,
        undefined=NONE_PASSES,
        each_epoch=False,
        values=("0.3", "0.5"),
    ),
)


def neighbour_scores(
    embedding: NDArray, reference: NDArray, reference_label: NDArray[np.integer], n_classes: int, k: int = 5
) -> NDArray[np.float64]:
    """Fraction of each class (n, C) among the k nearest reference examples, by Euclidean distance.

    Parameters
    ----------
    embedding : (n, D) of the examples to evaluate.
    reference, reference_label : (m, D) and (m,) of labelled examples, from the training split.
    """
    from sklearn.neighbors import KNeighborsClassifier

    neighbours = KNeighborsClassifier(min(k, len(reference))).fit(reference, reference_label)
    return _spread_over_classes(neighbours.predict_proba(embedding), neighbours.classes_, n_classes)


def probe_scores(
    embedding: NDArray, reference: NDArray, reference_label: NDArray[np.integer], n_classes: int
) -> NDArray[np.float64]:
    """Probabilities (n, C) from a logistic regression fitted to the standardised reference embeddings.

    References
    ----------
    The protocol of linear evaluation: T. Chen et al., arXiv:2002.05709, section 2.3.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    probe.fit(reference, reference_label)
    return _spread_over_classes(probe.predict_proba(embedding), probe.classes_, n_classes)


def _spread_over_classes(scores: NDArray, present: NDArray[np.integer], n_classes: int) -> NDArray[np.float64]:
    full = np.zeros((len(scores), n_classes))
    full[:, present] = scores
    return full
