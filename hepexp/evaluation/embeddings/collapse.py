"""Signs of a collapse: how many dimensions an embedding fills, how widely, and in how many it hardly varies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hepexp.evaluation.embeddings.alignment import on_sphere
from hepexp.metric import Metric

COLLAPSED = 0.9  # of the dimensions: a warning
EQUAL_WITHIN = 0.01  # of the length of embeddings; those of an untrained network differ by a few percent
OF_COLLAPSE = (
    Metric(
        "effective_rank",
        "neither",
        "effective rank",
        "exp(entropy) of the normalised singular values of the centred embeddings: how many dimensions they fill "
        "(Roy and Vetterli, EUSIPCO 2007, equation 3).",
        range="1 to the width of the embedding; 0 if all embeddings are equal",
        no_error="defined for all embeddings together",
    ),
    Metric(
        "embedding_std",
        "neither",
        "spread of embeddings",
        "Standard deviation over examples of the embeddings on the unit sphere, averaged over their D "
        "dimensions: 0 if they have collapsed, 1/sqrt(D) if they are isotropic.",
        range="0 to 1/sqrt(D)",
        no_error="defined for all embeddings together",
    ),
    Metric(
        "collapsed_dimensions",
        "lower",
        "collapsed dimensions",
        "Fraction of the D dimensions in which embeddings on the unit sphere are equal: their standard deviation "
        "over examples is at most 1 % of 1/sqrt(D), that of isotropic ones. Embeddings of loss=pair are taken as "
        "they are, and 1 % is of their root mean square length, or of the distance 0.5. From 0.9 on a line of the "
        "run warns of a collapse.",
        range="0 to 1",
        no_error="defined for all embeddings together",
    ),
)


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
    return float(on_sphere(embedding).std(0).mean())


def collapsed_dimensions(embedding: NDArray, least_length: float = 0.0) -> float:
    """Fraction of dimensions in which the embedding (n, D) hardly varies, by `EQUAL_WITHIN` of its length.

    Parameters
    ----------
    least_length : what counts as the length of shorter embeddings.

    References
    ----------
    Complete and dimensional collapse: L. Jing et al., arXiv:2110.09348.
    """
    z = embedding.astype(np.float64)
    length = max(float(np.sqrt(np.square(z).sum(1).mean())), least_length)
    return float((z.std(0) <= EQUAL_WITHIN * length / z.shape[1] ** 0.5).mean())


def collapse_doubt(share: float) -> str:
    """One line on an embedding of which this share of the dimensions has collapsed; empty if that is small."""
    if share < COLLAPSED:
        return ""
    return (
        f"the embedding has collapsed, to the same for all examples in {share:.0%} of its dimensions; lower "
        "optimizer.lr, or spread embeddings: by loss=supervised_contrastive, or for views by loss=vicreg with a larger "
        "loss.variance"
    )
