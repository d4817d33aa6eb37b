"""Pages about what the code knows of itself: verbs, groups, keys, tasks, metrics. Sphinx runs this before it reads."""

import ast
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import as_markdown as md
import verbs
from task_topics import by_topic, topics

from hepexp.cli import metrics
from hepexp.config import catalog, expected, option, source, yaml_file
from hepexp.config import metrics as declared
from hepexp.data.find import data_sets, find_info
from hepexp.evaluation.published_figures import shown
from hepexp.evaluation.rounding import number
from hepexp.metric import Metric

SEARCHED = catalog.folders()
KNOWN = data_sets()
SECTIONS = ("Parameters", "Attributes", "Raises")  # of docstrings, which the tables of keys replace
SPECIAL = ("task", "dataset")  # groups whose options have pages with more than their keys
GROUPS = {
    "backend": "who evaluates a model's parametrised blocks",
    "circuit": "what `model.circuit=` takes by name",
    "dataset": "the examples, how they are divided, and how they become batches; `data` for short",
    "evaluation": "figures of merit, working points, background",
    "loss": "the objective of the training, and what turns outputs into scores",
    "model": "the networks",
    "optimizer": "the optimiser, with the schedule of the learning rate",
    "study": "many runs by one file: `hepexp study NAME`",
    "sweep": "searches for good keys: `hepexp sweep`",
    "task": "the settings of one publication or study, with its figures",
    "trainer": "length, precision, hardware",
}


def write(folder: Path) -> None:
    """Write all pages into a folder; those that are there and no longer made are removed."""
    pages: dict[str, str] = {"verbs": page(verbs.text(), orphan=False), "metrics": all_metrics(), "run": run_keys()}
    for group in catalog.groups(SEARCHED):
        make = {"task": task, "dataset": dataset}.get(group, component)
        pages |= {f"{group}/{name}": make(group, name) for name in options(group)}
        if group not in SPECIAL:
            pages[f"{group}/index"] = index(group)
    pages |= {"fragments/tasks": tasks(), "fragments/datasets": datasets(), "fragments/groups": groups()}
    pages["fragments/results"] = results()
    for path in folder.rglob("*.md"):
        if path.relative_to(folder).with_suffix("").as_posix() not in pages:
            path.unlink()
    for name, content in pages.items():
        path = folder / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        content += "\n"
        if not path.is_file() or path.read_text(encoding="utf-8") != content:  # what is unchanged is not read anew
            path.write_text(content, encoding="utf-8")


@cache
def options(group: str) -> dict[str, Path]:
    return catalog.options(group, SEARCHED)


@cache
def read(group: str, name: str) -> option.Option:
    return option.read(group, name, SEARCHED)


def page(*parts: str, orphan: bool = True) -> str:
    """A page; one that is in no table of contents says so."""
    return "\n\n".join(filter(None, ["---\norphan: true\n---" if orphan else "", *parts]))


def link(group: str, name: str, above: str = "../") -> str:
    return f"[`{name}`]({above}{group}/{name}.md)" if name in options(group) else md.code(name)


# metrics


def all_metrics() -> str:
    """Every metric, by what computes it."""
    owners: dict[str, list[Metric]] = {}
    for one in declared.declarations():
        owners.setdefault(one.owner, []).append(one.metric)
    parts = [
        "# Metrics",
        "`hepexp list metric` has the same in the terminal, `hepexp show metric=test/auc` more on one. A key of "
        "`metrics.json` begins with `test/`; `history.json` has those of each epoch with `val/`. Errors are in "
        "`<key>_err`.",
    ]
    for owner, its in owners.items():
        rows = [
            [md.code(key), better, md.text(span), md.text(meaning)]
            for key, better, span, meaning in map(metrics.row, its)
        ]
        unique = list(dict.fromkeys(map(tuple, rows)))
        parts += [f"## {md.text(owner.rpartition('.')[2])}", md.code(owner)]
        parts += [md.table(["metric", "better", "range", "meaning"], unique)]
    return page(*parts, orphan=False)


# groups and their options


def groups() -> str:
    """A table of the groups."""
    where = {"task": "tasks.md", "dataset": "data.md"}
    rows = [
        [
            f"[`{name}`]({where.get(name, f'generated/{name}/index.md')})",
            str(len(options(name))),
            GROUPS.get(name, ""),
        ]
        for name in catalog.groups(SEARCHED)
    ]
    return md.table(["group", "options", ""], rows)


def index(group: str) -> str:
    """The options of a group; of models by what they read."""
    parts = [f"# `{group}`", md.text(f"{GROUPS[group][0].upper()}{GROUPS[group][1:]}.") if group in GROUPS else ""]
    by: dict[str, list[str]] = {}
    for name in options(group):
        by.setdefault(_reads(group, name), []).append(name)
    for reads, names in sorted(by.items()):
        rows = [[link(group, name), md.text(yaml_file.description(options(group)[name]))] for name in names]
        parts += [f"## {reads}" if reads else "", md.table([group, ""], rows)]
    return page(*parts, orphan=False)


def _reads(group: str, name: str) -> str:
    if group != "model":
        return ""
    for owner in source.line(read(group, name).target):
        for statement in source.find(owner).definition.body:
            given = source.assigned(statement)
            if given and given[0] == "input" and isinstance(given[1], ast.Constant):
                return {"none": "Reads no data"}.get(given[1].value, f"Reads {given[1].value}")
    return "Reads what its parts read"


def run_keys() -> str:
    """The keys of a run itself."""
    root = option.read("", option.ROOT, SEARCHED)
    rows = [[md.code(key), md.code(value), md.text(why)] for key, value, why in root.value_rows()]
    chosen = [[md.code(key), md.code(value)] for key, value in root.choice_rows()]
    return page(
        "# Keys of a run",
        md.mixed(root.header),
        md.table(["group", "chosen by default"], chosen),
        md.table(["key", "default", "meaning"], rows),
        orphan=False,
    )


