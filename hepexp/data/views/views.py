"""The keys `dataset.views`: which random views of the examples are drawn, and how strong each is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple, Self, TypeVar

import torch

from hepexp.batch import Batch, GraphBatch
from hepexp.config.annotated_keys import AnnotatedKeys
from hepexp.data.representations.representation import Representation
from hepexp.data.transforms.particle_selection import WithBeams
from hepexp.data.views.graph_views import EdgeDropping, FeatureMasking, NodeDropping
from hepexp.data.views.image_views import Crop, ImageRotation, Noise, Reflection
from hepexp.data.views.jet_emissions import CollinearSplitting, SoftEmission
from hepexp.data.views.jet_resolution import Dropping, Smearing
from hepexp.data.views.jet_symmetries import AxisBoost, AxisRotation, BeamReflection, BeamRotation, Translation
from hepexp.data.views.random_view import RandomView
from hepexp.errors import ConfigError

B = TypeVar("B", bound=Batch)


class Kind(NamedTuple):
    """A view as the keys have it: its class for each representation, and the range of its strength."""

    of: dict[str, Callable[[float], RandomView]]
    most: float = math.inf
    unit: str = ""
    least: float = 0


# in the order in which they are applied: what nature does, symmetries, then the detector; splitting comes after soft
# emission, which would part the collinear halves
KINDS = {
    "soft": Kind({"particles": SoftEmission}, unit=" GeV"),
    "split": Kind({"particles": CollinearSplitting}, 1),
    "rotate": Kind({"particles": AxisRotation, "image": ImageRotation}, 180, " degrees"),
    "boost": Kind({"particles": AxisBoost}, 5),
    "translate": Kind({"particles": Translation}, 3),
    "azimuth": Kind({"particles": BeamRotation}, 180, " degrees"),
    "flip": Kind({"particles": BeamReflection, "image": Reflection}),
    "smear": Kind({"particles": Smearing}, 1),
    "drop": Kind({"particles": Dropping}, 0.99),
    "crop": Kind({"image": Crop}, 0.99),
    "noise": Kind({"image": Noise}),
    "drop_nodes": Kind({"graph": NodeDropping}, 0.99),
    "drop_edges": Kind({"graph": EdgeDropping}, 1),
    "mask_features": Kind({"graph": FeatureMasking}, 0.99),
}
# strengths at which they are drawn where none is given
TYPICAL = {
    "split": 0.3,
    "soft": 0.1,
    "rotate": 180.0,
    "boost": 0.5,
    "translate": 1.0,
    "azimuth": 180.0,
    "flip": True,
    "smear": 0.1,
    "drop": 0.2,
    "crop": 0.3,
    "noise": 0.1,
    "drop_nodes": 0.2,
    "drop_edges": 0.1,
    "mask_features": 0.2,
}


class RandomViews(AnnotatedKeys):
    """The keys of random transformations of the examples; each is off at 0.

    Parameters
    ----------
    rotate : largest angle in degrees, 180 for any: of jets about their axis, of images about their centre.
    boost : largest rapidity of a boost of each jet along its axis.
    translate : largest shift of each jet in rapidity, a boost along the beam, and in azimuth (radians).
    azimuth : largest angle in degrees, 180 for any, of a rotation about the beam: of events, or jets in the detector.
    split : mean fraction of particles that split into two collinear ones, momentum conserved.
    soft : Lambda in GeV, soft emission: y and phi of each particle are smeared with the width Lambda / pT.
    smear : relative resolution with which the momentum of each particle is smeared.
    drop : probability with which each particle is lost, but for the hardest one.
    flip : reverse rows, and columns, of each image with probability 1/2; of particles p_y, and p_z, likewise.
    crop : largest fraction of the sides of each image that is cut off, before the rest is enlarged.
    noise : standard deviation of noise added to each pixel, in units of that of the pixels of an image.
    drop_nodes : fraction of the nodes of graphs that are dropped.
    drop_edges : fraction of the edges of graphs that are dropped.
    mask_features : probability with which each feature of a node is set to zero.
    own : views of a package of your own, applied last.

    Raises
    ------
    ConfigError : a strength out of range.
    """

    key: ClassVar[str]
    kinds: ClassVar[dict[str, Kind]] = KINDS

    rotate: float = 0.0
    boost: float = 0.0
    translate: float = 0.0
    azimuth: float = 0.0
    split: float = 0.0
    soft: float = 0.0
    smear: float = 0.0
    drop: float = 0.0
    flip: bool = False
    crop: float = 0.0
    noise: float = 0.0
    drop_nodes: float = 0.0
    drop_edges: float = 0.0
    mask_features: float = 0.0
    own: Sequence[RandomView] = ()

    def __post_init__(self) -> None:
        self.strengths: dict[str, float] = {name: given for name in self.kinds if (given := getattr(self, name))}
        for name, strength in self.strengths.items():
            kind = self.kinds[name]
            if not kind.least <= strength <= kind.most or strength == math.inf:
                limits = f">= 0{kind.unit}" if kind.most == math.inf else f"from {kind.least} to {kind.most}{kind.unit}"
                raise ConfigError(f"{self.key}.{name} must be {limits}, got {strength:g}")
        self.own = tuple(self.own)

    def __bool__(self) -> bool:
        return bool(self.strengths or self.own)

    @property
    def on(self) -> tuple[str, ...]:
        """The keys of the views that are on, as they are applied."""
        return (*(f"{self.key}.{name}" for name in self.strengths), *(f"{self.key}.own" for _ in self.own))

    @property
    def first(self) -> str:
        """The key of a view that is on."""
        return self.on[0]

    @classmethod
    def typical(cls, representation: str) -> Self:
        """All views of a representation, at typical strengths."""
        return cls._with({name: TYPICAL[name] for name in KINDS if name in names_of(representation)})

    @classmethod
    def _with(cls, strengths: Mapping[str, Any]) -> Self:
        return cls(**strengths)

    def are_of(self, representation: str) -> bool:
        """Whether all that are on are views of this representation."""
        own = all(view.reads == representation for view in self.own)
        return own and all(representation in self.kinds[name].of for name in self.strengths)

    def each(self) -> dict[str, Self]:
        """Each view that is on by itself, under its key and its strength."""
        of_keys = {
            f"{name}" if strength is True else f"{name} {strength:g}{self.kinds[name].unit}": self._with(
                {name: strength}
            )
            for name, strength in self.strengths.items()
        }
        return of_keys | {type(view).__name__: type(self)(own=[view]) for view in self.own}

    def of(self, representation: Representation) -> Steps:
        """What transforms batches of this representation.

        Raises
        ------
        ConfigError : one of them transforms another representation, or data unlike these.
        """
        raise NotImplementedError

    def steps(self, representation: Representation) -> tuple[RandomView, ...]:
        """Those that are on, in the order in which they are applied to batches of this representation.

        Raises
        ------
        ConfigError : one of them transforms another representation, or data unlike these.
        """
        reads = representation.name
        for name in self.strengths:
            if reads not in self.kinds[name].of:
                raise ConfigError(f"{self.key}.{name} {self._is_of(tuple(self.kinds[name].of), reads)}")
        for view in self.own:
            if view.reads != reads:
                raise ConfigError(f"{self.key}.own: {type(view).__name__} {self._is_of((view.reads,), reads)}")
        if any(isinstance(step, WithBeams) for step in representation.transforms):
            raise ConfigError(
                f"{self.first}: views do not tell the beams of dataset.beams=true from particles; leave them out, and "
                "have the model add them, model.symmetry_breaking=beam"
            )
        made = (*(self.kinds[name].of[reads](strength) for name, strength in self.strengths.items()), *self.own)
        for view in made:
            view.fit_to(representation)
        return made

    def _is_of(self, its: tuple[str, ...], reads: str) -> str:
        offered = names_of(reads, self.kinds)
        others = f"expected one of {', '.join(offered)}" if offered else "of which there are no views"
        return f"is a view of {' or '.join(its)}, but this model reads {reads}; {others}"


class Views(RandomViews):
    """Random views of the examples, of which losses such as ntxent compare two; each is off at 0.

    They are drawn on the device of the batch, anew in each training step from seed, step and rank, and the same in each
    validation. Embeddings are evaluated on the examples themselves. Views change what models read of particles, pixels
    or nodes, not the variables of an example in `extras`, nor scalars of particles that are named in `data=files`.

    References
    ----------
    B. Dillon et al., arXiv:2108.04253, section 2.2 (jets); T. Chen et al., arXiv:2002.05709 (images); Y. You et al.,
    arXiv:2010.13902 (graphs).
    """

    key = "dataset.views"

    def of(self, representation: Representation) -> TwoViews:
        """What draws two of them, for batches of this representation."""
        return TwoViews(self.steps(representation))


@dataclass(frozen=True)
class Steps:
    """Transforms each example of a batch at random.

    Parameters
    ----------
    steps : the transformations, applied in this order.
    """

    steps: tuple[RandomView, ...]

    def one(self, batch: B, random: torch.Generator) -> B:
        for step in self.steps:
            batch = step(batch, random)
        return batch


class TwoViews(Steps):
    """Draws two views of each example of a batch, independently of one another."""

    def __call__(self, batch: B, seed: int) -> tuple[B, B]:
        """The views that a seed determines."""
        random = torch.Generator(batch.label.device).manual_seed(seed)
        return self.one(batch, random), self.one(batch, random)

    def one(self, batch: B, random: torch.Generator) -> B:
        """One view, without what is to be predicted for elements, which the transformations may drop or split."""
        batch = replace(batch, element_target=None, element_label=None, element_group=None)
        if isinstance(batch, GraphBatch):
            batch = replace(batch, edge_label=None)
        return super().one(batch, random)


def names_of(representation: str, kinds: Mapping[str, Kind] = KINDS) -> tuple[str, ...]:
    """The views of a representation, in alphabetical order."""
    return tuple(sorted(name for name, kind in kinds.items() if representation in kind.of))
