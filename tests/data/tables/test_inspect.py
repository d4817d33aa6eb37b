"""`hepexp data inspect` finds what physicists call their columns, and writes a configuration whose expressions hold."""

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from omegaconf import OmegaConf
from pyarrow import feather

from hepexp.cli.data import main
from hepexp.data.datasets.files.inputs import find_files
from hepexp.data.expressions.parse import parse
from hepexp.data.tables.component_names import BASES, split_name
from hepexp.data.tables.config_file import scalar
from hepexp.data.tables.guess import four_momenta, guess
from hepexp.data.tables.summary import summarise
from hepexp.data.tables.table import open_table
from hepexp.errors import ConfigError, DataError
from tests.data.tables import jets

N, P = 40, 6
random = np.random.default_rng(3)
POSITIVE = random.uniform(1, 50, (N, P))
ANGLE = random.uniform(-2, 2, (N, P))


def table(path, **arrays):
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array
    return open_table(path)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("part_pt", ("part_", "pt", False)),
        ("Jet.PT", ("Jet.", "pt", False)),
        ("truthPX", ("truth", "px", False)),
        ("jetEta", ("jet", "eta", False)),
        ("constit_pt_rel", ("constit_", "pt", True)),
        ("part_deta", ("part_", "eta", True)),
        ("Muon_pdgId", ("Muon_", "pid", False)),
        ("tracks.e", ("tracks.", "energy", False)),
        ("m", ("", "mass", False)),
        ("cost", ("cost", "", False)),
        ("shape", ("shape", "", False)),
        ("type", ("type", "", False)),
    ],
)
def test_components_are_told_from_names_that_end_like_them(name, expected):
    assert split_name(name) == expected


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("spelling", ["con_{}", "Cand.{}", "{}"])
def test_four_momenta_are_found_in_every_basis(tmp_path, basis, spelling):
    columns = {name: np.full((N, P), 211) if name == "pid" else POSITIVE for name in basis}
    named = {spelling.format(name): array for name, array in columns.items()}
    given = table(tmp_path / "f", **named, **{f"gen_{name}": POSITIVE for name in BASES[0]})
    found = summarise([given], 100)
    first, other = four_momenta(guess(found), found, "particles")
    assert first.columns == {name: spelling.format(name) for name in basis}
    assert other.prefix == "gen_"  # what no detector sees comes last


@pytest.mark.parametrize("prefix", ["c", "const", "trk", "truth"])
@pytest.mark.parametrize("basis", [*BASES, ("pt", "eta", "phi")])
def test_a_prefix_needs_no_separator_where_a_whole_momentum_has_it(tmp_path, prefix, basis):
    columns = {prefix + name: np.full((N, P), 211) if name == "pid" else POSITIVE for name in basis}
    others = {"charge": np.sign(ANGLE), f"{prefix}d0": ANGLE, "cost": POSITIVE, f"{prefix}mask": POSITIVE}
    found = summarise([table(tmp_path / "f", **columns, **others)], 100)
    guesses = guess(found)
    (first,) = four_momenta(guesses, found, "particles")
    assert {name: column for name, column in first.columns.items() if column} == {n: prefix + n for n in basis}
    assert [guesses[name].what for name in others] == ["charge", "impact parameter", "", ""]


def test_two_components_or_columns_of_other_lengths_make_no_momentum(tmp_path):
    two = summarise([table(tmp_path / "f", cpt=POSITIVE, ceta=ANGLE)], 100)
    other = summarise([table(tmp_path / "g", cpt=POSITIVE, ceta=ANGLE, cphi=ANGLE[:, 1:])], 100)
    assert not four_momenta(guess(two), two, "particles")
    assert not four_momenta(guess(other), other, "particles")


