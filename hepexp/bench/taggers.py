"""Training steps and inference of taggers: ours vs the module that their authors published, or a transcription of it.

Each case has the same weights, batch and logits (to `Tagger.tolerance`, checked before anything is timed). A jet has
n_particles particles, so that nothing is gained by leaving out padding; in real batches half of the places are empty.

Floors for 64 particles, from the products alone, where 1 MAC is 2 FLOP and a training step is three forward passes:

particlenet : 13.5 MFLOP per particle and its 16 edges (EdgeConv of 64, 128 and 256, the first product of each per
    particle), 0.87 GFLOP per jet in weaver's form, 0.63 in ours; most of the rest is memory access to edge tensors.
part : 8 blocks of 197k MAC per particle, 132k to embed it, 2 x 64 x 128 MAC per particle and block for attention, and
    9k MAC per pair (2,080 of them): 0.28 GFLOP per jet, 0.83 in a training step. At 350 GFLOP/s, which two cores with
    AVX-512 reach on such products in float32, that is 420 jets/s in training and 1,250 in inference.
mi_part : 5 blocks of 37k MAC per particle and 64 per pair, 5 of 49k and 128, 99k to embed a particle and 9k a pair
    (2,080 of them): 0.11 GFLOP per jet, 0.34 in a training step, for 1,000 jets/s and 3,100 at that rate. Softmax of
    64 heads reads and writes 262k numbers per jet.
pelican : 6 message layers of 10k MAC and 5 blocks of 21k MAC per pair (4,356 with the beams): 1.4 GFLOP per jet, 4.3 in
    a training step, for 80 jets/s in training and 250 in inference at that rate. All 15 maps as products of each pair
    cost 154k MAC per block in place of 21k, 7.2 GFLOP per jet.
lgatr, lgatr_slim : the network is the library's own, so what there is to measure is whether tokens, beams and mask cost
    anything beside it.
lgn : 2.5k MAC per pair for the radial functions and the sums over neighbours of 3 levels, 22 MFLOP per jet; its time is
    spent on memory access to some hundred numbers per pair and level.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from statistics import median
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from hepexp.batch import Batch, JetBatch
from hepexp.bench.library_lgatr import LibraryLGATr
from hepexp.bench.padded_mi_part import PaddedMIParT
from hepexp.bench.pairwise_lgn import PairwiseLGN
from hepexp.bench.stacked_pelican import StackedPELICAN
from hepexp.bench.weaver import WeaverParticleNet, WeaverParticleTransformer
from hepexp.errors import HepexpError
from hepexp.models.lgatr import LGATr
from hepexp.models.lgn import LGN
from hepexp.models.mi_part import MIParticleTransformer
from hepexp.models.particle_net import ParticleNet
from hepexp.models.particle_transformer import ParticleTransformer
from hepexp.models.pelican import PELICAN

M = TypeVar("M", bound=nn.Module)
Loss = Callable[[Tensor, Batch], Tensor]
Precision = Callable[[], AbstractContextManager]


@dataclass(frozen=True)
class Tagger(Generic[M]):
    """A case: our model and a reference that takes the same batches.

    Parameters
    ----------
    ours : makes our model.
    reference : makes the reference, with the weights of ours.
    named : what the reference is.
    package : what must be installed for the reference; empty if nothing.
    tolerance : by which logits may differ in float64.
    n_jets : most jets in a batch, for a reference that needs much memory for each.
    extra : of hepexp, which our model needs too; empty if none.
    """

    ours: Callable[[], M]
    reference: Callable[[M], nn.Module]
    named: str
    package: str = ""
    tolerance: float = 1e-5
    n_jets: int | None = None
    extra: str = ""


TAGGERS: Mapping[str, Tagger] = {
    "particlenet": Tagger(
        lambda: ParticleNet(variant="weaver", n_scalars=0, n_classes=2), WeaverParticleNet, "weaver-core", "weaver"
    ),
    "part": Tagger(
        lambda: ParticleTransformer(n_scalars=0, n_classes=2), WeaverParticleTransformer, "weaver-core", "weaver"
    ),
    "mi_part": Tagger(lambda: MIParticleTransformer(n_scalars=0, n_classes=2), PaddedMIParT, "padded-layers"),
    "pelican": Tagger(lambda: PELICAN(n_scalars=0, n_classes=2), StackedPELICAN, "stacked-maps", n_jets=4),
    "lgn": Tagger(lambda: LGN(n_scalars=0, n_classes=2), PairwiseLGN, "product-per-pair", n_jets=16),
    "lgatr": Tagger(lambda: LGATr(n_scalars=0, n_classes=2), LibraryLGATr, "lgatr", "lgatr", n_jets=8, extra="lorentz"),
    "lgatr_slim": Tagger(
        lambda: LGATr(slim=True, n_scalars=0, n_classes=2), LibraryLGATr, "lgatr", "lgatr", n_jets=16, extra="lorentz"
    ),
}


def rows(
    n_jets: int = 64,
    n_particles: int = 64,
    repeats: int = 7,
    taggers: Mapping[str, Tagger] = TAGGERS,
) -> list[dict]:
    """Jets per second of each case: medians over alternating measurements, after a warm-up.

    Rows have the number of parameters too, and those of references the largest difference of a logit from ours.

    Parameters
    ----------
    n_jets : jets in the batch.
    n_particles : particles of each jet.
    repeats : measurements of each.
    """
    found: list[dict] = []
    for name, tagger in taggers.items():
        if tagger.extra and not find_spec(tagger.package):
            note = f"{tagger.package} is not installed; pip install 'hepexp[{tagger.extra}]'"
            found.append({"case": f"{name} training", "implementation": "hepexp", "per_second": None, "note": note})
            continue
        batch = jets(min(n_jets, tagger.n_jets or n_jets), n_particles)
        torch.manual_seed(1)
        models: dict[str, nn.Module] = {"hepexp": tagger.ours()}
        beside: dict[str, float] = {}
        if not tagger.package or find_spec(tagger.package):
            models[tagger.named] = tagger.reference(models["hepexp"])
            beside["difference"] = check_logits(name, tagger, models, jets(8, n_particles, seed=2))
        parameters = {impl: sum(p.numel() for p in model.parameters()) for impl, model in models.items()}
        for what, run in (("training", training), ("inference", inference)):
            seconds = in_turn({i: run(model.train(what == "training"), batch) for i, model in models.items()}, repeats)
            found += [
                {"case": f"{name} {what}", "implementation": implementation, "per_second": len(batch) / s}
                | {"parameters": parameters[implementation]}
                | (beside if implementation == tagger.named else {})
                for implementation, s in seconds.items()
            ]
    return found


def in_turn(
    steps: Mapping[str, Callable[[], object]], repeats: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Median seconds of each step: all are measured in turn, so many times, after a warm-up of one round."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for repeat in range(repeats + 1):
        for name, step in steps.items():
            start = clock()
            step()
            if repeat:
                seconds[name].append(clock() - start)
    return {name: median(values) for name, values in seconds.items()}


def cross_entropy(logits: Tensor, batch: Batch) -> Tensor:
    """The loss of classifiers."""
    return nn.functional.cross_entropy(logits, batch.label)


def gradients(
    model: nn.Module, batch: Batch, loss: Loss = cross_entropy, precision: Precision = nullcontext
) -> Callable[[], None]:
    """Forward pass and backward pass, in the mode of the model.

    Parameters
    ----------
    loss : (what the model gives, batch) -> a number.
    precision : a context, such as autocast, for the forward pass and the loss.
    """

    def step() -> None:
        with precision():
            found = loss(model(batch), batch)
        found.backward()

    return step


def training(
    model: nn.Module, batch: Batch, loss: Loss = cross_entropy, precision: Precision = nullcontext
) -> Callable[[], None]:
    """A step: forward pass, backward pass and AdamW; parameters as for `gradients`."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    back = gradients(model, batch, loss, precision)

    def step() -> None:
        optimizer.zero_grad()
        back()
        optimizer.step()

    return step


