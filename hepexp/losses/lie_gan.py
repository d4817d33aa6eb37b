"""LieGAN: transformations that a critic cannot detect are symmetries of the data."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.symmetry import SymmetryEvaluator
from hepexp.losses.adversarial import AdversarialObjective, Terms
from hepexp.losses.weighted import weight_of, weighted_mean
from hepexp.metric import Metric
from hepexp.models.layers.dense import dense
from hepexp.models.lie_generators import LieGenerators
from hepexp.symmetry.algebra import ALGEBRAS


class LieGan(AdversarialObjective[LieGenerators]):
    """A generator g of transformations, and a critic D that tells (x, y) from (g x, y).

    For an invariant task the critic gets the label y unchanged. The generator minimises

        -ln D(g x, y) - w_d min(|g x - x| / |x|, clip) + w_c mean_{i<j} |<L_i, L_j>| / (|L_i| |L_j|)

    where the second term keeps it away from the identity, which no critic can detect. The paper uses the cosine between
    x and g x instead, which favours rotations; the displacement favours no kind of transformation. The third term keeps
    the channels from learning the same generator. The first two terms, and those of the critic, are means over examples
    with their weights.

    Parameters
    ----------
    displacement_weight : w_d.
    displacement_clip : displacement above which there is no further reward.
    channel_weight : w_c.
    critic_widths : widths of the critic's hidden layers.
    critic_lr : learning rate of the critic; that of the generators is `optimizer.lr`.
    compare_with : algebra that the generators are compared with after training, so2, so3, so13 or boosts_z; null for
        none. It affects neither the training nor the choice of the epoch.
    test_displacement : E |g x - x| / |x| at which new critics judge each generator after training; those that they
        detect are no symmetries. Null for no verdict: all generators count.

    Raises
    ------
    ConfigError : values out of range; from `prepare`, a model without generators, or an algebra of another dimension.

    References
    ----------
    J. Yang, R. Walters, N. Dehmamy, R. Yu, arXiv:2302.00236, sections 4.2 and 4.3.
    """

    evaluator: SymmetryEvaluator
    metrics = (
        Metric(
            "train/deceived",
            "neither",
            "-ln D(g x)",
            "-ln D(g x, y), the generator's adversarial loss; ln 2 if the critic guesses.",
            range=">= 0",
            recorded=False,
        ),
        Metric(
            "train/displacement",
            "neither",
            "displacement",
            "Mean of |g x - x| / |x|, clipped at loss.displacement_clip.",
            range=">= 0",
            recorded=False,
        ),
        Metric(
            "train/overlap",
            "lower",
            "overlap of channels",
            "Mean absolute cosine between different generators; 0 for one alone.",
            range="0 to 1",
            recorded=False,
        ),
    )
    monitor = ("val/mismatch", "min")
    needs = (("example", "class"),)
    takes_weights = True

    def __init__(
        self,
        displacement_weight: float = 1.0,
        displacement_clip: float = 1.0,
        channel_weight: float = 1.0,
        critic_widths: Sequence[int] = (512, 512),
        critic_lr: float = 1e-3,
        compare_with: Literal["so2", "so3", "so13", "boosts_z"] | None = None,
        test_displacement: float | None = 0.3,
    ):
        super().__init__(critic_lr)
        for name, weight in (("displacement_weight", displacement_weight), ("channel_weight", channel_weight)):
            if not weight >= 0:
                raise ConfigError(f"loss.{name} must be >= 0, got {weight}")
        if not displacement_clip > 0:
            raise ConfigError(f"loss.displacement_clip must be > 0, got {displacement_clip}")
        if not critic_widths or min(critic_widths) < 1:
            raise ConfigError(f"loss.critic_widths must be one or more widths > 0, got {list(critic_widths)}")
        if compare_with is not None and compare_with not in ALGEBRAS:
            raise ConfigError(f"loss.compare_with must be null or one of {', '.join(ALGEBRAS)}, got {compare_with!r}")
        if test_displacement is not None and not 0 < test_displacement <= 1:
            raise ConfigError(f"loss.test_displacement must be null, or > 0 and <= 1, got {test_displacement}")
        self.displacement_weight, self.displacement_clip = displacement_weight, displacement_clip
        self.channel_weight = channel_weight
        self.critic_widths = tuple(critic_widths)
        self.algebra = None if compare_with is None else ALGEBRAS[compare_with]()
        self.evaluator = SymmetryEvaluator(self.algebra, test_displacement)

    def prepare(self, model: nn.Module, example, spec: DataSpec) -> None:
        if not isinstance(model, LieGenerators):
            raise ConfigError(
                f"loss=lie_gan trains generators, but {type(model).__name__} has none; choose model=lie_points or "
                "model=lie_momenta"
            )
        model.check(example)
        k, n = model.vectors(example).shape[1:]
        if self.algebra is not None and self.algebra.n != n:
            raise ConfigError(
                f"loss.compare_with names {self.algebra.name}, which acts on {self.algebra.n} dimensions; "
                f"{type(model).__name__} has vectors of {n}"
            )
        self.n_classes = spec.n_classes
        self.critic = dense(k * n + self.n_classes, self.critic_widths, 1, partial(nn.LeakyReLU, 0.2))

    def learnt(self, model: LieGenerators) -> dict[str, Tensor]:
        return {"generators": model.generators}

    def outputs(self, model: LieGenerators, batch) -> dict[str, Tensor]:
        x = model.vectors(batch)
        return {"vectors": x, "transformed": model.transform(x, model.draw(batch))}

    def generator_terms(self, model: LieGenerators, batch) -> tuple[Terms, dict[str, Tensor]]:
        x = model.vectors(batch)
        moved = model.transform(x, model.draw(batch))
        logit = self._logit(moved, batch.label)
        deceived = F.softplus(-logit)  # -ln D
        displacement = _displacement(x, moved).clamp(max=self.displacement_clip)
        overlap = _overlap(model.generators)
        each = deceived - self.displacement_weight * displacement + self.channel_weight * overlap  # (B,)
        weight = weight_of(batch)
        means = {"deceived": weighted_mean(deceived, weight), "displacement": weighted_mean(displacement, weight)}
        loss = means["deceived"] - self.displacement_weight * means["displacement"] + self.channel_weight * overlap
        terms = {"loss": loss, **means, "overlap": overlap}
        if self.training:
            return terms, {}
        return terms, {
            "loss": each.detach(),
            "vectors": x,
            "transformed": moved,
            "logit": self._logit(x, batch.label),
            "transformed_logit": logit,
        }

    def critic_terms(self, model: LieGenerators, batch) -> Terms:
        with torch.no_grad():
            x = model.vectors(batch)
            moved = model.transform(x, model.draw(batch))
        real, fake = self._logit(x, batch.label), self._logit(moved, batch.label)
        each = F.softplus(-real) + F.softplus(fake)  # -ln D(x) - ln (1 - D(g x)); 2 ln 2 for a guess
        right = ((real > 0).float() + (fake <= 0).float()) / 2
        weight = weight_of(batch)
        return {"loss": weighted_mean(each, weight), "accuracy": weighted_mean(right, weight)}

    def _logit(self, vectors: Tensor, label: Tensor) -> Tensor:
        """Score (B,) of being an untransformed example: D is its sigmoid."""
        label = F.one_hot(label, self.n_classes).to(vectors.dtype)
        return self.critic(torch.cat([vectors.flatten(1), label], dim=1)).squeeze(1)


def _displacement(x: Tensor, moved: Tensor) -> Tensor:
    """|g x - x| / |x| of each example (B,), over all its vectors; 0 where there is nothing to move."""
    length = x.flatten(1).norm(dim=1)
    return (moved - x).flatten(1).norm(dim=1) / torch.where(length > 0, length, 1)


def _overlap(generators: Tensor) -> Tensor:
    """Mean absolute cosine between different generators; 0 for one alone."""
    unit = F.normalize(generators.flatten(1), dim=1)
    pairs = torch.triu_indices(len(unit), len(unit), offset=1)
    return (unit @ unit.T)[pairs[0], pairs[1]].abs().sum() / max(pairs.shape[1], 1)