def test_roles_of_columns(tmp_path):
    kind = np.arange(N) % 3
    given = table(
        tmp_path / "f",
        **{f"is_{name}": (kind == i).astype(np.int8) for i, name in enumerate("bcg")},
        trk_pt=POSITIVE * 1000,
        trk_d0=ANGLE,
        trk_d0_err=POSITIVE,
        trk_dz_sig=ANGLE,
        trk_pdgid=np.full((N, P), 211),
        trk_charge=np.ones((N, P), int),
        mcEventWeight=random.normal(size=N),
        eventNumber=np.arange(N),
        jet_pt=random.uniform(200, 900, N),
        jet_softdrop_mass=POSITIVE[:, 0],
        jet_tau2=POSITIVE[:, 1],
        flavour_label=kind * 5,
        images=np.zeros((N, 12, 12)),
    )
    found = summarise([given], 100)
    guesses = guess(found)
    said = {name: (its.what, its.unit) for name, its in guesses.items()}
    assert said == {
        **dict.fromkeys(("is_b", "is_c", "is_g"), ("label: one of several columns of which one is 1", "")),
        "trk_pt": ("pt of trk", "MeV"),
        "trk_d0": ("impact parameter", "mm"),
        "trk_d0_err": ("impact parameter, its error", "mm"),
        "trk_dz_sig": ("impact parameter, its significance", ""),
        "trk_pdgid": ("pid of trk", ""),
        "trk_charge": ("charge", "e"),
        "mcEventWeight": ("weight (some are negative)", ""),
        "eventNumber": ("event id", ""),
        "jet_pt": ("pt of jet", "GeV"),
        "jet_softdrop_mass": ("groomed mass", "GeV"),
        "jet_tau2": ("subjettiness", ""),
        "flavour_label": ("label: 0, 5, 10", ""),
        "images": ("image", ""),
    }


def inspected(capsys, *words):
    assert main(["inspect", *map(str, words)]) == 0
    return capsys.readouterr().out


def test_what_is_written_is_yaml_whose_expressions_hold(tmp_path, capsys):
    odd = {"m(j1,j2)": POSITIVE[:, 0], "a\nb: c": POSITIVE[:, 0], "cost ${oc.env:HOME}": POSITIVE[:, 0]}
    names = {f"label_{name}": (np.arange(N) % 2 == i).astype(int) for i, name in enumerate(("QCD", "top"))}
    momenta = {"con_pt": POSITIVE * 1e4, "con_eta": ANGLE, "con_phi": ANGLE}
    momenta |= {"con_q": np.sign(ANGLE), "con_pt-2": POSITIVE}
    path, target = tmp_path / "my ${file}.h5", tmp_path / "conf" / "dataset" / "mine.yaml"
    given = table(path, **odd, **names, **momenta, weight=ANGLE[:, 0], event=np.arange(N))
    said = inspected(capsys, path, "--write", target, "--overwrite")
    assert "a?b: c" in said  # in one line, whatever a name holds
    lines = target.read_text().splitlines()
    assert lines[2] == f"# hepexp train --config-dir {tmp_path / 'conf'} model=particlenet data=mine"
    comments = "".join(line for line in lines if line.startswith("#   "))
    assert all(name in comments for name in ("`m(j1,j2)`", "`con_pt-2`", "con_q"))
    assert "b: c" not in comments
    assert r"at most 1,000 characters: a\nb: c, cost ${oc.env:HOME}" in said
    assert "${" not in "".join(lines)
    written = OmegaConf.to_container(OmegaConf.create(target.read_text()), resolve=True)
    assert [one.path for one in find_files(written["files"])] == [path]
    assert written["p4"] == {"pt": "con_pt / 1000", "eta": "con_eta", "phi": "con_phi", "mass": 0}
    assert written["classes"] == {"QCD": "label_QCD", "top": "label_top"}
    assert (written["weight"], written["event_id"]) == ("weight", "event")
    for key, text in {**written["p4"], **written["classes"]}.items():
        given.check(parse(text, key))
    with pytest.raises(ConfigError, match="exists; choose another name, or replace it with --overwrite"):
        main(["inspect", str(path), "--write", str(target)])
    inspected(capsys, path, "--write", target, "--overwrite")


@pytest.mark.parametrize(
    "text", ["pt", "y", "null", "a b", "m(j1,j2)", "${x}", "a\nb", "1", "é", "#", "*a", "a: b", "~x"]
)
def test_any_text_is_read_back_from_yaml(text):
    assert OmegaConf.create(f"key: {scalar(text)}").key == text


@pytest.mark.parametrize("name", jets.FORMATS)
def test_every_format_is_described(name, tmp_path, capsys):
    jets.FORMATS[name][0](tmp_path / "f")
    said = inspected(capsys, tmp_path / "f", "--write", tmp_path / "dataset" / "d.yaml")
    _, particles, examples = jets.FORMATS[name]
    assert f"{jets.N} rows" in said
    line = next(line for line in said.splitlines() if line.startswith(particles.format("E")))
    assert line.split()[1] == "float32"
    assert f"up to {jets.COUNTS.max()}" in line
    assert f"{jets.ENERGY.min():.4g} to {jets.ENERGY.max():.4g}" in line
    assert "energy" in line
    written = yaml.safe_load((tmp_path / "dataset" / "d.yaml").read_text())
    assert written["weight"] == examples.format("w")
    assert written["event_id"] == examples.format("evt")


