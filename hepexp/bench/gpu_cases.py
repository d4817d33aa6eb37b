"""What `hepexp bench gpu` measures: models, their references, and batches for both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from hepexp.batch import Batch, FeatureBatch, JetBatch
from hepexp.bench import quantum
from hepexp.bench.edge_list import EdgeListLorentzNet
from hepexp.bench.equivariant import CONVS, PIXELS, images
from hepexp.bench.escnn_network import EscnnNetwork
from hepexp.bench.taggers import TAGGERS, Loss, Tagger, cross_entropy, jets
from hepexp.data.datasets.qg.module import QuarkGluon
from hepexp.models.lorentz_net import LorentzNet
from hepexp.models.particle_net import ParticleNet
from hepexp.models.particle_transformer import ParticleTransformer
from hepexp.models.steerable_cnn import SteerableCNN
from hepexp.quantum.backend import Backend
from hepexp.quantum.circuit import Circuit
from hepexp.quantum.pennylane import PennyLane
from hepexp.quantum.statevector import StateVector
from hepexp.quantum.templates import pair_circuit, strongly_entangling_circuit

QG_SCALARS = 8  # of a particle in the quark/gluon sample


@dataclass(frozen=True)
class Case:
    """A model and a reference, trained on the same batch.

    Parameters
    ----------
    tagger : makes both.
    batch : makes a batch of so many examples.
    n : examples in a batch on a GPU.
    n_on_cpu : the same where only the command is tried.
    loss : of what the model gives.
    n_reference : most examples of the reference's batch.
    autocasts : whether anything of the model is computed in bfloat16 if it may be.
    """

    tagger: Tagger
    batch: Callable[[int], Batch]
    n: int
    n_on_cpu: int = 4
    loss: Loss = cross_entropy
    n_reference: int | None = None
    autocasts: bool = True


class Angles(nn.Module):
    """A circuit that reads the features of each example, shifted, so that its angles have gradients as in a network."""

    def __init__(self, backend: Backend, circuit: Circuit):
        super().__init__()
        self.layer = backend.layer(circuit)
        self.shift = nn.Parameter(torch.zeros(circuit.n_inputs))

    def forward(self, batch: FeatureBatch) -> Tensor:
        return self.layer(batch.features + self.shift)


def cases(quick: bool = False) -> Mapping[str, Case]:
    """The cases by name.

    Parameters
    ----------
    quick : models of a few thousand parameters and small batches, to try the command.
    """
    return _small() if quick else _full()


def _full() -> dict[str, Case]:
    return {
        "lorentznet": Case(_lorentz_net(), quark_gluon_jets, n=256, n_on_cpu=4),
        "particlenet": Case(TAGGERS["particlenet"], lambda n: jets(n, 64), n=512),
        "part": Case(TAGGERS["part"], lambda n: jets(n, 64), n=512),
        "steerable_cnn": Case(_steerable_cnn(), images, n=256, n_on_cpu=2),
        **{name: _circuit(name) for name in ("q8_l3_b4096", "phi_e_b16384")},
    }


def _small() -> dict[str, Case]:
    known = _full()

    def smaller(name: str, ours: Callable[[], nn.Module], batch: Callable[[int], Batch]) -> Case:
        return replace(known[name], tagger=replace(known[name].tagger, ours=ours), batch=batch, n=4)

    return {
        "lorentznet": replace(known["lorentznet"], tagger=_lorentz_net(n_hidden=8, n_blocks=2), n=4),
        "particlenet": smaller(
            "particlenet",
            lambda: ParticleNet("weaver", k=3, channels=[8], n_hidden=8, n_scalars=0, n_classes=2),
            lambda n: jets(n, 8),
        ),
        "part": smaller(
            "part", lambda: ParticleTransformer(1, 1, 2, [8], [4], n_scalars=0, n_classes=2), lambda n: jets(n, 8)
        ),
        "steerable_cnn": replace(
            known["steerable_cnn"], tagger=_steerable_cnn(17, [2, 2], [1, 1]), batch=lambda n: images(n, 17), n=4
        ),
        "q4_l1_b1024": replace(_circuit("q4_l1_b1024"), n=32, n_on_cpu=32),
    }


def _lorentz_net(n_hidden: int = 72, n_blocks: int = 6) -> Tagger:
    def reference(ours: nn.Module) -> nn.Module:
        made = EdgeListLorentzNet(n_hidden, n_blocks, n_scalars=QG_SCALARS, n_classes=2)
        made.load_state_dict(ours.state_dict())
        return made

    return Tagger(
        lambda: LorentzNet(n_hidden=n_hidden, n_blocks=n_blocks, n_scalars=QG_SCALARS, n_classes=2),
        reference,
        "edge-list",
    )


def _steerable_cnn(pixels: int = PIXELS, widths: Sequence[int] | None = None, convs: Sequence[int] = CONVS) -> Tagger:
    def ours() -> SteerableCNN:
        return SteerableCNN("C4", "lite", widths, convs, image_shape=(3, pixels, pixels), n_classes=2)

    return Tagger(ours, EscnnNetwork, "escnn", "escnn")


def _circuit(name: str) -> Case:
    """A case of `hepexp bench quantum`, against PennyLane's default.qubit."""
    size, batch = quantum.CASES[name]
    circuit = pair_circuit(10, 1) if size is None else strongly_entangling_circuit(*size)

    def reference(ours: nn.Module) -> nn.Module:
        made = Angles(PennyLane(), circuit)
        made.load_state_dict(ours.state_dict())
        return made

    tagger = Tagger(lambda: Angles(StateVector(), circuit), reference, "default.qubit", "pennylane")
    return Case(
        tagger,
        lambda n: angles(circuit, n),
        n=batch,
        n_on_cpu=64,
        loss=lambda found, _: found.square().sum(),
        n_reference=quantum.implementations()["default.qubit"].largest(circuit.n_qubits),
        autocasts=False,
    )


def quark_gluon_jets(n: int) -> JetBatch:
    """A batch as the training on the quark/gluon sample of the package makes it, with its padding."""
    data = QuarkGluon(source="mini", batch_size=n, n_train=n, seed=1)
    data.prepare_data()
    data.setup("fit")
    return next(iter(data.train_dataloader()))


def angles(circuit: Circuit, n: int) -> FeatureBatch:
    """The inputs of a circuit, uniform from 0 to 3."""
    g = torch.Generator().manual_seed(1)
    index = torch.arange(n)
    features = 3 * torch.rand(n, circuit.n_inputs, generator=g)
    return FeatureBatch(index % 2, index, torch.zeros(n, 0), features=features)
