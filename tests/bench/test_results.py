"""RESULTS.md is made of records, a section at a time."""

import json

import pytest

from hepexp.bench.results import HEAD, bench_table, main, runs_table, sweeps_table, with_section
from hepexp.errors import DataError
from tests.compare.runs import run, scores


def record(tmp_path, name, seed=1, words=("model=pfn",)):
    made = run(tmp_path, name, scores(1, seed), seed=seed, **{"train/epochs": 4, "data/source": "mini"})
    made.folder.write_yaml("overrides.yaml", [*words, f"seed={seed}", f"name={name}"])
    made.folder.write_json("environment.json", {"hardware": {"cores": 2, "gpus": []}})
    return made.folder


def test_seeds_are_one_row_and_one_command(tmp_path):
    table = runs_table([record(tmp_path, "a", 1), record(tmp_path, "b", 2)])
    (row,) = table.splitlines()[2:]
    assert row.startswith("| `hepexp train -m model=pfn seed=1,2` |")
    assert row.endswith("| 1,234 | 4 | mini | 2 cores |")


def test_a_column_stands_once(tmp_path):
    table = runs_table([record(tmp_path, "a")], ["auc", "test/auc", "train/epochs"])
    assert table.splitlines()[0] == "| command | AUC | epochs | data | hardware |"


def test_no_path_of_a_machine_gets_into_a_command(tmp_path):
    for path, left in (
        ("/somewhere/runs/e/2026_a/checkpoints/best.ckpt", "2026_a/checkpoints/best.ckpt"),
        ("/somewhere/runs/e/2026_a", "e/2026_a"),
        ("/jets.h5", "jets.h5"),
        ("latest", "latest"),
    ):
        word = f"model.encoder.weights={path}"
        assert f"weights={left}`" in runs_table([record(tmp_path, left.replace("/", "_"), words=(word,))])


def test_a_section_is_replaced_and_others_stay():
    text = with_section(with_section(HEAD, "One", "a"), "Two", "b")
    assert with_section(text, "One", "c") == text.replace("\na\n", "\nc\n")
    assert with_section(text, "Two", "c") == text.replace("\nb\n", "\nc\n")


