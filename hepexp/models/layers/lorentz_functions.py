"""The functions phi_e, phi_h, phi_m and phi_x of a Lorentz group equivariant block, as networks."""

from __future__ import annotations

from torch import Tensor, nn

from hepexp.models.layers.masked_batch_norm import MaskedBatchNorm


class NormedSequential(nn.Sequential):
    """Layers whose second is a batch norm over weighted rows, e.g. 1 for real ones and 0 for padding.

    Shapes
    ------
    x (R, n_in), weight of each row in the statistics (R,) or None for 1 -> (R, n_out).
    """

    def forward(self, x: Tensor, weight: Tensor | None = None) -> Tensor:
        first, norm, *others = self
        x = norm(first(x), weight)
        for layer in others:
            x = layer(x)
        return x


def message(n_in: int, width: int) -> NormedSequential:
    """phi_e of equation (3.1): h_i, h_j and their invariants to a message."""
    return NormedSequential(
        nn.Linear(n_in, width, bias=False), MaskedBatchNorm(width), nn.ReLU(), nn.Linear(width, width), nn.ReLU()
    )


def update(n_in: int, width: int, n_out: int) -> NormedSequential:
    """phi_h: h_i, its messages and the input scalars to the change of h_i."""
    return NormedSequential(nn.Linear(n_in, width), MaskedBatchNorm(width), nn.ReLU(), nn.Linear(width, n_out))


def gate(width: int) -> nn.Sequential:
    """phi_m: a message to its weight in (0, 1)."""
    return nn.Sequential(nn.Linear(width, 1), nn.Sigmoid())


def small_step(width: int) -> nn.Linear:
    """The last layer of phi_x, which initially hardly moves the coordinates."""
    step = nn.Linear(width, 1, bias=False)
    nn.init.xavier_uniform_(step.weight, gain=0.001)
    return step


def move(width: int) -> nn.Sequential:
    """phi_x of equation (3.4): a message to how far x_i moves along x_i - x_j."""
    step = small_step(width)
    return nn.Sequential(nn.Linear(width, width), nn.ReLU(), step)


MAKERS = {"phi_e": message, "phi_h": update, "phi_m": gate, "phi_x": move}
