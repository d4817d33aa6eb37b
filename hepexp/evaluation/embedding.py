"""The quality of an embedding: neighbours, a linear probe, and signs of collapse."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


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


def effective_rank(embedding: NDArray) -> float:
    """exp(entropy) of the normalised singular values of the centred embedding (n, D); 1 when it is a line.

    References
    ----------
    O. Roy, M. Vetterli, "The effective rank", EUSIPCO 2007, equation 3.
    """
    singular = np.linalg.svd(embedding - embedding.mean(0), compute_uv=False)
    if singular.sum() == 0:
        return 0.0
    share = singular[singular > 0] / singular.sum()
    return float(np.exp(-(share * np.log(share)).sum()))


def mean_std(embedding: NDArray) -> float:
    """Standard deviation over examples of the embedding (n, D) on the unit sphere, averaged over dimensions.

    1 / sqrt(D) for isotropic directions, 0 for a collapsed embedding.
    """
    norm = np.linalg.norm(embedding, axis=1, keepdims=True)
    return float((embedding / np.where(norm > 0, norm, 1)).std(0).mean())


def _spread_over_classes(scores: NDArray, present: NDArray[np.integer], n_classes: int) -> NDArray[np.float64]:
    full = np.zeros((len(scores), n_classes))
    full[:, present] = scores
    return full
