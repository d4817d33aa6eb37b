"""Variational recurrent network over the constituents of a jet, hardest first."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hepexp.batch import JetBatch
from hepexp.errors import ConfigError
from hepexp.models.layers.dense import dense
from hepexp.models.layers.jet_coordinates import jet_coordinates
from hepexp.models.weights import load_weights

_MOST = 1000  # hidden units, latent dimensions, or constituents


@dataclass(frozen=True)
class Sequence:
    """What the network says of each constituent; x and y (B, T, 3), the others (B, T), zero for padding.

    Parameters
    ----------
    x : standardised share of the jet's pT, rapidity and azimuth relative to the jet.
    y : its reconstruction.
    kl : KL(q(z_t | x_t, h_t-1) || p(z_t | h_t-1)) in nat.
    share : of the jet's pT, among the constituents that are read: sums to 1.
    mask : True for real constituents.
    """

    x: Tensor
    y: Tensor
    kl: Tensor
    share: Tensor
    mask: Tensor


class JetVRNN(nn.Module):
    """A variational autoencoder at each step of a recurrent network, whose state is its prior's and decoder's too.

    With the features u_t = phi_x(x_t) of constituent t and w_t = phi_z(z_t): the prior is N(mu, sigma)(h_t-1), the
    encoder N(mu, sigma)(u_t, h_t-1), the decoder y_t(w_t, h_t-1), and h_t = GRU((u_t, w_t), h_t-1). In evaluation z_t
    is the mean of the encoder. A constituent is (z, y, phi): its fraction of the jet's pT and its position relative to
    the jet axis, standardised over training jets. Kahn et al. boost each jet to the same mass and energy before, which
    is not done here: the score knows more of the mass.

    Parameters
    ----------
    n_hidden : units of the GRU, and of the one hidden layer of each of the other networks.
    n_latent : dimensions of z_t.
    n_particles : constituents that are read, the hardest.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.

    Shapes
    ------
    p4 (B, N, 4) in GeV as (E, px, py, pz); mask (B, N), True for real particles -> (B, 2): mean squared error of the
    reconstruction, and mean KL divergence, over constituents. `steps` has those of each.

    Raises
    ------
    ConfigError : a size below 1 or above 1,000.

    References
    ----------
    J. Chung et al., arXiv:1506.02216; on jets A. Kahn et al., arXiv:2105.09274; ATLAS, arXiv:2306.03637.
    """

    input = "particles"
    lorentz_invariant = False
    mean: Tensor
    std: Tensor

    def __init__(self, n_hidden: int = 16, n_latent: int = 2, n_particles: int = 20, weights: str | None = None):
        super().__init__()
        for name, value in (("n_hidden", n_hidden), ("n_latent", n_latent), ("n_particles", n_particles)):
            if not 1 <= value <= _MOST:
                raise ConfigError(f"model.{name} must be between 1 and {_MOST:,}, got {value}")
        self.n_particles, self.n_hidden = n_particles, n_hidden
        self.phi_x = nn.Sequential(nn.Linear(3, n_hidden), nn.ReLU())
        self.phi_z = nn.Sequential(nn.Linear(n_latent, n_hidden), nn.ReLU())
        self.prior = dense(n_hidden, [n_hidden], 2 * n_latent, nn.ReLU)
        self.encoder = dense(2 * n_hidden, [n_hidden], 2 * n_latent, nn.ReLU)
        self.decoder = dense(2 * n_hidden, [n_hidden], 3, nn.ReLU)
        self.gru = nn.GRUCell(2 * n_hidden, n_hidden)
        self.register_buffer("mean", torch.zeros(3))
        self.register_buffer("std", torch.ones(3))
        load_weights(self, weights)

    def constituents(self, batch: JetBatch) -> tuple[Tensor, Tensor]:
        """Share of the jet's pT, and position (B, T, 3) of the hardest constituents, hardest first; mask (B, T)."""
        jet = jet_coordinates(batch.p4, batch.mask)
        pt = torch.where(batch.mask, jet.pt_rel, -1)
        first = pt.argsort(dim=1, descending=True, stable=True)[:, : self.n_particles]
        x = torch.stack([pt, jet.dy, jet.dphi], dim=-1)
        x = x.gather(1, first[..., None].expand(-1, -1, 3))
        return x.to(self.mean.dtype), batch.mask.gather(1, first)

    def take_scales(self, batches: list[JetBatch]) -> None:
        """Standardise constituents by their means and deviations over these jets."""
        parts = [self.constituents(batch) for batch in batches]
        x = torch.cat([x[mask] for x, mask in parts])
        self.mean.copy_(x.mean(0))
        self.std.copy_(x.std(0, correction=0).clamp(min=1e-6))

    def steps(self, batch: JetBatch) -> Sequence:
        """The network along the constituents; z is drawn in training."""
        raw, mask = self.constituents(batch)
        x = torch.where(mask[..., None], (raw - self.mean) / self.std, 0)
        pt = torch.where(mask, raw[..., 0], 0)
        h, ys, kls = x.new_zeros(len(x), self.n_hidden), [], []
        for t in range(x.shape[1]):
            u = self.phi_x(x[:, t])
            prior, mean_and_logvar = self.prior(h), self.encoder(torch.cat([u, h], -1))
            mean, logvar = mean_and_logvar.chunk(2, -1)
            z = mean + (logvar / 2).exp() * torch.randn_like(mean) if self.training else mean
            w = self.phi_z(z)
            ys.append(self.decoder(torch.cat([w, h], -1)))
            kls.append(normal_kl(mean, logvar, *prior.chunk(2, -1)).sum(-1))
            h = self.gru(torch.cat([u, w], -1), h)
        y = torch.where(mask[..., None], torch.stack(ys, 1), 0)
        kl = torch.where(mask, torch.stack(kls, 1), 0)
        return Sequence(x, y, kl, pt / pt.sum(1, keepdim=True), mask)

    def forward(self, batch: JetBatch) -> Tensor:
        found = self.steps(batch)
        n = found.mask.sum(1)
        return torch.stack([(found.y - found.x).square().sum((1, 2)) / n, found.kl.sum(1) / n], dim=-1)


def normal_kl(mean: Tensor, logvar: Tensor, prior_mean: Tensor, prior_logvar: Tensor) -> Tensor:
    """KL(N(mean, exp logvar) || N(prior_mean, exp prior_logvar)) in nat of each dimension, same shape."""
    change = logvar - prior_logvar
    return (change.exp() + (mean - prior_mean).square() * (-prior_logvar).exp() - 1 - change) / 2
