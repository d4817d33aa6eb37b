"""The GAN of HADML: a generator of the direction in which a cluster decays, and its critic."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hepexp.batch import FeatureBatch
from hepexp.models.checks import require_positive, require_widths
from hepexp.models.layers.conditions import Conditions
from hepexp.models.layers.dense import dense
from hepexp.models.layers.latent_noise import standard_normal
from hepexp.models.weights import load_weights

SLOPE = 0.2  # of LeakyReLU for negative numbers


class HadronGan(nn.Module):
    """Noise and conditions become features between -1 and 1, for loss=cross_entropy_gan.

    Both players are dense networks that read the conditions beside noise or features: the four-momentum of the cluster
    in the publication.

    Parameters
    ----------
    widths : hidden layers of the generator.
    critic_widths : hidden layers of the critic.
    n_latent : number of random numbers.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    n_features : of the data set; they lie between -1 and 1.
    n_classes : classes of the data set; of several, each is a condition.
    n_extras : additional variables of an example, all of them conditions.

    Shapes
    ------
    label (B,), extras (B, n_extras), noise (B, n_latent) -> features (B, n_features). Without noise, it is drawn. The
    features of the batch are not read.

    Raises
    ------
    ConfigError : a size that is not positive.

    References
    ----------
    A. Ghosh, X. Ju, B. Nachman, A. Siodmok, arXiv:2203.12660, section 3.
    """

    input = "features"
    lorentz_invariant = False

    def __init__(
        self,
        widths: Sequence[int] = (256, 256),
        critic_widths: Sequence[int] = (256, 256),
        n_latent: int = 10,
        weights: str | None = None,
        *,
        n_features: int,
        n_classes: int,
        n_extras: int,
    ):
        super().__init__()
        require_widths(widths=widths, critic_widths=critic_widths)
        require_positive(n_latent=n_latent)
        self.n_latent, self.critic_sizes = n_latent, (n_features, tuple(critic_widths), n_classes, n_extras)
        self.conditions = Conditions(n_classes, n_extras)
        self.layers = dense(n_latent + self.conditions.n, widths, n_features, activation)
        load_weights(self, weights)

    def noise(self, batch: FeatureBatch, random: torch.Generator | None = None) -> Tensor:
        """Standard normal numbers (B, n_latent) on the batch's device.

        Parameters
        ----------
        random : generator of the CPU; by default they are drawn on the device.
        """
        dtype = next(self.layers.parameters()).dtype
        return standard_normal((len(batch), self.n_latent), batch.features.device, dtype, random)

    def forward(self, batch: FeatureBatch, noise: Tensor | None = None) -> Tensor:
        noise = self.noise(batch) if noise is None else noise
        return self.layers(torch.cat([noise, self.conditions(batch, noise.dtype)], dim=1)).tanh()

    def make_critic(self) -> nn.Module:
        """A critic of the same features under the same conditions."""
        return HadronCritic(*self.critic_sizes)


class HadronCritic(nn.Module):
    """How true the features of an example look under its conditions.

    Parameters
    ----------
    n_features, n_classes, n_extras : of the data set.
    widths : hidden layers.

    Shapes
    ------
    features (B, n_features), label (B,), extras (B, n_extras) -> logits (B,).
    """

    def __init__(self, n_features: int, widths: Sequence[int], n_classes: int, n_extras: int):
        super().__init__()
        self.conditions = Conditions(n_classes, n_extras)
        self.layers = dense(n_features + self.conditions.n, widths, 1, activation)

    def forward(self, batch: FeatureBatch) -> Tensor:
        dtype = next(self.layers.parameters()).dtype
        return self.layers(torch.cat([batch.features.to(dtype), self.conditions(batch, dtype)], dim=1)).squeeze(1)


def activation() -> nn.Module:
    return nn.LeakyReLU(SLOPE)
