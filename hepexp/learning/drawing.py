"""Configurations that a trained sampler draws, with their weights or as a Markov chain, in a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray

from hepexp.atomic import atomic
from hepexp.errors import HepexpError
from hepexp.evaluation.autocorrelation import independence_chain
from hepexp.evaluation.evaluators.evaluator import rows_as_lists
from hepexp.losses.lattice_samplers import Chain, Density, is_chain
from hepexp.losses.sampling import Sampling

AT_ONCE = 1000
Columns = dict[str, NDArray]


def write_draws(
    path: Path,
    objective: Sampling,
    model: Density | Chain,
    n: int,
    seed: int,
    metropolis: bool,
    label: str,
    report: Callable[[int], None] = lambda made: None,
) -> None:
    """Write n configurations as Parquet, a thousand at a time: observables, and `configuration`, flat, in float64.

    Draws of a density have `log_weight`, -S - ln q, and in a Metropolised chain `accepted`, as states of a model that
    is a chain itself. The shape of a configuration and the command are in the metadata of the schema.

    Parameters
    ----------
    metropolis : whether draws are the proposals of a chain; the file then holds its states.
    label : of the run.
    report : called with the number of new configurations after each part.

    Raises
    ------
    HepexpError : the model's density is NaN or infinite somewhere.
    """
    command = f"hepexp sample {label} --n {n} --seed {seed}{' --metropolis' * metropolis}"
    about = {"command": command, "shape": list(objective.action.shape), "n": n}
    parts = _states(objective, model, n, seed) if is_chain(model) else _draws(objective, model, n, seed)
    if metropolis:
        parts = _chain(parts, seed)
    writer = None
    with atomic(path) as temporary:
        try:
            for part in parts:
                table = _table(part).replace_schema_metadata({"hepexp": json.dumps(about)})
                writer = writer or pq.ParquetWriter(temporary, table.schema)
                writer.write_table(table)
                report(len(table))
        finally:
            if writer:
                writer.close()


def _draws(objective: Sampling, model: Density, n: int, seed: int) -> Iterator[Columns]:
    for block, start in enumerate(range(0, n, AT_ONCE)):
        random = torch.Generator().manual_seed(int(np.random.SeedSequence((seed, block)).generate_state(1)[0]))
        x, found = objective.configurations(model, min(AT_ONCE, n - start), random)
        part = {name: values.cpu().numpy() for name, values in found.items()}
        if bad := int((~np.isfinite(part["log_weight"])).sum()):
            raise HepexpError(f"the weights of {bad:,} of {len(x):,} draws are NaN or infinite: the training diverged")
        yield {**part, "configuration": x.flatten(1).cpu().numpy()}


def _states(objective: Sampling, model: Chain, n: int, seed: int) -> Iterator[Columns]:
    """Of one chain, after each trajectory."""
    random, rows = torch.Generator().manual_seed(seed), []
    with torch.no_grad():
        for k, state in enumerate(model.chain(1, random, n)):
            rows.append(state)
            if len(rows) == AT_ONCE or k == n - 1:
                x = torch.cat([row.x for row in rows])
                accepted = torch.cat([row.accepted for row in rows]).cpu().numpy()
                observed = {name: values.cpu().numpy() for name, values in objective.observed(x).items()}
                yield {**observed, "accepted": accepted, "configuration": x.flatten(1).cpu().numpy()}
                rows = []


def _chain(parts: Iterator[Columns], seed: int) -> Iterator[Columns]:
    """The states of the chain whose proposals these are."""
    here: Columns | None = None
    random = np.random.default_rng((seed, 1))
    for part in parts:
        both = part if here is None else {name: np.concatenate([here[name], values]) for name, values in part.items()}
        at, accepted = independence_chain(both["log_weight"], random.random(len(both["log_weight"])))
        new = slice(0 if here is None else 1, None)
        here = {name: values[at[-1:]] for name, values in both.items()}
        yield {name: values[at[new]] for name, values in both.items()} | {"accepted": accepted[new]}


def _table(part: Columns) -> pa.Table:
    columns = {name: pa.array(values) if values.ndim == 1 else rows_as_lists(values) for name, values in part.items()}
    return pa.table(columns)
