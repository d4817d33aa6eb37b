"""Weights from a file are loaded whole, or refused in one line."""

import pytest
import torch

from hepexp.errors import ConfigError
from hepexp.models.lorentz_net import LorentzNet

SIZES = {"n_hidden": 6, "n_blocks": 2, "n_scalars": 3, "n_classes": 2}

# Names of the published release, for two blocks.
NORM = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
BLOCK = [
    "phi_e.0.weight",
    *(f"phi_e.1.{name}" for name in NORM),
    "phi_e.3.weight",
    "phi_e.3.bias",
    "phi_h.0.weight",
    "phi_h.0.bias",
    *(f"phi_h.1.{name}" for name in NORM),
    "phi_h.3.weight",
    "phi_h.3.bias",
    "phi_m.0.weight",
    "phi_m.0.bias",
]
PHI_X = ["phi_x.0.weight", "phi_x.0.bias", "phi_x.2.weight"]
PUBLISHED = {
    "embedding.weight",
    "embedding.bias",
    *(f"LGEBs.0.{name}" for name in BLOCK + PHI_X),
    *(f"LGEBs.1.{name}" for name in BLOCK),
    *(f"graph_dec.{layer}.{name}" for layer in (0, 3) for name in ("weight", "bias")),
}


@pytest.fixture
def model() -> LorentzNet:
    torch.manual_seed(3)
    return LorentzNet(**SIZES)


def test_keys_are_those_of_the_published_release(model):
    assert set(model.state_dict()) == PUBLISHED


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {f"module.{key}": value for key, value in state.items()},
        lambda state: {"state_dict": {f"model.{key}": value for key, value in state.items()}, "epoch": 3},
    ],
    ids=["bare", "module.", "checkpoint"],
)
def test_loads(model, tmp_path, wrap):
    file = tmp_path / "weights.pt"
    torch.save(wrap(model.state_dict()), file)
    loaded = LorentzNet(weights=str(file), **SIZES)
    for key, value in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[key], value)


def test_names_the_first_difference(model, tmp_path):
    file = str(tmp_path / "weights.pt")
    state = model.state_dict()
    torch.save(state, file)
    with pytest.raises(ConfigError, match=r"embedding.weight in .* has shape \(6, 3\), this model's has \(4, 3\)"):
        LorentzNet(weights=file, **(SIZES | {"n_hidden": 4}))
    with pytest.raises(ConfigError, match=r"has no LGEBs.1.phi_x.0.weight"):
        LorentzNet(weights=file, **(SIZES | {"n_blocks": 3}))
    torch.save(state | {"head.weight": torch.ones(1)}, file)
    with pytest.raises(ConfigError, match=r"has head.weight, which this model has not"):
        LorentzNet(weights=file, **SIZES)


class NotATensor:
    pass


@pytest.mark.parametrize("content", ["missing", "garbage", "cut", "object", "list"])
def test_refuses_files_that_are_no_weights(model, tmp_path, content):
    file = tmp_path / "weights.pt"
    if content == "garbage":
        file.write_bytes(b"not a checkpoint")
    elif content == "cut":
        torch.save(model.state_dict(), file)
        file.write_bytes(file.read_bytes()[:500])
    elif content == "object":
        torch.save({"a": NotATensor()}, file)
    elif content == "list":
        torch.save([1, 2], file)
    with pytest.raises(ConfigError) as error:
        LorentzNet(weights=str(file), **SIZES)
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)
