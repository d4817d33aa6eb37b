"""The classical baseline of jet assignment: chi^2 of the masses of W and top, without anything to train."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hepexp.batch import JetBatch
from hepexp.errors import ConfigError
from hepexp.models.layers.jet_triplets import require_triplet_memory, triplets

N_TOPS = 2


class Chi2Assignment(nn.Module):
    """-chi^2 / 2 of every triplet of jets, chi^2 = ((m_jj - m_W) / s_W)^2 + ((m_jjb - m_t) / s_t)^2.

    A jet without a b-tag is taken as the bottom quark, or one with a b-tag as a quark of the W, only if an event has no
    other choice: each costs `tag_penalty` in chi^2.

    Parameters
    ----------
    m_w, m_top : where jets put the masses, GeV: below the poles, as they lose what radiates out of them.
    s_w, s_top : widths of the masses, GeV.
    tag_penalty : chi^2 of a jet whose b-tag does not fit its role; 0 to leave b-tags out.
    n_scalars : scalars per jet in the data set; the first is taken as the b-tag.

    Shapes
    ------
    p4 (B, N, 4) in GeV as (E, px, py, pz); scalars (B, N, n_scalars); mask (B, N) -> (B, 2, N, N, N), as of SPANet, the
    same for both tops.

    Raises
    ------
    ConfigError : a mass or width that is not positive, a negative penalty, or no b-tags in the data.

    References
    ----------
    The chi^2 method of A. Shmakov et al., arXiv:2106.03898, section 4.2.
    """

    input = "particles"
    lorentz_invariant = True

    def __init__(
        self,
        m_w: float = 77.0,
        m_top: float = 162.0,
        s_w: float = 11.0,
        s_top: float = 18.0,
        tag_penalty: float = 100.0,
        *,
        n_scalars: int,
    ):
        super().__init__()
        for name, value in (("m_w", m_w), ("m_top", m_top), ("s_w", s_w), ("s_top", s_top)):
            if not value > 0:
                raise ConfigError(f"model.{name} must be > 0, got {value}")
        if not tag_penalty >= 0:
            raise ConfigError(f"model.tag_penalty must be >= 0, got {tag_penalty}")
        if tag_penalty and not n_scalars:
            raise ConfigError("model.tag_penalty needs a b-tag of each jet, which the data set lacks: set it to 0")
        self.w, self.top, self.tag_penalty = (m_w, s_w), (m_top, s_top), tag_penalty

    def forward(self, batch: JetBatch) -> Tensor:
        require_triplet_memory(batch.mask, 12, batch.p4.dtype)
        p4 = batch.p4
        pairs = p4[:, :, None] + p4[:, None]  # (B, N, N, 4)
        chi2 = _pull2(_mass(pairs), *self.w)[..., None]
        chi2 = chi2 + _pull2(_mass(pairs[:, :, :, None] + p4[:, None, None]), *self.top)
        if self.tag_penalty:
            tagged = batch.scalars[..., 0].to(p4.dtype)
            wrong = tagged[:, :, None, None] + tagged[:, None, :, None] + 1 - tagged[:, None, None, :]
            chi2 = chi2 + self.tag_penalty * wrong
        logits = -chi2 / 2
        logits = logits.masked_fill(~triplets(batch.mask), torch.finfo(torch.float32).min / 4)
        return logits[:, None].expand(-1, N_TOPS, -1, -1, -1).float()


def _mass(p4: Tensor) -> Tensor:
    return (p4[..., 0] ** 2 - (p4[..., 1:] ** 2).sum(-1)).clamp(min=0).sqrt()


def _pull2(mass: Tensor, expected: float, width: float) -> Tensor:
    return ((mass - expected) / width) ** 2
