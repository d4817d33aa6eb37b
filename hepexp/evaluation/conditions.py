"""Whether a run's figures can be compared with published ones: data, source, sizes, epochs and settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hepexp.config.expected import Publication, counted

LIKE = 0.1  # largest relative difference in size at which two samples count as equally large
# what changes the network or its training; sizes and source of the data are taken from what was actually read
SETTINGS = ("model", "loss", "backend", "optimizer", "dataset", "data")
SIZES = ("n_train", "n_val", "n_test", "source", "n_files")


@dataclass(frozen=True)
class Conditions:
    """The conditions under which a run obtained its figures.

    Parameters
    ----------
    data : the data set's name.
    source : full, mini, generate, or what a plug-in calls it.
    simulated : whether the examples were simulated by this project.
    sizes : numbers of examples n_train, n_val and n_test, as far as they are known.
    epochs : number of epochs trained.
    changed : settings of the task that were overridden, e.g. `model.n_hidden=8`.
    """

    data: str
    source: str
    simulated: bool = False
    sizes: Mapping[str, int] | None = None
    epochs: int | None = None
    changed: Sequence[str] = ()

    @classmethod
    def of(
        cls,
        config: Mapping[str, Any],
        environment: Mapping[str, Any],
        metrics: Mapping[str, Any],
        overrides: Sequence[str] = (),
    ) -> Conditions:
        """From a record: its config, environment.json, metrics.json, and the overrides."""
        data = environment.get("data") or {}
        sizes = {name: data[name] for name in ("n_train", "n_val", "n_test") if data.get(name) is not None}
        return cls(
            data=str((config.get("choices") or {}).get("dataset", "")),
            source=str(data.get("source", metrics.get("data/source", ""))),
            simulated=bool(data.get("simulated")),
            sizes=sizes,
            epochs=metrics.get("train/epochs"),
            changed=tuple(typed for typed in overrides if _is_setting(typed)),
        )

    @property
    def sample(self) -> str:
        """The data set and its source, as `qg, source mini (simulated)`."""
        return f"{self.data}, source {self.source}{' (simulated)' if self.simulated else ''}"

    def differences(self, publication: Publication) -> list[str]:
        """What differs from the conditions of a document, ours against theirs; empty if they agree.

        Fewer epochs count as a difference, more do not. A size that the document does not give never agrees.
        """
        found = []
        if self.data != publication.data:
            found.append(f"data set {self.data} against {publication.data}")
        if self.source != "full":
            found.append(f"source {self.source}{' (simulated)' if self.simulated else ''} against full")
        sizes = self.sizes or {}
        ours, theirs, of = sizes.get("n_train"), publication.n_train, "training examples"
        if theirs is None and publication.n_total is not None:
            ours, theirs, of = sum(sizes.values()), publication.n_total, "examples in all"
        if theirs is None:
            found.append(f"{_number_of(ours, of)} against a number that is not given")
        elif ours is None or abs(ours - theirs) > LIKE * theirs:
            found.append(f"{_number_of(ours, of)} against {theirs:,}")
        if publication.epochs is not None and self.epochs is not None and self.epochs < publication.epochs:
            found.append(f"{counted(self.epochs, 'epoch')} against {publication.epochs}")
        if publication.differs:
            found.append(publication.differs)
        if self.changed:
            found.append(f"settings of this run: {' '.join(self.changed)}")
        return found


def _number_of(n: int | None, of: str) -> str:
    return f"an unknown number of {of}" if n is None else f"{n:,} {of}"


def _is_setting(typed: str) -> bool:
    key = typed.lstrip("+~").partition("=")[0]
    group, _, rest = key.partition(".")
    return group in SETTINGS and rest not in SIZES
