"""Every benchmark measures ours and its reference and says so in the same words."""

import json
import os
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from hepexp.bench import (
    convert,
    equivariant,
    loader,
    lorentznet,
    overhead,
    read_images,
    reconstruction,
    showers,
    taggers,
    theory,
    tracking,
)
from hepexp.cli import bench
from hepexp.data.datasets.calogan import geant4_data
from hepexp.errors import HepexpError
from hepexp.models.lgatr import LGATr
from hepexp.models.lgn import LGN
from hepexp.models.mi_part import MIParticleTransformer
from hepexp.models.particle_net import ParticleNet
from hepexp.models.particle_transformer import ParticleTransformer
from hepexp.models.pelican import PELICAN
from hepexp.models.steerable_cnn import SteerableCNN


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture
def one_store(runs, monkeypatch):
    """The same runs folder for all measurements that need one: making a store takes seconds."""
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(runs))
    for module in (overhead, tracking):
        monkeypatch.setattr(module, "scratch_runs", nullcontext)


def check(rows, case, implementations):
    assert [row["case"] for row in rows] == [case] * len(implementations)
    assert [row["implementation"] for row in rows] == implementations
    assert all(row["per_second"] > 0 for row in rows)


def test_lorentznet_against_an_edge_list():
    check(lorentznet.rows(jets=8, batch_size=4, repeats=1), "lorentznet", ["hepexp", "edge-list"])


SMALL_TAGGERS = {
    "particlenet": replace(
        taggers.TAGGERS["particlenet"],
        ours=lambda: ParticleNet("weaver", k=3, channels=[4], n_hidden=4, n_scalars=0, n_classes=2),
    ),
    "part": replace(
        taggers.TAGGERS["part"],
        ours=lambda: ParticleTransformer(1, 1, 2, [4], [4], n_scalars=0, n_classes=2),
    ),
    "mi_part": replace(
        taggers.TAGGERS["mi_part"],
        ours=lambda: MIParticleTransformer("m", 1, 1, 1, 2, [4, 8], n_scalars=0, n_classes=2),
    ),
    "pelican": replace(taggers.TAGGERS["pelican"], ours=lambda: PELICAN("xs", 1, n_scalars=0, n_classes=2)),
    "lgn": replace(taggers.TAGGERS["lgn"], ours=lambda: LGN([2, 2], n_scalars=0, n_classes=2)),
    "lgatr": replace(taggers.TAGGERS["lgatr"], ours=lambda: LGATr(False, 1, 2, 2, 2, n_scalars=0, n_classes=2)),
    "lgatr_slim": replace(
        taggers.TAGGERS["lgatr_slim"], ours=lambda: LGATr(True, 1, 2, 2, 2, n_scalars=0, n_classes=2)
    ),
}


def test_taggers_against_the_modules_of_their_authors():
    pytest.importorskip("weaver")
    found = taggers.rows(n_jets=4, n_particles=5, repeats=1, taggers=SMALL_TAGGERS)
    assert SMALL_TAGGERS.keys() == taggers.TAGGERS.keys()
    cases = [(name, what) for name in SMALL_TAGGERS for what in ("training", "inference")]
    for (name, what), pair in zip(cases, zip(found[::2], found[1::2], strict=True), strict=True):
        check(pair, f"{name} {what}", ["hepexp", SMALL_TAGGERS[name].named])
        ours, reference = pair
        assert "difference" not in ours
        assert reference["difference"] < 1e-5
    transcribed = [row for row in found if row["case"].startswith(("mi_part", "pelican", "lgn", "lgatr"))]
    assert len({(row["case"], row["parameters"]) for row in transcribed}) == len(transcribed) / 2


def test_a_tagger_whose_package_is_missing_is_a_row_that_says_so(monkeypatch):
    monkeypatch.setattr(taggers, "find_spec", lambda name: None)
    (row,) = taggers.rows(taggers={"lgatr": SMALL_TAGGERS["lgatr"]})
    assert row["per_second"] is None
    assert row["note"] == "lgatr is not installed; pip install 'hepexp[lorentz]'"
    bench._show([row])


def test_taggers_of_other_logits_are_not_timed():
    other = replace(SMALL_TAGGERS["part"], reference=lambda ours: SMALL_TAGGERS["part"].ours(), package="")
    with pytest.raises(HepexpError, match="the logits of part differ from those of weaver-core by"):
        taggers.rows(n_jets=2, n_particles=3, repeats=1, taggers={"part": other})


def test_parts_of_reconstruction_against_their_plain_forms():
    found = reconstruction.rows(n_particles=60, n_tracked=60, n_jets=12, n_events=3, repeats=1)
    cases = {
        "graph": "all-pairs",
        "interaction_network training": "torch-geometric",
        "interaction_network inference": "torch-geometric",
        "set2graph inference": "random order",
        "spanet_triplets training": "materialised",
        "spanet_triplets inference": "materialised",
    }
    for (case, reference), pair in zip(cases.items(), zip(found[::2], found[1::2], strict=True), strict=True):
        check(pair, case, ["hepexp", reference])
        assert "difference" not in pair[0]
        assert pair[1]["difference"] < 1e-12


