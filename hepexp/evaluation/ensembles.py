"""The prediction of several networks for the same examples, with what they disagree about."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from hepexp.errors import ConfigError
from hepexp.evaluation.classifiers.temperature import negative_log_likelihood
from hepexp.evaluation.classifiers.uncertainty import ALEATORIC, of_networks
from hepexp.evaluation.evaluators.evaluator import Outputs

OF_EACH = ("index", "label", "weight", "target")  # what must agree


def combined(members: Sequence[Outputs], loss: Callable[[Outputs], NDArray] | None = None) -> Outputs:
    """One set of outputs from those of each network.

    Of classifiers the scores are the mean probabilities and the loss their negative log-likelihood, beside `spread`,
    `aleatoric` and `epistemic`; see `of_networks`. Of regression `predicted` is the mean, `epistemic` (n, T) the
    standard deviation over the networks, with their number less one, `aleatoric` (n, T) the root of their mean
    sigma^2, and `sigma` the root of the sum of squares, in the units of the targets: the variance of the mixture of
    many such networks (arXiv:1612.01474, section 2.4). The loss is that of this prediction, not the mean of theirs.

    Parameters
    ----------
    members : what each network predicts for the same examples.
    loss : of regression, that of each example (n,), from outputs with `target`.

    Raises
    ------
    ConfigError : they are of other examples, or neither classify nor predict real numbers.
    """
    first = members[0]
    for name in OF_EACH:
        if any((name in one) != (name in first) or not _equal(one.get(name), first.get(name)) for one in members):
            raise ConfigError(
                f"these runs do not have the same examples: their {name} differs; give all of them the same data with "
                "data.KEY=VALUE"
            )
    if "scores" in first:
        own = np.stack([one[ALEATORIC] for one in members]) if all(ALEATORIC in one for one in members) else None
        found = of_networks(np.stack([one["scores"] for one in members]), own)
        if "loss" in first:
            found["loss"] = negative_log_likelihood(found["scores"], first["label"]).astype(np.float32)
    elif "predicted" in first and first["predicted"].dtype.kind == "f":  # of classified elements it is their numbers
        found = _of_regressions(members)
        if loss is not None and "target" in first and "loss" in first:  # else its evaluator has that of all examples
            found["loss"] = loss({"target": first["target"], **found}).astype(np.float32)
    else:
        raise ConfigError(
            "an ensemble is of classifiers or of regressions; these runs predict neither classes nor numbers"
        )
    kept = {name: values for name, values in first.items() if name in OF_EACH or name.startswith("observed/")}
    return kept | found


def _of_regressions(members: Sequence[Outputs]) -> Outputs:
    predicted = np.stack([one["predicted"] for one in members])
    epistemic = predicted.astype(np.float64).std(0, ddof=1)
    found = {"predicted": predicted.mean(0), "epistemic": epistemic.astype(predicted.dtype)}
    if all("sigma" in one for one in members):
        variance = np.mean([one["sigma"].astype(np.float64) ** 2 for one in members], axis=0)
        found["aleatoric"] = np.sqrt(variance).astype(predicted.dtype)
        found["sigma"] = np.sqrt(variance + epistemic**2).astype(predicted.dtype)
    if all("quantiles" in one for one in members):
        found["quantiles"] = np.mean([one["quantiles"] for one in members], axis=0)
    return found


def _equal(one: NDArray | None, other: NDArray | None) -> bool:
    if one is None or other is None:
        return one is other
    return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
