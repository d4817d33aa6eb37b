"""`hepexp check --data NAME --group G`: how far a data set is from being invariant under a group."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hepexp.cli.data_options import composed
from hepexp.cli.output_files import check_folder
from hepexp.console import console
from hepexp.errors import ConfigError
from hepexp.spelling import visible

RAPIDITY = 0.3  # largest, of boosts: no distribution of momenta stays under all of them


def check_data(
    name: str,
    group: str,
    keys: Sequence[str],
    n: int,
    rapidity: float | None,
    seed: int,
    out: Path | None,
    overwrite: bool,
) -> None:
    """Do the test, print it, and write it to a folder if one is given.

    Raises
    ------
    ConfigError : an unknown data set, key or group, or one that does not act on these data.
    """
    if rapidity is not None and not 0 < rapidity <= 5:
        raise ConfigError(f"--rapidity must be in (0, 5], got {rapidity:g}")
    if foreign := next((key for key in keys if not key.startswith(("data.", "dataset."))), None):
        raise ConfigError(f"{foreign}: expected data.KEY=VALUE beside --data")
    from hepexp.check.groups import GROUPS, move_of

    if group not in GROUPS:
        move_of(group, 0, name)
    if rapidity is not None and not GROUPS[group].has_boosts:
        raise ConfigError(f"--rapidity is of groups with boosts, and {group} has none: leave it out")
    rapidity = RAPIDITY if rapidity is None else rapidity
    content = composed(name, keys, [])
    file = f"check_{name}_{group}"
    if out:
        check_folder(out, "--out", overwrite, (f"{file}.json", f"{file}.png"))

    from hepexp.atomic import write_json
    from hepexp.check.figures import two_samples
    from hepexp.check.invariance import invariance
    from hepexp.check.progress import progress
    from hepexp.check.two_sample import N_NULL
    from hepexp.config.build import construct
    from hepexp.data.loading.datamodule import HepDataModule
    from hepexp.evaluation.rounding import with_error
    from hepexp.text_table import Column, TextTable

    data = construct(content, "dataset", seed=seed)
    if not isinstance(data, HepDataModule):
        raise ConfigError(f"--data {name}: expected a data set of tables, not {type(data).__name__}")
    with progress(N_NULL + 1) as done:
        found, n = invariance(data, group, n, rapidity, seed, lambda: done("classifiers"))
    about = GROUPS[group]
    figures = {"AUC": (found.auc, found.null_auc), "accuracy": (found.accuracy, found.null_accuracy)}
    rows = [
        *([what, f"{value:.4f}", with_error(null.mean(), null.std(ddof=1))] for what, (value, null) in figures.items()),
        ["significance", f"{found.z:.1f} sigma", ""],
        ["p value", f"{found.p:.3f}" if found.p > 1 / (1 + N_NULL) else f"<= {1 / (1 + N_NULL):.3f}", ""],
        ["total variation, at least (95 %)", f"{found.distance:.3f}", ""],
    ]
    boosts = f", boosts up to a rapidity of {rapidity:g}" if about.has_boosts else ""
    source = data.provenance()["source"]
    notes = [
        f"{n:,} training {data.noun}s, a random half moved{boosts}; boosted trees judge the half that they have not "
        "seen, and know the labels; 0.5 is chance",
        f"null: {N_NULL} permutations of which half was moved, with the same training",
    ]
    columns = [Column("", "name"), Column("moved against not", "figure"), Column("null", "figure")]
    console().print(
        TextTable(columns, rows, title=f"{name} (source {source}) under {group}: {about.about}", notes=notes)
    )
    if out:
        out.mkdir(parents=True, exist_ok=True)
        record = {"data": name, "keys": list(keys), "source": source, "group": group, "n": n, "seed": seed}
        record |= {"rapidity": rapidity} if about.has_boosts else {}
        record |= {"auc": found.auc, "accuracy": found.accuracy, "null_auc": found.null_auc, "p": found.p}
        record |= {"null_accuracy": found.null_accuracy, "z": found.z, "total_variation_at_least": found.distance}
        write_json(out / f"{file}.json", record)
        two_samples(
            out / f"{file}.png",
            found.auc,
            found.null_auc,
            f"{name}, source {source}, {n:,} training {data.noun}s: moved by {group}, {about.about}",
        )
        print(visible(f"written to {out / file}.json and .png"))