def test_parts_of_reconstruction_that_differ_are_not_timed(monkeypatch):
    monkeypatch.setattr(reconstruction, "MOST_Z0", 0.0)
    monkeypatch.setattr(reconstruction, "edges_of_event", lambda *event: np.zeros((2, 1), np.int64))
    with pytest.raises(HepexpError, match="the results of graph differ by"):
        reconstruction.graph_rows(20, 1)


def test_steerable_networks_against_escnn_and_against_their_convolutions_alone():
    found = equivariant.rows(n_images=2, pixels=9, repeats=1, groups=["D4", "SO2"], widths=[2, 3], convs=[1, 2])
    for group, rows in (("D4", found[:3]), ("SO2", found[3:])):
        check(rows, f"equivariant {group}", ["hepexp", "escnn", "convolutions"])
        assert rows[1]["difference"] < 1e-6
    assert found[2]["note"] == "0.00151 GFLOP an image"


def test_the_operations_of_expanded_convolutions_are_those_of_their_channels():
    """8 channels a field in D4: 3 x 16 at 9 x 9 pixels, 16 x 24 and 24 x 24 at 5 x 5, 9 taps, a product and a sum."""
    ours = SteerableCNN("D4", widths=[2, 3], convs=[1, 2], image_shape=(3, 9, 9), n_classes=2)
    expected = 2 * 9 * (3 * 16 * 81 + (16 * 24 + 24 * 24) * 25)
    assert equivariant.Convolutions(ours).operations(9) == expected


def test_training_against_a_bare_loop(one_store):
    check(overhead.rows(model="pfn", n_train=256, repeats=1), "overhead", ["hepexp", "bare-loop"])


def test_random_images_from_the_store_and_from_the_published_formats():
    found = read_images.rows(n=70, batches=1, repeats=1)
    check(found, "read_images", ["hepexp", "h5py-gzip", "partition-cache"])


def test_a_conversion_and_uproot_alone(monkeypatch):
    monkeypatch.setenv("HEPEXP_STORE_DIR", "mine")
    check(convert.rows(jets=20, repeats=1), "convert", ["hepexp", "uproot-iterate"])
    assert os.environ["HEPEXP_STORE_DIR"] == "mine"


def test_steps_with_the_loader_and_with_batches_in_memory(monkeypatch):
    assert {("qg", "pfn"), ("qg_images", "cnn"), ("mnist", "cnn")} < set(loader.cases())
    monkeypatch.setattr(loader, "cases", lambda: [("mnist", "cnn")])
    threads = torch.get_num_threads()
    found = loader.rows(batches=2)
    check(found, "loader mnist", ["hepexp", "in-memory"])
    assert 0 < found[0]["waiting"] < 1
    assert torch.get_num_threads() == threads


def test_a_training_and_its_tracking(one_store):
    found = tracking.rows(minutes=0.02, n_train=128)
    check(found, "tracking", ["hepexp"])
    assert 0 < found[0]["waiting"] < 1


def test_a_measurement_leaves_no_runs_behind(monkeypatch):
    monkeypatch.setenv("HEPEXP_RUNS_DIR", "mine")
    with overhead.scratch_runs():
        scratch = os.environ["HEPEXP_RUNS_DIR"]
        assert os.path.isdir(scratch)
    assert os.environ["HEPEXP_RUNS_DIR"] == "mine"
    assert not os.path.exists(scratch)


def test_json_has_one_row_an_implementation(monkeypatch, capsys):
    rows = [{"case": "lorentznet", "implementation": "hepexp", "per_second": 2.0}]
    monkeypatch.setattr(lorentznet, "rows", lambda: rows)
    assert bench.main(["lorentznet", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == rows


@pytest.mark.parametrize("name", bench.CASES)
def test_each_case_is_a_module(name):
    from importlib import import_module

    assert callable(import_module(f"hepexp.bench.{name}").rows)


def test_theory_agrees_with_a_loop(monkeypatch):
    monkeypatch.setattr(theory, "EVENTS", {4: (20, 2), 5: (10, 1)})
    rows = theory.rows()
    check(rows[:2], "gg -> 2g", ["hepexp", "python-loop"])
    check(rows[2:4], "gg -> 3g", ["hepexp", "python-loop"])
    check(rows[4:], "gg -> 3g, Parke and Taylor", ["closed form"])
    assert all(row["difference"] < 1e-11 for row in rows)


def test_showers_against_geant4(monkeypatch):
    monkeypatch.setattr(showers, "TASKS", ("calo_flow_matching",))
    monkeypatch.delenv("GEANT4_DATA_DIR", raising=False)
    monkeypatch.setattr(geant4_data, "BY_PACKAGE", Path("nowhere"))
    ours, geant4 = showers.rows(1, "model.widths=[8]", "model.n_blocks=1", "loss.steps=1")
    assert (ours["case"], ours["implementation"]) == ("calo_flow_matching", "hepexp")
    assert ours["per_second"] > 0
    assert ours["latency_1"] > 0
    assert geant4["implementation"] == "geant4"
    assert geant4["per_second"] is None
    assert "Geant4 needs its data" in geant4["note"] or "geant4-pybind is not installed" in geant4["note"]
