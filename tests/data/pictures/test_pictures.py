"""The pictures of `hepexp data show`: what is in them is what is in the data."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hepexp.data.datasets.calogan.calorimeter import CELLS
from hepexp.data.datasets.electron_photon import info as electron_photon
from hepexp.data.datasets.electron_photon.info import LAYOUT as ELECTRON_PHOTON_LAYOUT
from hepexp.data.datasets.mnist import info as mnist
from hepexp.data.datasets.mnist.info import LAYOUT as MNIST_LAYOUT
from hepexp.data.datasets.qg import drawing as qg_drawing
from hepexp.data.datasets.qg import info as qg
from hepexp.data.datasets.rotated_points.info import INFO
from hepexp.data.find import data_sets, find_info
from hepexp.data.loading.split_store import SplitStore
from hepexp.data.physics.kinematics import polar
from hepexp.data.pictures.distributions import binning
from hepexp.data.pictures.drawing import default_drawing, find_drawing
from hepexp.data.pictures.image_view import ImageView
from hepexp.data.pictures.jet_view import PARTICLE_KINDS
from hepexp.data.pictures.means import mean_maps
from hepexp.data.pictures.page import write_page
from hepexp.data.pictures.view import Channel
from hepexp.data.store.images import from_dense, to_dense
from hepexp.data.store.ragged import Layout, Ragged, offsets_of
from hepexp.data.store.store import Store
from tests.data import small
from tests.data.conftest import random_jets


def view_of(name: str):
    return find_drawing(name, find_info(name)).view


def crops(n: int) -> Ragged:
    random = np.random.default_rng(0)
    image = random.normal(0, 1, (n, 2, 32, 32)) * (random.random((n, 2, 32, 32)) < 0.1)
    image[:, 0] = np.abs(image[:, 0])
    return from_dense(np.arange(n) % 2, image)


def narrow_jets(n: int) -> Ragged:
    """Jets whose particles are all within 0.1 of the first, hence in the picture."""
    jets = random_jets(n)
    for name in ("y", "phi"):
        first = np.repeat(jets[name][jets.offsets[:-1]], jets.counts)
        jets.elements[name] = first + np.float32(0.05) * np.sin(np.arange(len(first), dtype=np.float32))
    return jets


def test_the_mean_jet_holds_all_transverse_momentum():
    jets = narrow_jets(50)
    view = view_of("qg")
    total, hits = view.maps(jets)
    pt, _, _ = polar(view.particles(jets)["p4"])
    assert total.sum() == pytest.approx(pt.sum(), rel=1e-12)
    assert hits.sum() == len(pt)


def test_the_mean_image_is_that_of_the_dense_images_and_of_hits_where_signed():
    images = crops(30)
    dense = to_dense(images, ELECTRON_PHOTON_LAYOUT.shape).astype(np.float64)
    (energy, time), hits = mean_maps(
        view_of("electron_photon"), Store(ELECTRON_PHOTON_LAYOUT, [images]), np.arange(30), rows_at_once=7
    )
    np.testing.assert_allclose(energy, dense[:, 0].mean(0), atol=1e-7)
    n = (dense[:, 1] != 0).sum(0)
    np.testing.assert_array_equal(hits[1], n)
    np.testing.assert_allclose(time[n > 0], dense[:, 1].sum(0)[n > 0] / n[n > 0], rtol=1e-6)


def test_the_zero_of_an_image_is_the_middle_of_its_central_pixel():
    low, high, left, right = ImageView((1, 5, 7), (Channel("a"),), ("x", "y"), 0.1).edges
    assert (low, high, left, right) == pytest.approx((-0.25, 0.25, -0.35, 0.35))
    low, high, _, _ = view_of("electron_photon").edges
    assert (low, high) == (-16.5, 15.5)


def test_the_map_of_points_holds_each_in_its_cell():
    view, points = view_of("rotated_points"), INFO.mini().take([0, 15_000])
    (total,), (hits,) = view.maps(points)
    assert np.array_equal(total, hits)
    cells = np.floor((np.stack([points["x"], points["y"]]) / view.half + 1) / 2 * len(total)).astype(int)
    assert sorted(zip(*np.nonzero(hits), strict=True)) == sorted(zip(*cells, strict=True))


def test_kinds_of_particles_follow_their_charge():
    numbers = np.array([211, -321, 2212, 130, 2112, 22, 11, -11, 13, -13], np.int32)
    jet = Ragged(np.zeros(1, np.int8), offsets_of(np.array([10])), {"pdgid": numbers})
    kinds = [PARTICLE_KINDS[kind] for kind in qg_drawing.kind_of(jet)]
    assert kinds[:6] == ["charged hadron"] * 3 + ["neutral hadron"] * 2 + ["photon"]
    assert kinds[6:] == ["electron"] * 2 + ["muon"] * 2


def test_bins_of_whole_numbers_hold_equally_many():
    edges, logarithmic = binning(np.arange(1000.0))
    assert not logarithmic
    assert np.ptp(np.diff(edges)) == 0
    np.testing.assert_array_equal(edges % 1, 0.5)


def test_the_axis_is_logarithmic_where_values_span_decades_only():
    random = np.random.default_rng(0)
    assert binning(10 ** random.uniform(-3, 1, 1000))[1]
    assert not binning(random.uniform(1, 9, 1000))[1]
    assert not binning(random.normal(0, 1, 1000))[1]
    assert (np.diff(binning(np.full(100, 0.5))[0]) > 0).all()


@pytest.mark.parametrize(
    ("info", "examples"),
    [
        (qg.INFO, random_jets(40)),
        (electron_photon.INFO, crops(12)),
        (mnist.INFO, mnist.scikit_learn_digits().take(np.arange(60))),
        (qg.INFO, random_jets(12).take(np.arange(0, 12, 2))),  # one class is missing
    ],
    ids=["qg", "electron_photon", "mnist", "one class"],
)
def test_the_page_holds_its_pictures_and_says_where_the_examples_are_from(info, examples, tmp_path: Path):
    about = {"made_from": "simulation", "command": "hepexp data generate <x> --n 3"}
    opened = SplitStore("mini", Store(info.layout, [examples], metadata=[about]), {})
    page = write_page(
        tmp_path, info, find_drawing(info.name, info), opened, [["columns", "a < b"]], [["", "0 = a"], ["jets", "20"]]
    )
    text = page.read_text()
    assert text.count("data:image/png;base64,") == 3
    assert "://" not in text  # nothing is fetched; base64 has no colon
    assert "simulated sample shipped with hepexp: hepexp data generate &lt;x&gt; --n 3" in text
    assert "a &lt; b" in text
    for name in ("means.png", "examples.png", "distributions.png"):
        with Image.open(tmp_path / name) as image:
            assert min(image.size) > 500
            assert len(set(image.convert("L").tobytes())) > 20
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "distributions.png", "examples.png", "index.html", "means.png",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("about", "simulated"),
    [
        ({"made_from": "simulation"}, True),
        ({"made_from": "published files"}, False),
        ({"source": "generate"}, True),  # in files that an older hepexp wrote
        ({"source": "full"}, False),
    ],
)
def test_a_file_says_whether_its_examples_are_simulated(about, simulated):
    store = Store(MNIST_LAYOUT, [mnist.scikit_learn_digits().take(slice(9))], metadata=[about])
    assert store.simulated is simulated
    assert SplitStore("mini", store, {}).origin.startswith("simulated ") is simulated


def test_an_excerpt_is_not_passed_off_as_the_published_set():
    store = Store(MNIST_LAYOUT, [mnist.scikit_learn_digits()], metadata=[dict(mnist.INFO.mini_about)])
    whole = SplitStore("full", store, {})
    assert whole.origin == "published files"
    assert replace(whole, excerpt="train has 3 of 60,000 images").origin == "excerpt of the published files"
    assert SplitStore("mini", store, {}).origin.startswith("sample shipped with hepexp: scikit-learn's 1,797 digits")


@pytest.mark.parametrize("name", data_sets())
def test_a_view_fits_its_layout(name):
    info = find_info(name)
    stored = info.layout.shape[0] if info.layout.shape else 1
    drawn = len(CELLS) if name == "calogan" else stored  # the store counts the cells of all layers through
    for view, channels in ((find_drawing(name, info).view, drawn), (default_drawing(info.layout).view, stored)):
        if view is None:
            continue
        assert len(view.channels) == channels
        low, high, left, right = view.edges
        assert low < 0 < high
        assert left < 0 < right


def test_without_a_drawing_of_their_own_jets_have_the_momenta_of_their_particles():
    info = find_info("top")
    examples = small.top(20)
    own, default = find_drawing("top", info), default_drawing(info.layout)
    for name, values in own.quantities(examples).items():
        np.testing.assert_array_equal(default.quantities(examples)[name], values)
    assert default.view.maps(examples)[0].sum() == pytest.approx(own.view.maps(examples)[0].sum(), rel=0.01)


def test_without_a_drawing_of_their_own_other_examples_show_their_columns(tmp_path: Path):
    columns = {"a": np.array([1.0, 3.0, 5.0], np.float32)}
    examples = Ragged(np.array([0, 1], np.int8), np.array([0, 2, 3]), columns, {"b": np.array([7.0, 8.0])})
    layout = Layout({"a": np.float32}, {"b": np.float32})
    drawing = default_drawing(layout)
    found = {name: values.tolist() for name, values in drawing.quantities(examples).items()}
    assert found == {"elements": [2, 1], "b": [7, 8], "mean a": [2, 5]}
    opened = SplitStore("mini", Store(layout, [examples], metadata=[{}]), {})
    write_page(tmp_path, replace(qg.INFO, layout=layout), drawing, opened, [], [["", "0"]])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["distributions.png", "index.html"]
