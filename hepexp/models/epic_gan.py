"""EPiC-GAN: a generator of point clouds from noise, and its critic."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hepexp.batch import CloudBatch
from hepexp.models.checks import require_positive
from hepexp.models.layers.conditions import Conditions
from hepexp.models.layers.epic import EPiCStack, Pooling, activation, linear
from hepexp.models.layers.latent_noise import standard_normal
from hepexp.models.weights import load_weights


class EPiCGan(nn.Module):
    """Noise of each point and of the whole cloud becomes a cloud, for loss=least_squares_gan.

    Behind each of the layers, the embedded noise is added to the points and to the global features.

    Parameters
    ----------
    n_hidden : width of the points and of the hidden layers.
    n_global : number of global features, and of random numbers of the whole cloud.
    n_layers : EPiC layers of the generator.
    n_critic_layers : EPiC layers of the critic.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    n_point_features : features of each point in the data set, and random numbers of each point.
    n_classes : classes of the data set; of several, each is a condition.
    n_extras : additional variables of an example, all of them conditions.

    Shapes
    ------
    mask (B, N), label (B,), extras (B, n_extras), noise (B, N, F) and (B, n_global) -> points (B, N, F), zero for
    padding. Without noise, it is drawn. The points of the batch are not read.

    Raises
    ------
    ConfigError : a size that is not positive.

    References
    ----------
    E. Buhmann, G. Kasieczka, J. Thaler, arXiv:2301.08128, section 2.
    """

    input = "cloud"
    lorentz_invariant = False

    def __init__(
        self,
        n_hidden: int = 128,
        n_global: int = 10,
        n_layers: int = 6,
        n_critic_layers: int = 3,
        weights: str | None = None,
        *,
        n_point_features: int,
        n_classes: int,
        n_extras: int,
    ):
        super().__init__()
        sizes = {"n_hidden": n_hidden, "n_global": n_global, "n_layers": n_layers, "n_critic_layers": n_critic_layers}
        require_positive(**sizes)
        self.n_point_features, self.n_global = n_point_features, n_global
        self.sizes = (n_hidden, n_global, n_critic_layers, n_point_features, n_classes, n_extras)
        self.conditions = Conditions(n_classes, n_extras)
        n_context = self.conditions.n
        self.embed = linear(n_point_features, n_hidden)
        self.global_1 = linear(n_global + n_context, n_hidden)
        self.global_2 = linear(n_hidden, n_global)
        self.layers = EPiCStack(n_layers, n_hidden, n_global, n_context)
        self.head = linear(n_hidden, n_point_features)
        load_weights(self, weights)

    def noise(self, batch: CloudBatch, random: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Standard normal numbers (B, N, F) of each point, and (B, n_global) of each cloud, on the batch's device.

        Parameters
        ----------
        random : generator of the CPU; by default they are drawn on the device.
        """
        mask, dtype = batch.mask, next(self.head.parameters()).dtype
        points = standard_normal((*mask.shape, self.n_point_features), mask.device, dtype, random)
        return points, standard_normal((len(mask), self.n_global), mask.device, dtype, random)

    def forward(self, batch: CloudBatch, noise: tuple[Tensor, Tensor] | None = None) -> Tensor:
        points, whole = self.noise(batch) if noise is None else noise
        mask, context = batch.mask, self.conditions(batch, points.dtype)
        points = activation(self.embed(points))
        state = activation(self.global_2(activation(self.global_1(torch.cat([whole, context], dim=1)))))
        points, _ = self.layers(points, state, context, mask)
        return torch.where(mask[..., None], self.head(points), 0)

    def make_critic(self) -> nn.Module:
        """A critic of the same widths."""
        return EPiCCritic(*self.sizes)


class EPiCCritic(nn.Module):
    """The critic of EPiC-GAN: how true a cloud looks.

    Parameters
    ----------
    n_hidden, n_global, n_layers : widths, and number of EPiC layers.
    n_point_features, n_classes, n_extras : of the data set.

    Shapes
    ------
    points (B, N, F), mask (B, N), label (B,), extras (B, n_extras) -> (B,).
    """

    def __init__(
        self, n_hidden: int, n_global: int, n_layers: int, n_point_features: int, n_classes: int, n_extras: int
    ):
        super().__init__()
        self.conditions = Conditions(n_classes, n_extras)
        n_context = self.conditions.n
        self.embed_1, self.embed_2 = linear(n_point_features, n_hidden), linear(n_hidden, n_hidden)
        self.pool = Pooling()
        self.global_1 = linear(2 * n_hidden + n_context, n_hidden)
        self.global_2 = linear(n_hidden, n_global)
        self.layers = EPiCStack(n_layers, n_hidden, n_global, n_context, skip=False)
        self.out_1, self.out_2 = linear(2 * n_hidden + n_global + n_context, n_hidden), linear(n_hidden, n_hidden)
        self.head = linear(n_hidden, 1)

    def forward(self, batch: CloudBatch) -> Tensor:
        dtype, mask = next(self.head.parameters()).dtype, batch.mask
        context = self.conditions(batch, dtype)
        points = activation(self.embed_1(torch.where(mask[..., None], batch.points, 0).to(dtype)))
        points = activation(self.embed_2(points) + points)
        pooled = torch.cat([self.pool(points, mask), context], dim=1)
        state = activation(self.global_2(activation(self.global_1(pooled))))
        points, state = self.layers(points, state, context, mask)
        out = activation(self.out_1(torch.cat([self.pool(points, mask), state, context], dim=1)))
        return self.head(activation(self.out_2(out) + out)).squeeze(1)
