"""The table of runs as MLflow's user interface first shows it: a saved view with the columns that one compares.

MLflow keeps a view as a tag of the experiment: a name, times in milliseconds, and the state of the page as JSON text.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hepexp.errors import HepexpError

KEY = "hepexp"
TAG = f"mlflow.sharedViewState.{KEY}"
NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the server is on this machine
NAME = "attributes.`Run Name`"
FIRST = ("params.`model.name`", "params.`dataset.name`", "params.`seed`", "params.`optimizer.lr`")
LAST = ("attributes.`Dataset`", "attributes.`Description`")  # the description begins with the command
WIDTHS = {NAME: 320, "tags.`task`": 180, "attributes.`Dataset`": 180, "attributes.`Description`": 400}  # pixels


@dataclass(frozen=True)
class Experiment:
    """An experiment with runs.

    Parameters
    ----------
    started : its newest run, milliseconds since 1970.
    """

    id: str
    name: str
    started: int

    @property
    def page(self) -> str:
        """Its table of runs in the view, on the pages for training: MLflow 3 opens those for language models."""
        return f"#/experiments/{self.id}/runs?workflowType=machine_learning&viewStateShareKey={KEY}"


def install(address: str, metrics: Sequence[str]) -> list[Experiment]:
    """Add the view to every experiment that has runs.

    Parameters
    ----------
    address : of the server, which is asked, as importing MLflow here would cost seconds.
    metrics : the columns of metrics; MLflow leaves out those that no run has.

    Returns
    -------
    The experiments that have runs, that of the newest run first.

    Raises
    ------
    HepexpError : the server refuses; the store may be one that can only be read.
    """
    found, tag = [], _tag(metrics)
    for experiment in _ask(address, "experiments/search", max_results=1000)["experiments"]:
        number = experiment["experiment_id"]
        newest = _ask(address, "runs/search", experiment_ids=[number], max_results=1, order_by=["start_time DESC"])
        if not newest.get("runs"):
            continue
        found.append(Experiment(number, experiment["name"], newest["runs"][0]["info"]["start_time"]))
        if {"key": TAG, "value": tag} not in experiment.get("tags", []):
            _ask(address, "experiments/set-experiment-tag", experiment_id=number, key=TAG, value=tag)
    return sorted(found, key=lambda experiment: -experiment.started)


def _ask(address: str, what: str, **values: Any) -> dict[str, Any]:
    """One call of MLflow's REST interface."""
    request = urllib.request.Request(
        f"{address}/api/2.0/mlflow/{what}", json.dumps(values).encode(), {"Content-Type": "application/json"}
    )
    try:
        with NO_PROXY.open(request, timeout=30) as answer:
            return json.load(answer)
    except OSError as error:
        raise HepexpError(f"the MLflow server refused {what}: {error}") from error


def _tag(metrics: Sequence[str]) -> str:
    measured = {f"metrics.`{name}`": 20 + 8 * len(name) for name in metrics}
    columns = [*FIRST, *measured, "tags.`task`", *LAST]
    # MLflow only sets the widths of columns whose position is given
    state = {"selectedColumns": columns, "columnOrder": [NAME, *columns], "columnWidths": WIDTHS | measured}
    return json.dumps({"name": "hepexp", "createdAt": 0, "updatedAt": 0, "state": json.dumps(state)})
