"""The classical baseline of vertex finding: chi^2 of impact parameters and of how closely two tracks pass."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hepexp.batch import JetBatch
from hepexp.errors import ConfigError
from hepexp.models.layers.pair_memory import require_pair_memory

D0_UNIT, Z0_UNIT = 0.05, 0.1  # mm: the first two scalars are asinh of d0 and z0 in these


class Chi2Vertexing(nn.Module):
    """Two tracks are of one vertex if both are prompt, or if neither is and they pass each other closely.

    A track is prompt if chi^2 = (d0 / s_d0)^2 + (z0 / s_z0)^2 is below `prompt`. Two tracks pass closely if the
    chi^2 of their distance of closest approach is below `crossing`. The resolutions are s_d0 = a + b / (pT sin^1/2
    theta) and s_z0 = a + b / (pT sin^3/2 theta), in mm with pT in GeV; errors of directions are neglected.

    Parameters
    ----------
    prompt, crossing : largest chi^2.
    s_d0, s_z0 : a and b of the resolutions.
    n_scalars : scalars per track in the data set; the first two are asinh(d0 / 0.05 mm) and asinh(z0 / 0.1 mm).

    Shapes
    ------
    p4 (B, N, 4) in GeV as (E, px, py, pz); scalars (B, N, n_scalars); mask (B, N) -> (B, N, N), positive for two tracks
    of one vertex: how far the chi^2 that decides is below its limit.

    Raises
    ------
    ConfigError : a limit or resolution that is not positive, or data without impact parameters.
    """

    input = "particles"
    lorentz_invariant = False

    def __init__(
        self,
        prompt: float = 12.0,
        crossing: float = 2.0,
        s_d0: tuple[float, float] = (0.010, 0.080),
        s_z0: tuple[float, float] = (0.030, 0.100),
        *,
        n_scalars: int,
    ):
        super().__init__()
        for name, value in (("prompt", prompt), ("crossing", crossing)):
            if not 0 < value < float("inf"):
                raise ConfigError(f"model.{name} must be > 0 and finite, got {value}")
        for name, pair in (("s_d0", s_d0), ("s_z0", s_z0)):
            if len(pair) != 2 or not (pair[0] > 0 and pair[1] >= 0):
                raise ConfigError(
                    f"model.{name} must be two numbers, the first > 0 and the second >= 0, got {list(pair)}"
                )
        if n_scalars < 2:
            raise ConfigError(
                "model=chi2_vertexing needs the impact parameters of each track, as data=vertexing has them"
            )
        self.prompt, self.crossing = prompt, crossing
        self.s_d0, self.s_z0 = tuple(s_d0), tuple(s_z0)

    def forward(self, batch: JetBatch) -> Tensor:
        require_pair_memory(batch.mask, 24, torch.float64, padded=True)
        _, px, py, pz = batch.p4.unbind(-1)
        pt = torch.hypot(px, py).clamp(min=1e-9)
        sine = pt / torch.hypot(pt, pz)
        d0, z0 = (batch.scalars[..., k].to(pt.dtype).sinh() * unit for k, unit in enumerate((D0_UNIT, Z0_UNIT)))
        s_d0 = self.s_d0[0] + self.s_d0[1] / (pt * sine.sqrt())
        s_z0 = self.s_z0[0] + self.s_z0[1] / (pt * sine * sine.sqrt())
        room = self.prompt - (d0 / s_d0) ** 2 - (z0 / s_z0) ** 2  # (B, N), positive for prompt tracks
        first, second = room[:, :, None], room[:, None]
        close = self.crossing - _crossing(px / pt, py / pt, pz / pt, d0, z0, s_d0, s_z0)
        displaced = torch.minimum(torch.minimum(-first, -second), close)
        return torch.maximum(torch.minimum(first, second), displaced).float()


def _crossing(x: Tensor, y: Tensor, z: Tensor, d0: Tensor, z0: Tensor, s_d0: Tensor, s_z0: Tensor) -> Tensor:
    """chi^2 (B, N, N) of the closest approach of straight tracks with directions (x, y, z), x^2 + y^2 = 1."""
    across = torch.stack([y, -x, torch.zeros_like(x)], -1)  # in which d0 is measured
    along = torch.stack([x, y, z], -1)
    point = d0[..., None] * across + z0[..., None] * torch.tensor([0.0, 0.0, 1.0], dtype=x.dtype, device=x.device)
    normal = torch.linalg.cross(along[:, :, None].expand(-1, -1, x.shape[1], -1), along[:, None])
    normal = normal / normal.norm(dim=-1, keepdim=True).clamp(min=1e-9)
    distance = (normal * (point[:, :, None] - point[:, None])).sum(-1)
    of_first = (normal * across[:, :, None]).sum(-1) * s_d0[:, :, None]
    of_second = (normal * across[:, None]).sum(-1) * s_d0[:, None]
    of_z = normal[..., 2] ** 2 * (s_z0[:, :, None] ** 2 + s_z0[:, None] ** 2)
    return distance**2 / (of_first**2 + of_second**2 + of_z).clamp(min=1e-12)
