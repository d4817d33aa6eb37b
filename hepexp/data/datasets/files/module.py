"""One's own files of jets, described by a configuration alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import ClassVar

from hepexp.data.datasets.files.features import FileFeatures
from hepexp.data.datasets.files.info import DEFAULT_FRACTIONS, FilesInfo, keys_of
from hepexp.data.datasets.files.particles import FileParticles
from hepexp.data.loading.jet_datamodule import JetDataModule
from hepexp.data.representations.jet_features import JetFeatures
from hepexp.data.representations.representation import Representation
from hepexp.data.representations.scale import Scaled
from hepexp.data.store.ragged import Ragged
from hepexp.errors import ConfigError


class Files(JetDataModule):
    """Jets or events in one's own ROOT, HDF5, Parquet, Arrow or NumPy files.

    Columns are named by expressions such as `log(part_pt)`: names of columns (in backquotes where they have other
    characters than letters, digits, _ and .), numbers, + - * / **, comparisons, & | ~, and functions. `hepexp data
    inspect FILE` shows the columns of a file.

    Parameters
    ----------
    files : file names and patterns such as [qcd/*.root, top/*.root]; {CLASS: [...]} where each class has files of its
        own; {train: [...], val: [...], test: [...]} for files of each split, which can be divided by class again.
    tree : ROOT tree, or HDF5 group or array; null where there is one.
    p4 : four-momenta of the particles, in GeV, by their components, each an expression or a number: px, py, pz and
        energy or mass; pt, eta or y, phi and energy, mass or pid (PDG number).
    classes : an expression that is 1 or true for examples of each class, such as {QCD: label_QCD, top: label_top}; or,
        with `label`, its value. Examples of no class are left out.
    label : column of whole numbers, for which `classes` gives the value of each class.
    targets : real numbers to predict for each example, for losses that do: expressions, or {NAME: expression}.
    element_targets : likewise, for each particle.
    scalars : inputs for each particle beside its four-momentum: expressions, standardised to mean 0 and variance 1 over
        the training examples, or {expr: ..., shift: ..., scale: ..., clip: [LOW, HIGH]}.
    extras : additional inputs for each example, standardised over the training examples.
    selection : condition for examples to be used; null for all.
    particle_selection : condition for particles to be used; null for all.
    weight : weight of each example, which may be negative: an expression; null for none.
    event_id : what tells events apart: column, or list of columns; null for the name of the file and the row.
    fractions : fraction of train, val and test, by a hash of the event, so that further files move none of them.
    """

    files: Sequence[str] | Mapping[str, Sequence[str] | Mapping[str, Sequence[str]]]
    tree: str | None = None
    p4: Mapping[str, str | float] | None = None
    classes: Mapping[str, str | float] | None = None
    label: str | None = None
    targets: Sequence[str] | Mapping[str, str] = ()
    element_targets: Sequence[str] | Mapping[str, str] = ()
    scalars: Sequence[str | Mapping[str, str | float | Sequence[float] | None]] = ()
    features: JetFeatures | Sequence[str | Mapping[str, str | float | Sequence[float] | None]] | None = None
    extras: Sequence[str] = ()
    selection: str | None = None
    particle_selection: str | None = None
    event_id: str | Sequence[str] | None = None
    fractions: Mapping[str, float] | None = None

    source: ClassVar[str] = "full"
    n_generate: ClassVar[int] = 10
    generate_seed: ClassVar[int] = 0

    def __post_init__(self) -> None:
        given = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "features"}
        named = not isinstance(self.features, JetFeatures) and self.features is not None
        given |= {"features": self.features if named else (), "variables": getattr(self.reweight, "variables", ())}
        keys = keys_of(given)
        self.info = FilesInfo("files", self.files, keys, self.fractions or DEFAULT_FRACTIONS)
        self._features = FileFeatures(keys.features) if keys.features else None
        self._particles = self.info.particles() if keys.p4 else None
        if self._particles is None and not keys.features:
            raise ConfigError(
                "dataset needs p4, the four-momenta of the particles, or features of each example; got none"
            )
        self.element_targets = tuple(keys.element_targets)
        self.observers = tuple(dict.fromkeys((*keys.observers, *keys.event_id)))
        super().__post_init__()

    def named_targets(self) -> dict[str, str]:
        stored = self.info.layout.extras
        return {name: name if name in stored else str(text) for name, text in self.info.keys.targets.items()}

    # ---- what models get

    def particle_inputs(self) -> FileParticles:
        return self._particles

    def as_particles(self) -> tuple[FileParticles, ...] | None:
        return None if self._particles is None else (self._particles,)

    def make_representations(self) -> list[Representation]:
        if self._particles is None:
            return [self._features]
        made = super().make_representations()
        return made if self._features is None else [*made[:-1], self._features]

    def fit_inputs(self, examples: Ragged) -> None:
        if self._particles is not None:
            self._particles.fit(examples)

    def _scaled(self) -> dict[str, Scaled]:
        scalars = {} if self._particles is None else {"scalars": self._particles.scalars}
        return super()._scaled() | scalars

    def provenance(self) -> dict:
        """As of any data set, with the selection and the number of examples before and after each."""
        keys = self.info.keys
        return {
            **super().provenance(),
            "selection": keys.selection,
            "particle_selection": keys.particle_selection,
            "cut_flow": self.info.cut_flow(self.store),
        }
