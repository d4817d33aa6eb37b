"""What the runs of a study found beside what was published, a row a figure, with what differs between the two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hepexp.compare.columns import columns
from hepexp.compare.groups import Group
from hepexp.config.expected import Figure, Publication
from hepexp.config.metrics import heading, is_whole
from hepexp.evaluation.published_figures import shown
from hepexp.evaluation.rounding import number, with_error

HEADER = ("setting", "document", "figure", "published", "here", "data", "not comparable, as", "parameters", "minutes")
USUAL = 2  # figures of a setting without published ones
NOTHING = "–"


def table(groups: Sequence[Group], commands: Mapping[str, str]) -> str:
    """Markdown; a setting of which nothing was published has its first usual figures.

    Parameters
    ----------
    groups : the runs of each setting.
    commands : that of each group, by its name.
    """
    header = [*HEADER, "command"]
    lines = [header, ["---"] * len(header)]
    lines += [[*row, f"`{commands[group.name]}`"] for group in groups for row in _rows(group)]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def _rows(group: Group) -> Iterator[list[str]]:
    ending = [_data(group), _counted(group, "model/parameters"), _minutes(group)]
    any_published = False
    for publication in group.published:
        differs = "; ".join(group.conditions.differences(publication))
        for metric, figure in publication.figures.items():
            any_published = True
            found = [_cited(publication), heading(metric), _published(publication, figure), _ours(group, metric)]
            yield [group.name, *found, ending[0], differs, *ending[1:]]
    if any_published:
        return
    known = [column.metric for column in columns([group], None) if column.metric.startswith("test/")]
    for metric in known[:USUAL]:
        yield [group.name, NOTHING, heading(metric), NOTHING, _ours(group, metric), ending[0], NOTHING, *ending[1:]]


def _cited(publication: Publication) -> str:
    return f"[{publication.document}]({publication.link})" if publication.link else publication.document


def _published(publication: Publication, figure: Figure) -> str:
    """With its conditions, but for the data set, which is beside ours where it differs."""
    conditions = publication.conditions.partition(", ")[2]
    return f"{shown(figure)} ({conditions})" if conditions else shown(figure)


def _ours(group: Group, metric: str) -> str:
    found = group.figure(metric)
    value = found.value
    if value is None:
        return NOTHING if found.bound is None else f"> {number(found.bound)}"
    text = number(value) if isinstance(value, str) or is_whole(metric) else with_error(value, found.error)
    return f"{text} ({found.n_runs} seeds)" if found.n_runs > 1 else text


def _data(group: Group) -> str:
    conditions = group.conditions
    n_train = (conditions.sizes or {}).get("n_train")
    return conditions.sample + (f", {n_train:,} training" if n_train is not None else "")


def _counted(group: Group, metric: str) -> str:
    value = group.figure(metric).value
    return NOTHING if value is None else number(value)


def _minutes(group: Group) -> str:
    value = group.figure("train/seconds").value
    return NOTHING if not isinstance(value, int | float) else f"{value / 60:.1f}"
