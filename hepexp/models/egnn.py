"""EGNN: messages between all points of a cloud that move them along their differences, equivariant under E(n)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hepexp.batch import CloudBatch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_positive
from hepexp.models.layers.conditions import Conditions
from hepexp.models.weights import load_weights


class EGNNLayer(nn.Module):
    """One exchange between all pairs of points of a set, with features h and coordinates x.

        m_ij = phi_e(h_i, h_j, |x_i - x_j|^2, a_ij),    h_i <- h_i + phi_h(h_i, sum_j phi_inf(m_ij) m_ij)
        x_i <- x_i + sum_j (x_i - x_j) / (|x_i - x_j| + 1) r tanh phi_x(h_i, h_j, |x_i - x_j|^2, a_ij)

    with a_ij the squared distance before the first layer; phi_inf is a sigmoid. The tanh, which is in the authors'
    program, keeps points that are far from those of all examples from running away. Features do not change under
    rotations, reflections and translations of the points, and coordinates change with them.

    Parameters
    ----------
    n_hidden : width of the features and of all hidden layers.
    reach : r, how far one point moves another at most.

    Shapes
    ------
    h (B, N, H), x (B, N, n), a (B, N, N), pairs (B, N, N), True for two different real points -> h, x.

    References
    ----------
    E. Hoogeboom et al., arXiv:2203.17003, appendix B, equations 12 and 13; V. G. Satorras et al., arXiv:2102.09844.
    """

    def __init__(self, n_hidden: int, reach: float):
        super().__init__()
        self.reach = reach
        self.phi_e = PairNetwork(n_hidden, n_hidden)
        self.phi_inf = nn.Linear(n_hidden, 1)
        self.phi_h = nn.Sequential(nn.Linear(2 * n_hidden, n_hidden), nn.SiLU(), nn.Linear(n_hidden, n_hidden))
        self.phi_x = PairNetwork(n_hidden, n_hidden)
        self.step = nn.Linear(n_hidden, 1, bias=False)
        nn.init.xavier_uniform_(self.step.weight, gain=0.001)  # points hardly move at first

    def forward(self, h: Tensor, x: Tensor, a: Tensor, pairs: Tensor) -> tuple[Tensor, Tensor]:
        there = pairs[..., None]
        apart = x[:, :, None] - x[:, None]  # (B, N, N, n)
        d2 = apart.square().sum(-1)
        m = self.phi_e(h, d2, a)
        m = torch.where(there, self.phi_inf(m).sigmoid() * m, 0).sum(2)
        h = h + self.phi_h(torch.cat([h, m], dim=2))
        step = self.reach * self.step(self.phi_x(h, d2, a)).tanh() * apart / ((d2[..., None] + 1e-8).sqrt() + 1)
        return h, x + torch.where(there, step, 0).sum(2)


class PairNetwork(nn.Module):
    """Two layers of (h_i, h_j, d_ij^2, a_ij) for all pairs; of the first, that of each point is taken once.

    Shapes
    ------
    h (B, N, n_in), d2 and a (B, N, N) -> (B, N, N, n_hidden).
    """

    def __init__(self, n_in: int, n_hidden: int):
        super().__init__()
        self.own = nn.Linear(n_in, n_hidden)
        self.other = nn.Linear(n_in, n_hidden, bias=False)
        self.distances = nn.Linear(2, n_hidden, bias=False)
        self.second = nn.Linear(n_hidden, n_hidden)

    def forward(self, h: Tensor, d2: Tensor, a: Tensor) -> Tensor:
        first = self.own(h)[:, :, None] + self.other(h)[:, None] + self.distances(torch.stack([d2, a], dim=-1))
        return nn.functional.silu(self.second(nn.functional.silu(first)))


class EGNN(nn.Module):
    """The noise of each point of a cloud at time t, for loss=diffusion, or its velocity, for loss=flow_matching.

    The first features of a point are its coordinates: their noise is by how much the layers move them, less the mean
    over the points; it turns with the points and does not depend on the origin. Time and conditions are features of
    each point.

    Parameters
    ----------
    n_hidden : width.
    n_layers : exchanges between all points.
    reach : how far one point moves another at most, in all layers together.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    n_point_features : features of each point in the data set.
    n_coordinates : how many of them are coordinates.
    n_classes : classes of the data set; of several, each is a condition.
    n_extras : additional variables of an example, all of them conditions.

    Shapes
    ------
    points (B, N, F), mask (B, N), label (B,), extras (B, n_extras), t (B,) in [0, 1] -> output (B, N, F), zero for
    padding. Without t, that at t = 0, the data.

    Raises
    ------
    ConfigError : a size that is not positive; points without coordinates.

    References
    ----------
    V. G. Satorras, E. Hoogeboom, M. Welling, arXiv:2102.09844; E. Hoogeboom et al., arXiv:2203.17003, appendix B.
    """

    input = "cloud"
    lorentz_invariant = False

    def __init__(
        self,
        n_hidden: int = 256,
        n_layers: int = 9,
        reach: float = 15.0,
        weights: str | None = None,
        *,
        n_point_features: int,
        n_coordinates: int,
        n_classes: int,
        n_extras: int,
    ):
        super().__init__()
        require_positive(n_hidden=n_hidden, n_layers=n_layers, reach=reach)
        if not n_coordinates:
            raise ConfigError(
                "model=egnn needs points with coordinates in a space without origin, as of data=qm9; this data set has "
                "none: choose model=epic_fm"
            )
        self.n_coordinates, self.reach = n_coordinates, reach
        self.conditions = Conditions(n_classes, n_extras)
        n_scalars = n_point_features - n_coordinates
        self.embed = nn.Linear(n_scalars + 1 + self.conditions.n, n_hidden)
        self.layers = nn.ModuleList(EGNNLayer(n_hidden, self.reach / n_layers) for _ in range(n_layers))
        self.head = nn.Linear(n_hidden, n_scalars)
        load_weights(self, weights)

    def forward(self, batch: CloudBatch, t: Tensor | None = None) -> Tensor:
        dtype, mask, n = self.head.weight.dtype, batch.mask, self.n_coordinates
        points = torch.where(mask[..., None], batch.points, 0).to(dtype)
        t = torch.zeros(len(points), device=points.device, dtype=dtype) if t is None else t.to(dtype)
        context = torch.cat([t[:, None], self.conditions(batch, dtype)], dim=1)[:, None]
        start, h = points[..., :n], torch.cat([points[..., n:], context.expand(-1, points.shape[1], -1)], dim=2)
        same = torch.eye(points.shape[1], dtype=torch.bool, device=points.device)
        pairs = mask[:, :, None] & mask[:, None] & ~same
        a = (start[:, :, None] - start[:, None]).square().sum(-1)  # (B, N, N)
        x, h = start, self.embed(h)
        for layer in self.layers:
            h, x = layer(h, x, a, pairs)
        moved = torch.where(mask[..., None], x - start, 0)
        moved = moved - moved.sum(1, keepdim=True) / mask.sum(1).clamp(min=1)[:, None, None]
        return torch.where(mask[..., None], torch.cat([moved, self.head(h)], dim=2), 0)