def component(group: str, name: str) -> str:
    """An option that builds an object."""
    return page(f"# `{group}={name}`", f"[Other options of {md.code(group)}](index.md)", *_component(read(group, name)))


def _component(its: option.Option) -> list[str]:
    parts = [md.mixed(its.header)]
    if its.target:
        doc = ast.get_docstring(source.find(its.target).definition) or ""
        parts += [f"Class {md.code(its.target)}:", md.docstring(doc, SECTIONS), *_keys(its)]
    if recipe := its.recipe_rows():
        rows = [[md.code(key), md.code(value), md.text(why)] for key, value, why in recipe]
        parts += [
            "## Recipe",
            "Without a task or another `optimizer=` or `trainer=`.",
            md.table(["key", "value", "why"], rows),
        ]
    return parts


def _keys(its: option.Option) -> list[str]:
    rows = [
        [md.code(key.strip()), md.code(value), md.code(default), md.code(kind), md.text(meaning)]
        for key, value, default, kind, meaning in its.key_rows()
    ]
    return ["## Keys", md.table(["key", "value", "default", "type", "meaning"], rows)] if rows else []


# data sets


def dataset(group: str, name: str) -> str:
    """A data set: what it is, its keys, and how it is simulated."""
    its = read(group, name)
    parts = [f"# `data={name}`", "[All data](../../data.md)", *_component(its)]
    if name in KNOWN:
        info = find_info(name)
        facts = {
            "examples": info.about,
            "units": info.units,
            "classes": ", ".join(info.classes) if 0 < len(info.classes) <= 20 else "",
            "published": info.published_at,
            "size": info.size,
            "licence": info.licence,
            "cite": info.cite,
        }
        rows = [[fact, md.text(value)] for fact, value in facts.items() if value and value != "-"]
        parts.insert(3, md.table(["", ""], rows))
        if info.generator and (file := source.module_file(info.generator)):
            parts.append("## How it is simulated")
            for way in sorted(file.parent.glob(f"{file.stem}*.py")):  # that of a key, such as simulator=acts, beside it
                parts.append(md.docstring(ast.get_docstring(ast.parse(way.read_text(encoding="utf-8"))) or ""))
    return page(*parts)


def datasets() -> str:
    """A table of the data sets."""
    return md.table(
        ["data set", ""],
        [
            [link("dataset", name, "generated/"), md.text(yaml_file.description(path))]
            for name, path in options("dataset").items()
        ],
    )


def results() -> str:
    """RESULTS.md, with commands that may be broken into lines, and figures that may not."""
    text = (Path(__file__).parents[1] / "RESULTS.md").read_text(encoding="utf-8")
    text = re.sub(r"^\| (`[^`\n]+`)", r"| \1{.command}", text, flags=re.MULTILINE)
    return text.replace(" ± ", "\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}")


# tasks


def task(group: str, name: str) -> str:
    """A task: what, its settings, and the published figures."""
    its = read(group, name)
    chosen = [[md.code(group), link(group, choice)] for group, choice in its.choice_rows()]
    values = [[md.code(key), md.code(value), md.text(why)] for key, value, why in its.value_rows()]
    known = its.expected()
    explained = [f"explained in [{topic.title}](../../{topic.page}.md)" for topic in topics() if topic.has(name)]
    parts = [f"# `task={name}`", ", ".join(["[All tasks](../../tasks.md)", *explained]), md.mixed(its.header)]
    parts += ["## Settings", md.table(["group", "option"], chosen) if chosen else ""]
    parts += [md.table(["key", "value", "why"], values) if values else ""]
    parts += ["## Published figures" if known.published else "", *map(_published, known.published)]
    if known.exact:
        rows = [[md.code(key), number(value)] for key, value in known.exact.items()]
        parts += ["## Exact figures", md.table(["metric", "value"], rows)]
    parts += list(_about("Data", its, "dataset")) + list(_about("Model", its, "model"))
    return page(*parts)


def _published(one: expected.Publication) -> str:
    document = (
        f"[{md.text(one.document)}]({one.link})" if one.link else f"{md.text(one.document)} (no public link known)"
    )
    said = [md.text(f"{line[0].upper()}{line[1:]}.") for line in (one.conditions, one.note, one.differs) if line]
    rows = [[md.code(key), shown(figure)] for key, figure in one.figures.items()]
    return "\n\n".join(["\n\n".join([f"{document}.", " ".join(said)]), md.table(["metric", "published"], rows)])


def _about(title: str, its: option.Option, group: str) -> Iterable[str]:
    """What the docstring of a chosen option says."""
    name = its.choices.get(group)
    if not name or name not in options(group):
        return
    chosen = read(group, name)
    doc = ast.get_docstring(source.find(chosen.target).definition) if chosen.target else ""
    yield f"## {title}: {link(group, name)}"
    yield md.docstring(doc or "", SECTIONS)


def tasks() -> str:
    """A table of the tasks of each topic."""
    parts = []
    for topic, names in by_topic(options("task")):
        parts.append(f"## {topic.title}" if topic else "## Others")
        parts.append(f"See [what they are about]({topic.page}.md)." if topic else "")
        parts.append(md.table(["task", "", "model", "data"], map(_row, names)))
    return "\n\n".join(filter(None, parts))


def _row(name: str) -> list[str]:
    chosen = read("task", name).choices
    parts = [link(group, chosen.get(group) or "", "generated/") for group in ("model", "dataset")]
    return [link("task", name, "generated/"), md.text(yaml_file.description(options("task")[name])), *parts]