def inference(model: nn.Module, batch: Batch, precision: Precision = nullcontext) -> Callable[[], None]:
    """A forward pass without gradients."""

    def step() -> None:
        with torch.no_grad(), precision():
            model(batch)

    return step


@torch.no_grad()
def check_logits(name: str, tagger: Tagger, models: Mapping[str, nn.Module], batch: Batch) -> float:
    """The largest difference between logits of the two models of a case, in float64 and evaluation mode.

    Raises
    ------
    HepexpError : it is larger than the tolerance of the case.
    """
    ours, reference = (model.double().eval()(batch) for model in models.values())
    for model in models.values():
        model.float()
    difference = (ours - reference).abs().max().item()
    if not difference <= tagger.tolerance:
        raise HepexpError(
            f"bench: the logits of {name} differ from those of {tagger.named} by {difference:.1e}, expected at "
            f"most {tagger.tolerance:.0e}; a time would mean nothing"
        )
    return difference


def jets(n: int, n_particles: int, seed: int = 1) -> JetBatch:
    """Random jets of massive particles (a pion's mass), pT falling, within 0.8 of an axis, in float64."""
    g = torch.Generator().manual_seed(seed)

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(n, n_particles, generator=g, dtype=torch.float64)

    radius, angle = 0.8 * uniform(0, 1), uniform(0, 2 * torch.pi)
    y, phi, pt = radius * angle.cos(), radius * angle.sin(), torch.exp(uniform(0, 4))
    transverse = torch.hypot(pt, torch.tensor(0.1396))
    p4 = torch.stack([transverse * y.cosh(), pt * phi.cos(), pt * phi.sin(), transverse * y.sinh()], dim=-1)
    index = torch.arange(n)
    return JetBatch(
        index % 2,
        index,
        torch.zeros(n, 0),
        p4=p4,
        scalars=torch.zeros(n, n_particles, 0),
        mask=torch.ones(n, n_particles, dtype=torch.bool),
    )
