"""Conversion of many published parts at a time, by processes of this machine or by the jobs of a cluster."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cloudpickle

from hepexp.data.dataset_info import DatasetInfo, Part
from hepexp.data.download.convert import convert, is_converted
from hepexp.data.download.progress import examples_progress
from hepexp.errors import HepexpError
from hepexp.simulation.cluster import Cluster
from hepexp.simulation.process_pool import in_processes, report_done

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Conversion:
    """What a job does: convert some parts, those that are not converted yet."""

    info: DatasetInfo
    parts: Sequence[Part]

    def __call__(self) -> int:
        damaged: list[HepexpError] = []
        for part in self.parts:  # a damaged file is no reason to leave out the others
            try:
                convert(self.info, part)
            except HepexpError as error:
                damaged.append(error)
        if damaged:
            raise damaged[0]
        return len(self.parts)


def convert_by_jobs(info: DatasetInfo, parts: Sequence[Part], jobs: int, cluster: Cluster | None = None) -> list[Path]:
    """Convert published parts into the store; the files are the same as those that one process makes.

    Parameters
    ----------
    jobs : number of processes, or of jobs.
    cluster : where the jobs are submitted; None for processes of this machine.

    Raises
    ------
    DataError : the files are missing or damaged, or the store cannot be written; others may have been converted.
    ConfigError : the cluster refuses the jobs.
    HepexpError : a process died, or parts are missing after all attempts of the jobs.
    """
    missing = [part for part in parts if not is_converted(info, part)]
    if missing:
        log.info("data: converting %d of %d parts, once only, into %s", len(missing), len(parts), info.store_folder)
        with examples_progress("converting", len(missing), "part") as report:
            if cluster is None:
                # the checks of a data set are closures, which pickle alone does not take
                calls = [(_call, cloudpickle.dumps(Conversion(info, [part]))) for part in missing]
                died = "a process that converts died (out of memory?); the same command resumes with a smaller --jobs"
                in_processes(calls, min(jobs, len(missing)), report, died)
            else:
                cluster.run(
                    missing,
                    lambda part: is_converted(info, part),
                    lambda some: Conversion(info, some),
                    jobs,
                    info.store_folder,
                    lambda part: report(1),
                    "part",
                )
    return [info.converted_path(part) for part in parts]


def _call(conversion: bytes) -> None:
    report_done(pickle.loads(conversion)())
