"""The evidence lower bound of a variational autoencoder for sparse images."""

from __future__ import annotations

import math
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.reconstruction import ReconstructionEvaluator
from hepexp.losses.mean_image import MeanImage
from hepexp.losses.objective import Objective
from hepexp.losses.weighted import weight_of, weighted_mean
from hepexp.metric import Metric

GALLERY = 6  # images that are shown with their reconstructions


@runtime_checkable
class VariationalAutoencoder(Protocol):
    """A model of images (B, C, H, W), with means and ln variances of its latent variables (B, d)."""

    def encode(self, image: Tensor) -> tuple[Tensor, Tensor]: ...
    def decode(self, z: Tensor) -> Tensor: ...


class Elbo(Objective[VariationalAutoencoder]):
    """-ln p(x | z) + beta KL(q(z | x) || N(0, 1)), with p Gaussian and the optimal variance in each channel.

    With the variance of a channel at its maximum-likelihood value, which is the mean squared error, the first term is
    D_c / 2 ln(error_c) up to a constant (D_c pixels): it balances reconstruction against KL without a hand-tuned
    factor. A blank image is then not a good solution even if 98 % of the pixels are empty, as small errors mean small
    variances. Pixels that are not empty can be given a larger weight, at the price of overestimating the energy of
    faint ones.

    With weights the loss is sum_i w_i l_i / sum_i |w_i| over examples i, and the variance of a channel the mean of its
    errors with the weights |w_i|, which is positive.

    Parameters
    ----------
    beta : factor of the KL term.
    occupied_weight : weight of a non-empty pixel in the training error; 1 for the likelihood itself.

    Raises
    ------
    ConfigError : a negative beta, or a weight below 1.

    References
    ----------
    D. P. Kingma, M. Welling, arXiv:1312.6114, eq. 3; O. Rybkin, K. Daniilidis, S. Levine, arXiv:2006.13202, section 4
    (optimal variance).
    """

    evaluator: ReconstructionEvaluator
    metrics = (
        Metric(
            "train/nll",
            "lower",
            "negative log-likelihood",
            "-ln p(x | z) in nat with the variance of each channel at its optimum, averaged over examples.",
            range="any number, as p is a density",
            recorded=False,
        ),
        Metric(
            "train/kl",
            "lower",
            "KL divergence",
            "KL(q(z|x) || N(0, 1)) in nat, averaged over examples.",
            range=">= 0",
            recorded=False,
        ),
    )
    monitor = ("val/loss", "min")  # a channel counts by its relative error, whatever its scale
    takes_weights = True

    def __init__(self, beta: float = 1.0, occupied_weight: float = 1.0):
        super().__init__()
        if not (0 <= beta < float("inf") and 1 <= occupied_weight < float("inf")):
            raise ConfigError(f"loss needs beta >= 0 and occupied_weight >= 1, got {beta} and {occupied_weight}")
        self.beta = beta
        self.occupied_weight = occupied_weight

    def prepare(self, model: nn.Module, example, spec: DataSpec) -> None:
        latent = None
        if isinstance(model, VariationalAutoencoder) and hasattr(example, "image"):
            with torch.no_grad():
                latent = model.encode(example.image)
        if not isinstance(latent, tuple):  # mean and ln variance
            raise ConfigError(
                f"loss=elbo needs a variational autoencoder of images, not {type(model).__name__}; choose model=vae"
            )
        self.baseline = MeanImage(example.image.shape[1:])
        n_pixels = example.image[0, 0].numel()
        self.evaluator = ReconstructionEvaluator(n_pixels, spec.channel_names, spec.pixel_unit)

    def outputs(self, model: VariationalAutoencoder, batch) -> dict[str, Tensor]:
        mean, logvar = model.encode(batch.image)
        image = batch.image
        return self._describe(image, model.decode(mean), mean, logvar)

    def terms(self, model: VariationalAutoencoder, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        mean, logvar = model.encode(batch.image)
        z = mean
        if self.training:
            self.baseline.see(batch.image, weight_of(batch))
            z = mean + (logvar / 2).exp() * torch.randn_like(mean)
        image, reconstruction, weight = batch.image, model.decode(z), weight_of(batch)
        size = None if weight is None else weight.abs()
        of_pixel = torch.where(image != 0, self.occupied_weight, 1.0)
        scale = of_pixel.mean((0, 2, 3)) if size is None else _mean(of_pixel.mean((2, 3)), size)
        of_image = (of_pixel * (image - reconstruction).square()).mean((2, 3)) / scale  # (B, C)
        error = _mean(of_image, size)
        if weight is not None:  # the variance is at its optimum of positive weights: no gradient passes through it
            error = error.detach()
        variance = error.clamp(min=1e-12)
        pixels = image[0, 0].numel()
        nll = (pixels / 2 * (variance.log() + 1 + math.log(2 * math.pi))).sum()
        kl = divergence(mean, logvar).sum(1)
        # of one image, with the variances of the batch; at their optimum the loss is stationary in them
        each = nll + (pixels / 2 * (of_image / variance - error / variance)).sum(1) + self.beta * kl
        if weight is None:
            terms = {"loss": nll + self.beta * kl.mean(), "nll": nll, "kl": kl.mean()}
        else:
            terms = {"loss": each, "nll": each - self.beta * kl, "kl": kl}
            terms = {name: weighted_mean(values, weight) for name, values in terms.items()}
        if self.training:
            return terms, {}
        return terms, {"loss": each.detach(), **self._describe(image, reconstruction, mean, logvar)}

    def gallery(self, model: VariationalAutoencoder, batch) -> dict[str, Tensor]:
        """A few images with their labels and reconstructions, and images decoded from draws of the prior."""
        image = batch.image[:GALLERY]
        mean, _ = model.encode(image)
        generator = torch.Generator().manual_seed(0)
        z = torch.randn(mean.shape, generator=generator).to(mean)
        found = {"input": image, "reconstruction": model.decode(mean), "prior": model.decode(z)}
        return {**found, "label": batch.label[:GALLERY]}

    def _describe(self, image: Tensor, reconstruction: Tensor, mean: Tensor, logvar: Tensor) -> dict[str, Tensor]:
        """The outputs for each example: errors and energies of each channel, latent means and their KL."""
        return {
            "embedding": mean,
            "kl": divergence(mean, logvar),
            "mse": (image - reconstruction).square().mean((2, 3)),
            "baseline_mse": self.baseline.error(image),
            "energy": image.sum((2, 3)),
            "reconstructed_energy": reconstruction.sum((2, 3)),
            "occupancy": (image != 0).sum((2, 3)),
        }


def _mean(values: Tensor, weight: Tensor | None) -> Tensor:
    """The mean (C,) of values (B, C) over examples with weights (B,), none of which is negative."""
    if weight is None:
        return values.mean(0)
    weight = weight.to(values.dtype)
    return weight @ values / weight.sum().clamp(min=torch.finfo(values.dtype).tiny)


def divergence(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mean, exp(logvar)) || N(0, 1)) of each dimension, same shape (arXiv:1312.6114, appendix B)."""
    return (mean.square() + logvar.exp() - 1 - logvar) / 2
