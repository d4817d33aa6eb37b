"""HGPflow: particles as hyperedges that share out the energy of tracks and towers among themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.batch import JetBatch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_dropout, require_positive
from hepexp.models.layers.attention import kept_for_each_pair
from hepexp.models.layers.dense import dense
from hepexp.models.layers.flow_elements import (
    FEATURES,
    MOMENTUM,
    N_LOGITS,
    N_MOMENTUM,
    check_features,
    compressed,
    corrected,
    feature,
)
from hepexp.models.layers.hypergraph import Candidates, Encoder, Refinement, candidates, log_shares, rows_at
from hepexp.models.layers.pair_memory import require_pair_memory
from hepexp.models.weights import load_weights

N_KINDS = N_LOGITS - 1  # of particles
SURE = 20.0  # minus the logarithm of the probability of a particle in an element that stands for none


class Hypergraph(NamedTuple):
    """The particles of events, each of which starts from an element, in its place.

    Shapes
    ------
    near : the hyperedges that can have energy of each element; log_incidence (B, N, k), ln of their shares in it, which
    sum to 1; log_kind (B, N, 6), ln of the probabilities that there is no such particle, and of its classes; momentum
    (B, N, 5), pT [GeV], eta, sin phi, cos phi and E [GeV].
    """

    near: Candidates
    log_incidence: Tensor
    log_kind: Tensor
    momentum: Tensor


class HGPFlow(nn.Module):
    """Elements are encoded by a transformer; `n_steps` steps, all with the same weights, refine which share of the
    energy of each element is that of each particle, a hyperedge; the particles then follow from these shares.

    Each track starts a charged particle, whose momentum is that of the track and to which the track belongs. Each tower
    starts a neutral one with the energy, and the mean direction by energy, of its shares in all towers, corrected by
    pT e^a, eta + b, sin phi + c, cos phi + d and E e^(a + e). Two perceptrons say for each whether it exists and what
    it is. The energy of a tower is shared out among the particles that start from it and from its k - 1 nearest
    elements, tracks being where they leave the tracker. Untrained networks correct nothing.

    Different from the publication: neutral particles start from towers rather than from random numbers, as in these
    events there are more than a hundred of them; the incidence is between near elements, and reads how far they are
    from each other; shares and particles are learnt together.

    For each element, `forward` gives the likeliest of the particles that have most of their energy in it, and the sum
    of the momenta of those that exist, so that figures of merit are those of other models.

    Parameters
    ----------
    n_hidden : width of all layers.
    n_layers : transformer blocks over the elements.
    n_steps : steps of refinement.
    k : hyperedges among which the energy of a tower is shared out.
    n_heads : attention heads.
    dropout : in transformer blocks, and before outputs.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    scalar_names : of the scalars of an element, which must be those of tracks and towers.

    Shapes
    ------
    scalars (B, N, 13); mask (B, N), True for real elements, which come first -> (B, N, 12): 6 logits, charge, pT [GeV],
    eta, sin phi, cos phi, E [GeV].

    Raises
    ------
    ConfigError : a size below 1, heads that do not divide the width, or other data.

    References
    ----------
    F. A. Di Bello et al., arXiv:2212.01328.
    """

    input = "particles"
    lorentz_invariant = False

    def __init__(
        self,
        n_hidden: int = 128,
        n_layers: int = 4,
        n_steps: int = 12,
        k: int = 16,
        n_heads: int = 4,
        dropout: float = 0.0,
        weights: str | None = None,
        *,
        scalar_names: Sequence[str],
    ):
        super().__init__()
        check_features("hgpflow", scalar_names)
        require_positive(n_hidden=n_hidden, n_layers=n_layers, n_steps=n_steps, k=k, n_heads=n_heads)
        require_dropout(dropout)
        if n_hidden % n_heads:
            raise ConfigError(f"model.n_heads must divide model.n_hidden={n_hidden}, got {n_heads}")
        self.n_steps, self.k = n_steps, k
        self.kept_of_pairs = (n_layers + n_steps) * kept_for_each_pair(n_heads, dropout)
        self.kept_of_elements = 4 * n_steps * k * n_hidden
        self.of_track, self.of_tower = (dense(len(FEATURES), [n_hidden], n_hidden, nn.GELU) for _ in range(2))
        self.encoder = Encoder(n_hidden, n_layers, n_heads, dropout)
        self.start = nn.Linear(n_hidden, n_hidden)
        self.refinement = Refinement(n_hidden, n_heads, dropout)
        widths = [2 * n_hidden, n_hidden, max(n_hidden // 4, 1)]
        n_read = 2 * n_hidden + N_MOMENTUM + len(FEATURES) + 1
        self.indicator = dense(n_read, widths, 1, nn.GELU, dropout)
        self.classifier = dense(n_read, [n_hidden], N_KINDS, nn.GELU, dropout)
        self.regressor = dense(n_read, [n_hidden], N_MOMENTUM, nn.GELU, dropout)
        for parameter in self.regressor[-1].parameters():
            nn.init.zeros_(parameter)
        load_weights(self, weights)

    def forward(self, batch: JetBatch) -> Tensor:
        return self.of_elements(batch, self.hypergraph(batch))

    def hypergraph(self, batch: JetBatch) -> Hypergraph:
        """The particles of events, and their shares in the energy of the elements."""
        dtype, mask = self.start.weight.dtype, batch.mask
        if torch.is_grad_enabled():
            kept = self.kept_of_pairs + self.kept_of_elements / mask.shape[1]
            require_pair_memory(mask, kept, dtype, padded=True, remedy="choose a smaller dataset.batch_size")
        wide = torch.promote_types(dtype, torch.float32)
        scalars = batch.scalars.to(wide)
        features, near = compressed(scalars).to(dtype), candidates(scalars, mask, self.k)
        is_track = (feature(scalars, "is_track")[0] > 0)[..., None]
        encoded = torch.where(is_track, self.of_track(features), self.of_tower(features))
        encoded = nodes = self.encoder(encoded, mask)
        edges = self.start(encoded)
        log_incidence = log_shares(nodes.new_zeros(near.place.shape), near)
        for _ in range(self.n_steps):
            nodes, edges, log_incidence = self.refinement(nodes, edges, log_incidence, near, mask)
        shares = log_incidence.exp()
        momentum = torch.where(
            is_track, torch.stack(feature(scalars, *MOMENTUM), -1), _of_shares(scalars, shares.to(wide), near)
        )
        number = near.sum_over_elements(shares[..., None])  # of elements in a particle
        compact = momentum.clone()
        compact[..., [0, -1]] = momentum[..., [0, -1]].log1p()
        seen = torch.cat([edges, encoded, features, compact.to(dtype), number], -1)
        exists = self.indicator(seen)
        log_kind = torch.cat([F.logsigmoid(-exists), F.logsigmoid(exists) + self.classifier(seen).log_softmax(-1)], -1)
        momentum = torch.where(is_track, momentum, corrected(momentum, self.regressor(seen)))
        return Hypergraph(near, log_incidence, log_kind, momentum)

    @staticmethod
    def of_elements(batch: JetBatch, found: Hypergraph) -> Tensor:
        """What is found for each element (B, N, 12): the particles that have most of their energy in it."""
        mask, n = batch.mask, batch.mask.shape[1]
        is_track, energy, charge = feature(batch.scalars, "is_track", "energy", "charge")
        log_kind, momentum = found.log_kind.to(found.momentum.dtype), found.momentum
        own = torch.arange(n, device=mask.device).expand_as(mask)
        with torch.no_grad():
            left = found.log_incidence.exp().to(energy.dtype) * (energy * (is_track == 0))[..., None]
            left = left.masked_fill(~(found.near.allowed & mask[..., None]), -1)
            most = _largest(left.flatten(1), found.near.place.flatten(1), n) // left.shape[-1]
            stands = torch.where((is_track > 0) | (most >= n), own, most)  # the element where a particle is
            strength = (1 - log_kind[..., 0].exp()) * momentum[..., -1].clamp(min=0)
            exists = mask & (log_kind.argmax(-1) > 0)
            winner = _largest(strength.masked_fill(~exists, -1), stands, n)  # n where no particle is
            likeliest = _largest(strength.masked_fill(~mask, -1), stands, n)
            winner = torch.where(winner < n, winner, likeliest)
            empty, winner = winner >= n, winner.clamp(max=n - 1)
            counts = exists | (mask & (winner.gather(1, stands) == own))
            several = torch.zeros_like(stands).scatter_add(1, stands, counts.long()) > 1
        total = torch.where(several[..., None], _sums(momentum, stands, counts), rows_at(momentum, winner))
        nothing = F.one_hot(torch.zeros_like(winner), N_LOGITS).to(log_kind.dtype) * SURE - SURE
        logits = torch.where(empty[..., None], nothing, rows_at(log_kind, winner))
        return torch.cat([logits, charge[..., None].to(total.dtype), total * ~empty[..., None]], -1)


def _of_shares(scalars: Tensor, shares: Tensor, near: Candidates) -> Tensor:
    """(pT, eta, sin phi, cos phi, E) (B, N, 5) of what hyperedges have of towers: massless, in the mean direction."""
    is_tower, eta, sine, cosine, energy = feature(scalars, "is_tower", "eta", "sin_phi", "cos_phi", "energy")
    columns = (energy * is_tower)[..., None] * torch.stack([torch.ones_like(eta), eta, sine, cosine], -1)
    energy, eta, sine, cosine = near.sum_over_elements(shares[..., None] * columns[:, :, None]).unbind(-1)
    tiny = torch.finfo(energy.dtype).tiny
    eta, length = eta / energy.clamp(min=tiny), (sine.square() + cosine.square()).clamp(min=tiny).sqrt()
    return torch.stack([energy / eta.cosh(), eta, sine / length, cosine / length, energy], -1)


def _largest(values: Tensor, group: Tensor, n: int) -> Tensor:
    """The place (B, n) of the largest of the values (B, M) >= 0 of each group (B, M); M where there is none."""
    best = values.new_full((len(values), n), -1).scatter_reduce(1, group, values, "amax")
    place = torch.arange(values.shape[1], device=values.device).expand_as(group)
    first = torch.where((values >= 0) & (values == best.gather(1, group)), place, values.shape[1])
    return group.new_full((len(values), n), values.shape[1]).scatter_reduce(1, group, first, "amin")


def _sums(momentum: Tensor, stands: Tensor, counts: Tensor) -> Tensor:
    """(pT, eta, sin phi, cos phi, E) of the sums (B, N, 5) of the particles that count and stand at each element."""
    pt, eta, sine, cosine, energy = momentum.unbind(-1)
    tiny = torch.finfo(pt.dtype).tiny
    length = (sine.square() + cosine.square()).clamp(min=tiny).sqrt()
    parts = torch.stack([pt * cosine / length, pt * sine / length, pt * eta.sinh(), energy], -1) * counts[..., None]
    x, y, z, energy = torch.zeros_like(parts).scatter_add(1, stands[..., None].expand_as(parts), parts).unbind(-1)
    pt = (x.square() + y.square()).clamp(min=tiny).sqrt()
    return torch.stack([pt, (z / pt).asinh(), y / pt, x / pt, energy], -1)