def test_files_that_differ_are_named(tmp_path, capsys):
    table(tmp_path / "a", pt=POSITIVE, eta=ANGLE, w=ANGLE[:, 0])
    table(tmp_path / "b", pt=POSITIVE, eta=ANGLE, w=ANGLE[:, 0])
    table(tmp_path / "c", pt=POSITIVE.astype("f4"), phi=ANGLE, w=ANGLE[:, 0])
    said = inspected(capsys, *(tmp_path / name for name in "abc"))
    about = [line for line in said.splitlines() if "compared with" in line]
    assert about == [
        f"{tmp_path / 'c'}: lacks eta; has phi besides; has pt as lists of float32 instead of lists of float64, "
        f"compared with {tmp_path / 'a'}"
    ]


def test_missing_numbers_are_counted(tmp_path, capsys):
    values = np.arange(N, dtype=float)
    values[3:5] = np.nan, np.inf
    table(tmp_path / "f", v=values, w=np.arange(N))
    heading, _, v, w = inspected(capsys, tmp_path / "f").splitlines()[2:6]
    assert "NaN" in heading.split()
    assert v.split()[:7] == ["v", "float64", "number", "0", "to", "39", "2"]
    assert w.split()[6] == "0"


def test_what_cannot_be_read_is_named_with_its_reason(tmp_path, capsys):
    np.savez(tmp_path / "f.npz", x=np.zeros((2, 3)), s=np.array(["a", "b"]), f=np.zeros((2, 3), order="F"))
    said = inspected(capsys, tmp_path / "f.npz")
    assert "not read: s (text), f (an array in Fortran's order; save it with numpy.ascontiguousarray)" in said
    np.save(tmp_path / "f.npy", np.array([{}], object))
    with pytest.raises(DataError, match=r"no columns of numbers: x \(Python objects\)"):
        main(["inspect", str(tmp_path / "f.npy")])


def test_a_file_without_rows_is_described(tmp_path, capsys):
    table(tmp_path / "f", pt=np.zeros((0, 5)), eta=np.zeros((0, 5)), w=np.zeros(0))
    said = inspected(capsys, tmp_path / "f")
    assert "0 rows" in said
    assert "list, up to 0 of 5" in said


def test_wrong_requests(tmp_path):
    jets.root(tmp_path / "f")
    with pytest.raises(ConfigError, match=r"--write must be FOLDER/dataset/NAME.yaml"):
        main(["inspect", str(tmp_path / "f"), "--write", str(tmp_path / "mine.yaml")])
    with pytest.raises(ConfigError, match=r"--tree: no tree 'candidate'"):
        main(["inspect", str(tmp_path / "f"), "--tree", "candidate"])
    with pytest.raises(ConfigError, match=r"FILE .*nothing is not there"):
        main(["inspect", str(tmp_path / "nothing")])
    with pytest.raises(ConfigError, match=r"FILE .*x\*\.root is not there, and no pattern that matches a file"):
        main(["inspect", str(tmp_path / "x*.root")])
    with pytest.raises(ConfigError, match=r"required: FILE"):
        main(["inspect"])


def written(tmp_path, capsys, **arrays):
    path, target = tmp_path / "a.npz", tmp_path / "conf/dataset/mine.yaml"
    np.savez(path, **arrays)
    said = inspected(capsys, path, "--write", target, "--overwrite")
    assert said
    return yaml.safe_load(target.read_text()), target.read_text()


def test_columns_of_energyflow_are_told_from_their_order(tmp_path, capsys):
    pid = random.choice([22, 130, 211, -211], (N, P)).astype(float)
    config, text = written(tmp_path, capsys, X=np.stack([POSITIVE, ANGLE, ANGLE, pid], -1), y=np.arange(N) % 2 * 1.0)
    assert config["p4"] == {"pt": "X[0]", "y": "X[1]", "phi": "X[2]", "pid": "X[3]"}
    assert config["label"] == "y"
    assert "p4:    # guess: the order of EnergyFlow" in text
    other, _ = written(tmp_path, capsys, X=np.stack([ANGLE, POSITIVE, ANGLE, pid], -1))
    assert "p4" not in other  # the first is no transverse momentum


