"""What an exported network makes of raw inputs is the batch that the data set gives to the model."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from hepexp.batch import DataSpec
from hepexp.data.datasets.jetclass.module import JetClass
from hepexp.data.datasets.qg.module import QuarkGluon
from hepexp.data.datasets.qg_images.module import QuarkGluonImages
from hepexp.data.datasets.rotated_points.module import RotatedPoints
from hepexp.data.datasets.top.module import TopTagging
from hepexp.data.representations.jet_image import JetImage
from hepexp.data.representations.pixel_image import PixelImage
from hepexp.errors import ConfigError
from hepexp.export.images import PixelInputs
from hepexp.export.inputs import inputs_of
from hepexp.export.network import ExportedNetwork
from hepexp.export.tensors import DTYPES
from hepexp.losses.bayesian import Bayesian
from hepexp.losses.mc_dropout import McDropout
from hepexp.losses.swag import Swag

ORIENTED = JetImage(n_pixels=16, width=1.6, centre=True, rotate=True, flip=True)
WEAK_PIXELS = PixelImage(scale="standard", power=0.5, clip_negative=True, pad_to=130)
CASES = {
    "one-hot types": (QuarkGluon, "particles", {}),
    "massless": (QuarkGluon, "particles", {"pid": False}),
    "masses and charges": (QuarkGluon, "particles", {"scalars": "mass_charge"}),
    "the hardest particles": (QuarkGluon, "particles", {"scalars": "kinpid", "n_particles": 15}),
    "beams": (TopTagging, "particles", {"beams": True, "n_particles": 20}),
    "impact parameters": (JetClass, "particles", {"extras": ["jet_pt", "jet_eta"]}),
    "variables": (QuarkGluon, "features", {}),
    "points": (RotatedPoints, "features", {}),
    "jet image": (QuarkGluon, "image", {"image": JetImage(n_pixels=20, channels=("pt", "multiplicity"))}),
    "oriented jet image": (TopTagging, "image", {"image": ORIENTED}),
    "pixels": (
        QuarkGluonImages,
        "image",
        {"image": WEAK_PIXELS},
    ),
    "range of pixels": (QuarkGluonImages, "image", {"image": PixelImage(scale="minmax", resize_to=32)}),
}


def data_of(case):
    kind, form, keys = CASES[case]
    data = kind(source="mini", n_train=60, n_val=20, n_test=40, seed=1, **keys)
    data.represent_as(form)
    data.setup()
    return data


@pytest.mark.parametrize("case", CASES)
def test_inputs_become_the_batch_of_the_data_set(case):
    data = data_of(case)
    inputs, examples = inputs_of(data), data.splits["test"]
    batch = examples[np.arange(len(examples))]
    fed = inputs.feed(examples.store.take(examples.rows))
    assert set(fed) == {one.name for one in inputs.tensors}
    made = inputs(*(torch.from_numpy(fed[one.name]).to(DTYPES[one.dtype]) for one in inputs.tensors))
    for name, wanted in batch.tensors().items():
        if name in ("label", "index"):
            continue
        found = getattr(made, name)
        if wanted.ndim > 1 and case in ("beams", "the hardest particles"):  # it does not drop what is then padding
            rest = found[:, wanted.shape[1] :]
            assert not rest.any()
            found = found[:, : wanted.shape[1]]
        assert found.dtype == wanted.dtype
        assert_close(found, wanted, rtol=2e-6, atol=2e-6, msg=lambda text, name=name: f"{name}: {text}")


def test_what_a_network_cannot_do_is_refused_by_name():
    for keys, said in (({"frame": "boosted"}, "dataset.frame"), ({"smear": 0.1}, "dataset.smear")):
        data = QuarkGluon(source="mini", n_train=20, n_val=10, n_test=10, seed=1, **keys)
        data.setup()
        with pytest.raises(ConfigError, match=said):
            inputs_of(data)
    for key, value in (("angle", 30.0), ("rotate", True), ("flip", True)):
        with pytest.raises(ConfigError, match=f"dataset.image.{key} moves pixels one by one"):
            PixelInputs(PixelImage(**{key: value}).of_shape((1, 9, 9)), None)


@pytest.mark.parametrize("loss", [McDropout, Bayesian, Swag])
def test_losses_that_draw_networks_in_predictions_are_refused_before_any_work(loss):
    module = SimpleNamespace(objective=loss(), model=None)
    data = SimpleNamespace(spec=DataSpec(("gluon", "quark")))
    with pytest.raises(ConfigError, match=f"loss {loss.__name__} cannot be exported: each of its predictions draws 20"):
        ExportedNetwork(SimpleNamespace(module=module, data=data))
