"""How much MLflow accepts in one request, and returns in one response."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

T = TypeVar("T")
METRICS, OTHERS = 1000, 100  # values of metrics, and parameters or tags, in one request
RUNS = 1000  # in one answer


def batches(entries: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The entries, at most `size` at a time."""
    return (entries[start : start + size] for start in range(0, len(entries), size))


def search(client: MlflowClient, query: str) -> Iterator[Run]:
    """The runs of all experiments that match MLflow's filter, oldest first."""
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    token = None
    while True:
        page = client.search_runs(
            experiments, query, max_results=RUNS, order_by=["attributes.start_time ASC"], page_token=token
        )
        yield from page
        token = page.token
        if not token:
            return