def test_angles_from_the_axis_of_a_jet_go_with_its_transverse_momenta(tmp_path, capsys):
    config, text = written(tmp_path, capsys, trk_pt=POSITIVE, trk_deta=ANGLE, trk_dphi=ANGLE, sig=np.arange(N) % 2)
    assert config["p4"] == {"pt": "trk_pt", "eta": "trk_deta", "phi": "trk_dphi", "mass": 0}
    assert "# guess: angles from the axis of the jet" in text


def test_a_negative_label_is_of_no_class(tmp_path, capsys):
    label = np.arange(N) % 4 - 1
    config, text = written(tmp_path, capsys, trk_pt=POSITIVE, trk_eta=ANGLE, trk_phi=ANGLE, label=label)
    assert config["classes"] == {"class_0": 0, "class_1": 1, "class_2": 2}
    assert config["selection"] == "label >= 0"
    assert "class_-1" not in text


def test_columns_of_energyflow_under_another_name_need_its_particles(tmp_path, capsys):
    pid = random.choice([0, 22, 130, 211, -211], (N, P)).astype(float)
    config, _ = written(tmp_path, capsys, jets=np.stack([POSITIVE, ANGLE, ANGLE, pid], -1), y=np.arange(N) % 2)
    assert config["p4"] == {"pt": "jets[0]", "y": "jets[1]", "phi": "jets[2]", "pid": "jets[3]"}
    other, _ = written(tmp_path, capsys, jets=np.stack([POSITIVE, ANGLE, ANGLE, pid % 7], -1))
    assert "p4" not in other  # no particle has the number 3
    other, _ = written(tmp_path, capsys, jets=np.stack([POSITIVE, ANGLE, 9 * ANGLE, pid], -1))
    assert "p4" not in other  # no angle is that large


def test_a_table_of_features_is_for_a_model_that_reads_features(tmp_path, capsys):
    config, text = written(tmp_path, capsys, mjj=POSITIVE[:, 0], tau21=ANGLE[:, 0], is_signal=np.arange(N) % 2)
    assert config["features"] == ["mjj", "tau21"]
    assert config["label"] == "is_signal"
    assert "model=mlp data=mine" in text


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"cpt": POSITIVE, "ceta": ANGLE, "cphi": ANGLE, "is_sig": np.arange(N) % 2}, "to be corrected; its third"),
        (
            {"cpt": POSITIVE, "ceta": ANGLE, "cphi": ANGLE, "good": np.arange(N) % 2},
            "does not train yet; fill in label and classes (good?), then its third line trains on it",
        ),
        ({"cpt": POSITIVE, "ceta": ANGLE, "is_sig": np.arange(N) % 2}, "does not train yet; fill in p4, then"),
        ({"cpt": POSITIVE, "ceta": ANGLE}, "does not train yet; fill in p4 and classes, then"),
        (
            {"part_pt": POSITIVE, "part_eta": ANGLE, "part_phi": ANGLE, "label": np.arange(N) % 2 - 1},
            "does not train yet; fill in classes, as the first rows have one only, then",
        ),
    ],
)
def test_it_says_whether_what_is_written_trains_as_it_stands(tmp_path, capsys, columns, expected):
    path, target = tmp_path / "a.npz", tmp_path / "conf/dataset/mine.yaml"
    np.savez(path, **columns)
    assert f"{target}: {expected}" in " ".join(inspected(capsys, path, "--write", target).split())
    trains = "does not train" not in expected
    written = yaml.safe_load(target.read_text())
    assert trains == ("p4" in written and len(written.get("classes", {})) > 1)


def test_classes_are_named_after_one_hot_columns(tmp_path, capsys):
    flags = {f"label_{name}": (np.arange(N) % 3 == i).astype(int) for i, name in enumerate(("QCD", "Hbb", "Tblv"))}
    config, _ = written(tmp_path, capsys, part_pt=POSITIVE, part_eta=ANGLE, part_phi=ANGLE, **flags)
    assert config["classes"] == {"QCD": "label_QCD", "Hbb": "label_Hbb", "Tblv": "label_Tblv"}


