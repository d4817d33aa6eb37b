"""LorentzNet: message passing that is equivariant under the Lorentz group."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.batch import JetBatch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_dropout, require_positive
from hepexp.models.layers.dense import dense
from hepexp.models.layers.lorentz_block import LorentzBlock
from hepexp.models.layers.lorentz_kernel.block import FusedLorentzBlock
from hepexp.models.layers.metric_matrix import metric_matrices
from hepexp.models.layers.particle_pairs import ParticlePairs
from hepexp.models.layers.symmetry_breaking import SymmetryBreaking
from hepexp.models.weights import load_weights
from hepexp.quantum.backend import Backend
from hepexp.quantum.circuit import Circuit

log = logging.getLogger("hepexp")

KERNELS = {"fused": FusedLorentzBlock, "plain": LorentzBlock}
PUBLISHED_LENGTH = 139  # to which the authors pad quark/gluon jets


class LorentzNet(nn.Module):
    """Lorentz-equivariant message passing over the particles of a jet.

    Each block updates scalars h and coordinates x from the pairwise invariants psi(|x_i - x_j|^2) and
    psi(<x_i, x_j>), so the output is invariant under any Lorentz transformation of all particles. Coordinates and
    invariants are float64 whatever the parameters are: for nearly massless particles float32 loses every digit.

    Parameters
    ----------
    n_hidden : width of the scalars h and of every layer.
    n_blocks : number of Lorentz group equivariant blocks.
    c : step size of the coordinate update; the paper uses 5e-3 for top jets.
    dropout : probability of dropping a hidden unit of the decoder in training.
    metric : `minkowski`, `euclidean`, the rows of a symmetric 4x4 matrix J, a list of several such matrices, or a run
        that has found one or several; invariants are x^T J y, of each J. Where a symmetry is broken it leaves several
        metrics invariant, as boosts along z do t^2 - z^2, x^2, y^2 and x y.
    variant : "exact" is the network of the paper, invariant to rounding. "published" is that of the authors' code,
        which their weights need: it clamps (x_i - x_j) phi_x to +-100 per component, which breaks the invariance,
        divides the sum over particles by padded_length, includes padding in the batch statistics of phi_h, and computes
        in the precision of the parameters.
    padded_length : with variant=published, number of particles to which every jet is padded, whatever the batch; longer
        jets keep all of their particles. null for 139, the authors' value for quark/gluon jets. For top jets their code
        pads each batch of 32 to its longest jet, about 90 with the beams.
    kernel : how blocks without circuits are evaluated, with the same result to rounding: "plain" as in the paper, with
        all pairs in memory, or "fused", several times faster.
    quantum_blocks : which of the functions phi_e, phi_h, phi_m and phi_x of each block are circuits: the quantum
        Lie-equivariant network. With any circuit, messages have width 2 n_hidden + 2, and 2 more for each
        further metric: the number of qubits of the circuit phi_e.
    circuit_depth : layers of CNOTs and trained rotations of each circuit.
    circuit_scale : standard deviation of the circuits' initial angles.
    circuit : another circuit for phi_e, phi_h and phi_x, by the name of one (`hepexp list circuit`) or a list of gates,
        with 2 n_hidden + 2 inputs and outputs; null for the paper's, of circuit_depth layers.
    symmetry_breaking : what the network learns of the frame. none is Lorentz-invariant. beam: the two beams are
        particles, and two more scalars tell particles from beams. scalars: log pT and others of each particle.
        both: beam and scalars.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict, also with the key layout of
        the published release.
    n_scalars : scalars per particle, e.g. 8 for the one-hot particle type.
    n_classes : number of outputs: classes of the data set, or what a loss of regression needs.
    has_beams : whether the first two particles of each jet are the beams.
    backend : evaluates the circuits, or replaces them by networks; not needed without circuits.

    Shapes
    ------
    p4 (B, N, 4) in GeV as (E, px, py, pz); scalars (B, N, n_scalars); mask (B, N), True for real particles, which come
    first -> logits (B, n_classes).

    Raises
    ------
    ConfigError : an invalid size, rate or metric, circuits that would not be used, or weights of another network.

    References
    ----------
    Gong et al., arXiv:2201.08187, section 3; with circuits: Suda Neto et al., arXiv:2411.15315.
    """

    input = "particles"
    head = "graph_dec"
    pair_names: tuple[str, ...] = ("psi(|x_i - x_j|^2)", "psi(<x_i, x_j>)")
    lorentz_invariant: bool
    invariant_about_beam: bool

    def __init__(
        self,
        n_hidden: int = 72,
        n_blocks: int = 6,
        c: float = 1e-3,
        dropout: float = 0.2,
        metric: str | list[list[float]] | list[list[list[float]]] = "minkowski",
        variant: Literal["exact", "published"] = "exact",
        padded_length: int | None = None,
        kernel: Literal["fused", "plain"] = "fused",
        quantum_blocks: Sequence[str] = (),
        circuit_depth: int = 1,
        circuit_scale: float = 1e-3,
        symmetry_breaking: Literal["none", "beam", "scalars", "both"] = "none",
        weights: str | None = None,
        circuit: Circuit | None = None,
        *,
        n_scalars: int,
        n_classes: int,
        has_beams: bool = False,
        backend: Backend | None = None,
    ):
        super().__init__()
        require_positive(n_hidden=n_hidden, n_blocks=n_blocks, c=c)
        require_dropout(dropout)
        if circuit_depth < 1:
            raise ConfigError(f"model.circuit_depth must be >= 1, got {circuit_depth}")
        if circuit_scale < 0:
            raise ConfigError(f"model.circuit_scale must be >= 0, got {circuit_scale}")
        if variant not in ("exact", "published"):
            raise ConfigError(f"model.variant must be exact or published, got {variant}")
        self.published = variant == "published"
        if padded_length is not None and not self.published:
            raise ConfigError(f"model.padded_length={padded_length} needs model.variant=published, got {variant}")
        self.padded_length = PUBLISHED_LENGTH if padded_length is None else padded_length
        require_positive(padded_length=self.padded_length)
        if kernel not in KERNELS:
            raise ConfigError(f"model.kernel must be fused or plain, got {kernel}")
        self.lorentz_invariant = metric == "minkowski" and not self.published and symmetry_breaking == "none"
        self.invariant_about_beam = metric in ("minkowski", "euclidean") and not self.published
        self.breaking = SymmetryBreaking(symmetry_breaking, n_scalars, has_beams)
        n_scalars = self.breaking.n_scalars
        self.metrics = metric_matrices(metric)  # not a buffer: they stay float64 whatever the parameters become
        n_metrics = len(self.metrics)
        if n_metrics > 1:
            self.pair_names = tuple(f"{name}, metric {k + 1}" for name in self.pair_names for k in range(n_metrics))
        self.embedding = nn.Linear(n_scalars, n_hidden)
        block = partial(KERNELS[kernel], published=self.published, n_metrics=n_metrics)
        if circuit is not None and not set(quantum_blocks) - {"phi_m"}:
            raise ConfigError("model.circuit needs model.quantum_blocks: any of phi_e, phi_h, phi_x, to be used in")
        if quantum_blocks:
            from hepexp.models.layers.lorentz_circuits import LorentzCircuits

            if backend is None:
                raise ConfigError("model.quantum_blocks needs a backend that evaluates circuits")
            circuits = LorentzCircuits(quantum_blocks, circuit_depth, circuit_scale, backend, circuit)
            if self.published:
                raise ConfigError("model.variant=published has no circuits: leave out model.quantum_blocks")
            if n_blocks == 1 and "phi_x" in quantum_blocks:
                raise ConfigError("model.quantum_blocks: the last block has no phi_x, and n_blocks=1 has only that one")
            width = 2 * (n_hidden + n_metrics)
            block = partial(LorentzBlock, n_message=width, functions=circuits.functions, n_metrics=n_metrics)
        # The state dict that the authors published fixes the names LGEBs and graph_dec.
        self.LGEBs = nn.ModuleList(block(n_hidden, n_scalars, c, last=i == n_blocks - 1) for i in range(n_blocks))
        self.graph_dec = dense(n_hidden, [n_hidden], n_classes, nn.ReLU, dropout)
        if load_weights(self, weights) is False and (doubt := _doubt(n_scalars, variant, c, has_beams)):
            log.warning("model.weights: %s does not say how it was trained. %s", weights, doubt)

    def forward(self, batch: JetBatch) -> Tensor:
        batch, dtype = self.breaking(batch), self.embedding.weight.dtype
        n, padded_to = batch.mask.sum(1, keepdim=True), None
        if self.published:
            n = n.clamp(min=self.padded_length)
            batch, padded_to = (with_empty_place(batch), self.padded_length) if self.training else (batch, None)
        pairs = ParticlePairs.of(batch.mask, dtype, padded_to)
        scalars, x = pairs.gather(batch.scalars).to(dtype), pairs.gather(batch.p4)  # (R, S), (R, 4)
        x = x.to(dtype) if self.published else x
        metrics = self.metrics.to(x.device, x.dtype, non_blocking=True)
        h = self.embedding(scalars).to(dtype)  # (R, H)
        for block in self.LGEBs:
            h, x = block(h, x, scalars, pairs, metrics)
        h = pairs.sum_over_particles(h * pairs.mask[:, None]) / n.clamp(min=1)  # (B, H)
        return self.graph_dec(h)


def _doubt(n_scalars: int, variant: str, c: float, has_beams: bool) -> str | None:
    """The settings that the published weights need and this model lacks; two scalars mean the weights for top jets."""
    wanted, given = ["model.variant=published"], [f"model.variant={variant}"]
    right = variant == "published"
    if n_scalars == 2:
        wanted += ["dataset.beams=true", "model.c=5e-3"]
        given += [f"dataset.beams={str(has_beams).lower()}", f"model.c={c:g}"]
        right = right and has_beams and c == 5e-3
    return None if right else f"Published weights need {' '.join(wanted)}; here: {' '.join(given)}"


def with_empty_place(batch: JetBatch) -> JetBatch:
    """The same jets with one more padded entry, and all padding set to zero."""
    real = batch.mask[..., None]
    p4, scalars = (F.pad(values * real, (0, 0, 0, 1)) for values in (batch.p4, batch.scalars))
    return replace(batch, p4=p4, scalars=scalars, mask=F.pad(batch.mask, (0, 1)))