def test_rows_are_added_beside_those_of_other_commands(tmp_path, capsys):
    def write(name, words, *more):
        main([str(record(tmp_path, name, words=words).path), "--section", "One", "--out", str(out), *more])

    out = tmp_path / "R.md"
    write("a", ["model=pfn"])
    write("b", ["model=efn"], "--add")
    both = out.read_text()
    rows = [line for line in both.splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == ["hepexp train model=pfn", "hepexp train model=efn"]
    write("c", ["model=efn"], "--add")  # the same command again
    assert out.read_text() == both
    with pytest.raises(SystemExit, match="2"):
        write("d", ["model=gin"], "--add", "--columns", "auc")
    assert "--add needs the columns of the section" in capsys.readouterr().err
    assert out.read_text() == both


def test_a_benchmark_has_the_columns_that_its_rows_have():
    rows = [{"case": "a", "implementation": "x", "per_second": 1234.5, "waiting": 0.0123}]
    assert bench_table(rows).splitlines()[2] == "| a | x | 1.23e+03 | 1.2% |"


def test_a_sweep_is_its_command_and_a_row_for_each_trial_in_order(tmp_path):
    (tmp_path / "best.txt").write_text("hepexp train model=pfn name=mine optimizer.lr=1e-3\n")
    (tmp_path / "trials.csv").write_text(
        "trial,state,val/auc,optimizer.lr,seconds,run,error\n"
        "0,COMPLETE,0.87654,1e-3,12.3,e/a,\n1,FAILED,,1e-2,1.0,e/b,broken\n2,COMPLETE,0.8,3e-4,11.0,e/c,\n"
    )
    assert sweeps_table([tmp_path]).splitlines()[2:] == [
        "| `hepexp train model=pfn` | optimizer.lr=3e-4 | val/auc 0.8000 | 11 |",
        "|  | optimizer.lr=1e-3 | val/auc 0.8765 | 12 |",
    ]


def checked(folder, unchanged=None, **more):
    """A record of one check, broken at 0.9 where it is judged and left at 0.5 where it is not."""
    figures = {"accuracy": 0.9, "accuracy_err": 0.01, "auc": 0.95, "auc_err": 0.02}
    change = {"auc_change": -0.03, "auc_change_err": 0.004, "mean_change_float32": 0.1, "mean_change_float64": 0.1}
    largest = {"largest_change_float32": 0.2, "largest_change_float64": 0.25}
    points = [{"strength": s, "judged": s == 0.9, **figures, **change, **largest} for s in (0.5, 0.9)]
    check = {"what": "boosted across", "axis": "beta", "claim": "lorentz", "verdict": "broken", "points": points}
    found = {"n": 10, "n_float64": 5, "threshold": 1e-6, "unchanged": figures if unchanged is None else unchanged}
    folder.write_json("check.json", {**found, "checks": {"boost_across": check}, **more})
    return str(folder.path)


def test_checks_of_several_runs_are_a_block_each_with_their_commands(tmp_path, capsys):
    paths = [checked(record(tmp_path, name, words=(f"model={name}",))) for name in ("pfn", "efn")]
    out = tmp_path / "R.md"
    main(["--section", "One", "--checks", *paths, "--out", str(out)])
    head, _, *rows = [line for line in out.read_text().splitlines() if line.startswith("|")]
    assert head == "| command | check | at | claim | accuracy | AUC | change of AUC | largest change | in float64 |"
    first = "| `hepexp train model=pfn`, `hepexp check RUN --n 10 --only boost_across` | as it is | "
    assert rows[0].startswith(first)
    block = "| boost_across: boosted across | beta {} | {} | 0.900 ± 0.010 | 0.950 ± 0.020 | -0.0300 ± 0.0040 |"
    assert rows[1].startswith("|  " + block.format("0.5", ""))
    assert rows[1].endswith("| 2.0e-01 | 2.5e-01 |")
    assert rows[2].startswith("|  " + block.format("0.9", "broken"))
    assert rows[3].startswith("| `hepexp train model=efn`,")
    paths.append(checked(record(tmp_path, "gin"), unchanged={}))
    with pytest.raises(SystemExit, match="2"):
        main(["--section", "One", "--checks", *paths, "--out", str(out)])
    assert "some of the runs have accuracy and AUC and some have not" in capsys.readouterr().err


def test_explanations_are_the_areas_below_their_deletion_curves(tmp_path, capsys):
    run, out = record(tmp_path, "a"), tmp_path / "R.md"
    areas = {"area_relevance": 0.5, "area_pT": 0.6, "area_random": 0.75, "random_minus_pT": 0.15}
    areas |= {f"{name}_err": 0.01 for name in areas} | {"random_minus_relevance": 0.25}
    found = {"n": 7, "method": "lrp", "lost_share": 0.123, "deletion": areas}
    run.write_json("explain.json", found)
    inner = run.path / "ig"
    inner.mkdir()
    (inner / "explain.json").write_text(json.dumps({**found, "method": "integrated_gradients"}))
    main(["--section", "One", "--explanations", str(run.path), str(inner), "--out", str(out)])
    rows = [line for line in out.read_text().splitlines() if line.startswith("|")]
    assert [row.split(" | ")[1] for row in rows[2:]] == ["lrp", "integrated_gradients"]
    assert rows[2] == (
        "| `hepexp train model=pfn`, `hepexp explain RUN --n 7 --method lrp` | lrp | 0.12 | 0.500 ± 0.010 "
        "| 0.600 ± 0.010 | 0.750 ± 0.010 | 0.2500 | 0.150 ± 0.010 |"
    )
    with pytest.raises(SystemExit, match="2"):
        main(["--section", "One", "--explanations", str(tmp_path), "--out", str(out)])
    assert "is not in the folder of a run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"checks": {"boost_across": {}}}, "check.json is not what hepexp writes: KeyError: 'points'"),
        ({"n": "3` <script>"}, "check.json is not what hepexp writes"),
        ({"unchanged": {"accuracy": "high"}}, "check.json is not what hepexp writes"),
    ],
)
def test_a_record_that_no_check_has_written_is_one_line(tmp_path, capsys, change, message):
    folder = checked(record(tmp_path, "a"), **change)
    with pytest.raises(SystemExit, match="2"):
        main(["--section", "One", "--checks", folder, "--out", str(tmp_path / "R.md")])
    assert message in capsys.readouterr().err


def test_nor_is_one_that_no_explanation_has_written(tmp_path, capsys):
    run = record(tmp_path, "a")
    for content, message in (
        ({"method": "lrp"}, "has no deletion curves"),
        ({"deletion": {}}, "KeyError: 'lost_share'"),
    ):
        run.write_json("explain.json", content)
        with pytest.raises(SystemExit, match="2"):
            main(["--section", "One", "--explanations", str(run.path), "--out", str(tmp_path / "R.md")])
        assert message in capsys.readouterr().err