def test_a_pattern_names_its_files(tmp_path, capsys):
    for name in ("sig_1", "sig_2", "other"):
        np.savez(tmp_path / f"{name}.npz", pt=POSITIVE, eta=ANGLE, phi=ANGLE, y=np.arange(N) % 2)
    pattern, target = tmp_path / "sig_*.npz", tmp_path / "conf/dataset/mine.yaml"
    said = inspected(capsys, pattern, tmp_path / "sig_1.npz", "--write", target)
    assert [line.split(":")[0] for line in said.splitlines()[:2]] == [str(tmp_path / f"sig_{i}.npz") for i in (1, 2)]
    assert f"ranges are of {2 * N} rows" in said
    assert yaml.safe_load(target.read_text())["files"][0] == str(pattern)


def test_a_tilde_is_the_home_folder_and_no_variable_is_replaced(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    np.savez(tmp_path / "a.npz", pt=POSITIVE, eta=ANGLE, phi=ANGLE, y=np.arange(N) % 2)
    assert f"{tmp_path / 'a.npz'}: NumPy archive" in inspected(capsys, "~/a.npz")
    assert [one.path for one in find_files(["~/*.npz"])] == [tmp_path / "a.npz"]
    with pytest.raises(ConfigError, match=r"variables such as \$HOME are not replaced here"):
        find_files(["$HOME/a.npz"])


def test_nothing_in_the_name_of_a_file_is_evaluated_or_reaches_the_terminal(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("HEPEXP_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "conf" / "dataset"
    names = {"env": "${oc.env:HOME}.npz", "escape": "a\x1b[31m[b]{x}:smile:.npz"}
    for option, name in names.items():
        np.savez(tmp_path / name, pt=POSITIVE, eta=ANGLE, phi=ANGLE, y=np.arange(N) % 2)
        inspected(capsys, name, "--write", folder / f"{option}.yaml")
        for verb in ("convert", "show", "verify"):
            words = [verb, option, "--config-dir", str(tmp_path / "conf"), *["--no-pictures"] * (verb == "show")]
            assert main(words) == 0
            printed = "".join(capsys.readouterr())
            assert "\x1b" not in printed
            assert name.removesuffix(".npz").replace("\x1b", "\\x1b") in printed
    (folder / "env.yaml").write_text(f"defaults: [files]\nfiles: ['{names['env']}']\n")
    with pytest.raises(ConfigError, match=r"has \$\{, which begins an expression in a configuration; write \[\$\]\{"):
        main(["convert", "env", "--config-dir", str(tmp_path / "conf")])


def test_missing_values_are_counted_and_the_first_one_is_named_where_it_is_used(tmp_path, capsys):
    def without(i, values):
        return pa.array([None if row == i else values for row in range(60)])

    columns = {
        "k": without(50, 1),
        "pt": without(47, [1.0, 2.0]),
        "d": pa.array([[1.0, None][: 1 + (i == 33)] for i in range(60)]),
    }
    columns |= {
        "rec": without(41, [{"q": 1}]),
        "x": np.where(np.arange(60) == 5, np.nan, 0.5),
        "no": pa.array([[]] * 60),
    }
    rows = {"k": 50, "pt": 47, "d": 33, "rec.q": 41}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet", row_group_size=20)
    columns["fixed"] = pa.array([None if i == 22 else [1.0, 2.0] for i in range(60)], pa.list_(pa.float64(), 2))
    feather.write_feather(pa.table(columns), tmp_path / "a.feather", chunksize=20)
    for name in ("a.parquet", "a.feather"):
        said = inspected(capsys, tmp_path / name)
        lines = {line.split()[0]: line.split() for line in said.splitlines() if line}
        heading = lines["column"]
        assert heading[-4:-2] == ["NaN", "missing"]
        assert lines["x"][-2:] == ["1", "0"]
        assert "no (lists that are all empty, of no type of numbers)" in said
        for column, row in rows.items():
            with pytest.raises(DataError, match=f"column '{column}' has missing values, the first in row {row};"):
                list(open_table(tmp_path / name).batches([column], 7))
    with pytest.raises(DataError, match="column 'fixed' has missing values, the first in row 22;"):
        list(open_table(tmp_path / "a.feather").batches(["fixed"], 7))
    found = summarise([open_table(tmp_path / "a.feather", counts_missing=True)], 60)
    assert {name: its.n_missing for name, its in found.items()} == {
        **dict.fromkeys(rows, 1),
        "x": 0,
        "fixed[0]": 2,
        "fixed[1]": 2,
    }
    assert {name: its.n_nan for name, its in found.items() if its.n_nan} == {"x": 1}


@pytest.mark.parametrize("name", ["flav", "flavour", "label", "truth", "hadronFlavour", "is_b", "isTop", "truth_label"])
def test_labels_are_no_features(name, tmp_path, capsys):
    kind = np.arange(N) % 2
    arrays = {"trk_pt": POSITIVE, "trk_eta": ANGLE, "trk_phi": ANGLE, "jet_mass": POSITIVE[:, 0]}
    if not name.startswith("is"):  # which a detector may say of a particle, and which other labels come before
        arrays |= {f"trk_{name}": kind[:, None] + (POSITIVE > 9), "isTight": kind}
    config, text = written(tmp_path, capsys, **arrays, **{name: kind})
    assert config["label"] == name
    assert not [line for line in text.splitlines() if line.startswith("#   ") and name in line]


def test_an_attribute_says_what_is_a_label(tmp_path):
    with h5py.File(tmp_path / "f", "w") as file:
        file["v"], file["w"] = np.arange(N) % 3, np.arange(N) % 3
        file["v"].attrs["flavour_label"] = ["b", "c", "light"]
    found = summarise([open_table(tmp_path / "f")], N)
    assert {column: its.role for column, its in guess(found).items()} == {"v": "label", "w": "feature"}


def test_events_are_told_apart_by_run_and_number(tmp_path, capsys):
    config, _ = written(
        tmp_path, capsys, jet_index=np.arange(N), evt_run=np.full(N, 3), evt_no=np.arange(N), x=ANGLE[:, 0]
    )
    assert config["event_id"] == ["evt_run", "evt_no"]
    config, text = written(tmp_path, capsys, run=np.arange(N) // 9, x=ANGLE[:, 0])
    assert "event_id" not in config
    assert "# event_id: run" in text


@pytest.mark.parametrize("ends", [("edge_src", "edge_dst"), ("hits.Source", "hits.Target"), ("from", "to")])
def test_edges_are_found_by_the_names_of_their_ends_and_are_no_scalars(ends, tmp_path, capsys):
    lists = {"pt": [[5.0, 6.0], [7.0]], "eta": [[0.1, 0.2], [0.3]], "phi": [[1.0, 2.0], [3.0]], "d0": [[1, 2], [3]]}
    columns = lists | {ends[1]: [[1, 0, 1], []], ends[0]: [[0, 1, 1], []], "truth": [0, 1]}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    (tmp_path / "conf/dataset").mkdir(parents=True)
    written = tmp_path / "conf/dataset/mine.yaml"
    assert main(["inspect", str(tmp_path / "a.parquet"), "--write", str(written)]) == 0
    assert capsys.readouterr().out.count("end of an edge") == 2
    text = written.read_text()
    assert [name.strip("`") for name in yaml.safe_load(text)["edges"].values()] == [*ends]
    assert "model=gin" in text
    of_particles = text.split("scalars:")[1]
    assert "d0" in of_particles
    assert ends[0] not in of_particles


def unequal(values):
    """Lists of 1, 2, 3, 4, 5, 1, ... of these numbers (N, P)."""
    return [row[: 1 + i % 5].tolist() for i, row in enumerate(values)]


@pytest.mark.parametrize("names", [("c_pt", "c_eta", "c_phi"), ("u", "v", "w")], ids=["momenta", "unknown names"])
@pytest.mark.parametrize("padded", [False, True])
def test_edges_are_found_by_their_values_and_lists_of_another_length_are_not_of_particles(
    padded, names, tmp_path, capsys
):
    lists = {
        name: unequal(values) for name, values in zip((*names, "imp"), (POSITIVE, ANGLE, ANGLE, ANGLE), strict=True)
    }
    lists["c_kind"] = [[k % 2 for k in range(len(row))] for row in lists["imp"]]
    pairs = [[(a, b) for a in range(len(row)) for b in range(a)] for row in lists["imp"]]
    of_edges = {"lnk_a": [[a for a, _ in row] for row in pairs], "lnk_b": [[b for _, b in row] for row in pairs]}
    of_edges |= {"lnk_true": [[(a + b) % 2 for a, b in row] for row in pairs]}
    columns = lists | of_edges | {"vertex_isgood": [[0, 1, 1, 1]] * N, "y": np.arange(N) % 2}
    if padded:
        for name, rows in (lists | of_edges).items():
            columns[name] = np.full((N, 5 if name in lists else 12), -1 if name in of_edges else 0.0)
            for row, values in zip(columns[name], rows, strict=True):
                row[: len(values)] = values
        columns |= {name: np.array(columns[name]).astype(int) for name in (*of_edges, "c_kind", "vertex_isgood")}
        np.savez(tmp_path / "a", **columns)
    else:
        pq.write_table(pa.table(columns), tmp_path / "a.npz")
    (tmp_path / "conf/dataset").mkdir(parents=True)
    target = tmp_path / "conf/dataset/mine.yaml"
    said = inspected(capsys, tmp_path / "a.npz", "--write", target)
    text = target.read_text()
    assert "edges: {from: lnk_a, to: lnk_b}" in text
    assert "\n# edge_targets: [lnk_true]" in text
    of_particles = text.split("scalars: []")[1].split("features")[0]
    assert ("imp" in of_particles, "c_kind" in of_particles) == (True, True)
    assert "lnk" not in of_particles
    assert "vertex" not in of_particles
    assert "#   lnk" not in text
    assert said.count("flag of particles") == 1  # c_kind
    assert ("lnk_a, lnk_b, lnk_true hold edges, and -1 where there is none" in said) == padded


def test_whole_numbers_of_other_objects_are_no_edges(tmp_path, capsys):
    lists = {"trk_pt": unequal(POSITIVE), "trk_eta": unequal(ANGLE), "trk_phi": unequal(ANGLE)}
    of_jets = {"jet_pt": [[9.0, 8.0]] * N, "jet_btag": [[0, 0]] * N, "jet_ntau": [[0, 0]] * N}
    few = {"n_soft": [[0, 0]] * N, "n_hard": [[0, 0]] * N}
    for more in (of_jets, few):
        lists["trk_d0"] = unequal(ANGLE)
        rows = {
            name: [v if len(lists["trk_pt"][i]) > 2 else v[:1] for i, v in enumerate(values)]
            for name, values in more.items()
        }
        if more is few:  # no edge ends at the last particle
            rows = {name: [[0, 0, 0, 0] if len(lists["trk_pt"][i]) > 1 else [] for i in range(N)] for name in more}
        pq.write_table(pa.table(lists | rows), tmp_path / "a.parquet")
        assert "end of an edge" not in inspected(capsys, tmp_path / "a.parquet")


def test_tracks_with_a_mask_and_missing_numbers_in_their_padding_are_offered(tmp_path, capsys):
    """The layout of salt: structured arrays of jets, and of tracks with `valid`."""
    tracks = np.zeros(
        (N, P), [(name, "f4") for name in ("trk_pt", "trk_eta", "trk_phi", "d0", "ptfrac")] + [("valid", "?")]
    )
    for name, values in {"trk_pt": POSITIVE, "trk_eta": ANGLE, "trk_phi": ANGLE, "d0": ANGLE, "ptfrac": ANGLE}.items():
        tracks[name] = values
    tracks["valid"] = np.arange(P) < 1 + np.arange(N)[:, None] % P
    tracks["d0"][~tracks["valid"]] = np.nan
    jets_of = np.zeros(N, [("mcw", "f4"), ("flavour", "i4"), ("evno", "i8")])
    jets_of["mcw"], jets_of["flavour"], jets_of["evno"] = random.normal(size=N), np.arange(N) % 2 * 5, np.arange(N)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["jets"], file["tracks"] = jets_of, tracks
    (tmp_path / "conf/dataset").mkdir(parents=True)
    inspected(capsys, tmp_path / "a.h5", "--write", tmp_path / "conf/dataset/mine.yaml")
    text = (tmp_path / "conf/dataset/mine.yaml").read_text()
    assert "#   tracks.d0, tracks.ptfrac\n" in text
    config = yaml.safe_load(text)
    assert (config["weight"], config["event_id"]) == ("jets.mcw", "jets.evno")


@pytest.mark.parametrize("name", ["mcw", "wgt", "evt_w", "EventWeight", "weight_nominal", "my_wgt_2", "evtw"])
def test_names_of_weights(name, tmp_path):
    given = table(tmp_path / "f", **{name: random.normal(size=N), "evt_width": random.normal(size=N)})
    found = summarise([given], 100)
    assert {column: its.role for column, its in guess(found).items()} == {name: "weight", "evt_width": "feature"}