def test_overrides_are_shown_as_typed_and_leave_their_cell_to_no_other(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET", "hunter2")
    typed = record(tmp_path, "a", words=("model=pfn", "tags=${oc.env:SECRET}", "name=b", "notes=x|y"))
    row = runs_table([typed]).splitlines()[2]
    assert row.startswith(r"| `hepexp train model=pfn 'tags=${oc.env:SECRET}' 'notes=x\|y'` | ")
    with pytest.raises(DataError, match="cannot be set in a table"):
        runs_table([record(tmp_path, "c", words=("model=`pfn`",))])


def test_what_a_study_found_beside_published_figures_is_a_section(tmp_path):
    (tmp_path / "published.md").write_text("# Study mine\n\n    hepexp study mine\n\n| setting |\n| --- |\n| PFN |\n")
    main(["--section", "Every task", "--out", str(tmp_path / "R.md"), "--study", str(tmp_path)])
    section = "## Every task\n\n`hepexp study mine`\n\n| setting |\n| --- |\n| PFN |\n"
    assert (tmp_path / "R.md").read_text().endswith(section)


def test_sweeps_are_added_beside_those_of_other_commands(tmp_path):
    def write(model, score):
        folder = tmp_path / model
        folder.mkdir(exist_ok=True)
        (folder / "best.txt").write_text(f"hepexp train model={model} name=mine optimizer.lr=1e-3\n")
        (folder / "trials.csv").write_text(
            "trial,state,val/auc,optimizer.lr,seconds,run,error\n"
            f"0,COMPLETE,{score},1e-3,12,e/a,\n1,COMPLETE,{score},1e-2,11,e/b,\n"
        )
        main(["--section", "One", "--out", str(tmp_path / "R.md"), "--add", "--sweeps", str(folder)])
        return [line.split(" | ")[:3] for line in (tmp_path / "R.md").read_text().splitlines() if "lr=" in line]

    write("pfn", 0.7)
    both = write("efn", 0.8)
    assert [row[0] for row in both] == ["| `hepexp train model=pfn`", "| ", "| `hepexp train model=efn`", "| "]
    again = write("pfn", 0.9)
    assert again == both[2:] + [[*row[:2], "val/auc 0.9000"] for row in both[:2]]


def test_a_column_that_no_run_has_is_one_line_and_writes_nothing(tmp_path, capsys):
    words = [str(record(tmp_path, "a").path), "--section", "One", "--columns", "acu", "--out", str(tmp_path / "R.md")]
    with pytest.raises(SystemExit, match="2"):
        main(words)
    assert "error: no run has a metric 'acu' (metrics: " in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "R.md").exists()


@pytest.mark.parametrize(("text", "words"), [("[{", "is empty, truncated or damaged"), (None, "no file")])
def test_a_benchmark_that_cannot_be_read_is_named(tmp_path, capsys, text, words):
    file, out = tmp_path / "bench.json", tmp_path / "R.md"
    if text:
        file.write_text(text)
    with pytest.raises(SystemExit, match="2"):
        main(["--section", "One", "--bench", str(file), "--out", str(out)])
    line = capsys.readouterr().err.splitlines()[-1]
    assert words in line
    assert str(file) in line
    assert not out.exists()


def test_rows_are_sorted_best_first_those_without_a_value_last(tmp_path, capsys):
    rows = ["| `a` | 0.9 ± 0.1 | 3,000 |", "| `b` | – | 20 |", "| `c` | 0.95 | 1,000 |"]
    out = tmp_path / "RESULTS.md"
    out.write_text(
        "\n".join(
            ["# R", "", "## T", "", "| command | AUC | parameters |", "| --- | --- | --- |", *rows, "", "## U", ""]
        )
    )
    main(["--section", "T", "--sort", "auc", "--out", str(out)])
    assert [line[3] for line in out.read_text().splitlines() if line.startswith("| `")] == ["c", "a", "b"]
    main(["--section", "T", "--sort", "parameters", "--out", str(out)])
    assert [line[3] for line in out.read_text().splitlines() if line.startswith("| `")] == ["b", "c", "a"]
    assert out.read_text().rstrip().endswith("## U")
    before = out.read_text()
    with pytest.raises(SystemExit):
        main(["--section", "T", "--sort", "accuracy", "--out", str(out)])
    assert "--sort accuracy: the table has no column 'accuracy'" in capsys.readouterr().err
    assert out.read_text() == before
