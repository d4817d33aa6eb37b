"""Weights from a file are loaded whole, or refused in one line."""

import io
import pickle

import pytest
import torch

from hepexp.errors import ConfigError
from hepexp.models.lorentz_net import LorentzNet
from hepexp.models.weights import find_weights

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
    with pytest.raises(ConfigError, match=r"has head.weight, which this LorentzNet does not have"):
        LorentzNet(weights=file, **SIZES)


class NotATensor:
    pass


def test_refuses_weights_that_are_not_finite(model, tmp_path):
    file = str(tmp_path / "weights.pt")
    torch.save(model.state_dict() | {"embedding.bias": torch.full((6,), torch.nan)}, file)
    with pytest.raises(ConfigError, match=r"embedding.bias in .* holds values that are not finite"):
        LorentzNet(weights=file, **SIZES)


@pytest.mark.parametrize(("kind", "said"), [(torch.complex64, "complex"), (torch.int8, "whole"), (torch.bool, "bool")])
def test_refuses_numbers_of_another_kind(model, tmp_path, kind, said):
    file = str(tmp_path / "weights.pt")
    state = model.state_dict()
    torch.save(state | {"embedding.bias": state["embedding.bias"].to(kind)}, file)
    with pytest.raises(ConfigError, match=rf"embedding.bias in .* holds {said}.*this model's are real"):
        LorentzNet(weights=file, **SIZES)


def test_loads_other_precisions(model, tmp_path):
    file = str(tmp_path / "weights.pt")
    state = {key: value.double() if value.is_floating_point() else value for key, value in model.state_dict().items()}
    torch.save(state, file)
    assert torch.equal(LorentzNet(weights=file, **SIZES).state_dict()["embedding.bias"], model.embedding.bias)


def saved(content, **options) -> bytes:
    file = io.BytesIO()
    torch.save(content, file, **options)
    return file.getvalue()


def flipped(content: bytes) -> bytes:
    """With one bit of the first tensor changed, which torch itself would not see."""
    place = content.index(torch.full((4,), 7.0).numpy().tobytes())
    return content[: place + 2] + bytes([content[place + 2] ^ 1]) + content[place + 3 :]


TENSORS = {"a": torch.full((4,), 7.0)}
OLD = {"_use_new_zipfile_serialization": False}


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "there is no file"),
        (b"", "is empty"),
        (b"root:x:0:0:root:/root:/bin/bash\n", "is not a torch file, or is damaged"),
        (b"PK", "is cut off"),
        (b"\x80\x02", "is not a torch file, or is damaged"),
        (pickle.dumps({"a": print}, protocol=4), "is not a torch file, or is damaged"),  # of which torch would warn
        (saved(TENSORS)[:500], "is cut off"),
        (saved(TENSORS)[:-1], "is cut off"),
        (saved(TENSORS, **OLD)[:-9], "is not a torch file, or is damaged"),
        (flipped(saved(TENSORS)), "is damaged in"),
        (saved({"a": NotATensor()}), "NotATensor, which is not loaded"),
        (saved([1, 2]), "holds no state dict"),
        (saved({1: torch.ones(1)}), "holds no state dict"),
        (saved({"state_dict": {1: torch.ones(1)}}), "has no embedding.weight"),
        (saved(TENSORS), "has no embedding.weight; it holds another model's weights, expected those of LorentzNet"),
    ],
)
def test_refuses_files_that_are_no_weights(tmp_path, recwarn, content, what):
    file = tmp_path / "weights.pt"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError) as error:
        LorentzNet(weights=str(file), **SIZES)
    assert str(file) in str(error.value)
    assert what in str(error.value)
    assert "expected" in str(error.value)
    assert "\n" not in str(error.value)
    assert [str(one.message) for one in recwarn] == []  # the line above is all that is said


@pytest.mark.parametrize("file", ["", "/", "/dev/null", "a" * 300, "nul\0", "~"])
def test_names_that_are_no_files_are_refused(file):
    with pytest.raises(ConfigError, match="expected a checkpoint of a run"):
        LorentzNet(weights=file, **SIZES)


def test_a_file_that_may_not_be_read_is_named(model, tmp_path, monkeypatch):
    def refuse(*args, **options):
        raise PermissionError(13, "Permission denied")

    file = tmp_path / "weights.pt"
    torch.save(model.state_dict(), file)
    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(ConfigError, match=r"weights.pt cannot be read \(Permission denied\)"):
        LorentzNet(weights=str(file), **SIZES)


@pytest.mark.parametrize(
    ("change", "doubt"),
    [
        ({"n_scalars": 8}, "Published weights need model.variant=published; here: model.variant=exact"),
        ({"n_scalars": 8, "variant": "published"}, None),
        (
            {"n_scalars": 2, "variant": "published", "c": 5e-3},
            "Published weights need model.variant=published dataset.beams=true model.c=5e-3; "
            "here: model.variant=published dataset.beams=false model.c=0.005",
        ),
        ({"n_scalars": 2, "variant": "published", "c": 5e-3, "has_beams": True}, None),
    ],
)
def test_published_weights_in_a_run_that_does_not_suit_them_are_told_of(tmp_path, caplog, change, doubt):
    file, sizes = str(tmp_path / "weights.pt"), SIZES | change
    weights = LorentzNet(**sizes).state_dict()
    torch.save(weights, file)
    with caplog.at_level("WARNING"):
        LorentzNet(weights=file, **sizes)
    said = [f"model.weights: {file} does not say how it was trained. {doubt}"] if doubt else []
    assert caplog.messages == said
    torch.save({"state_dict": {f"model.{key}": value for key, value in weights.items()}}, file)  # of a run
    caplog.clear()
    LorentzNet(weights=file, **sizes)
    assert caplog.messages == []


def test_weights_are_found_again_when_the_runs_folder_was_moved(tmp_path, monkeypatch):
    noted = tmp_path / "runs" / "hepexp" / "2026-01-01_pfn" / "checkpoints" / "best.ckpt"
    noted.parent.mkdir(parents=True)
    noted.write_bytes(b"weights")
    assert find_weights(str(noted)) == noted
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path / "moved"))
    assert find_weights("hepexp/2026-01-01_pfn/checkpoints/best.ckpt") is None
    (tmp_path / "runs").rename(tmp_path / "moved")
    label = "hepexp/2026-01-01_pfn/checkpoints/best.ckpt"
    for name in (str(noted), f"runs/{label}", label):
        assert find_weights(name) == tmp_path / "moved" / noted.relative_to(tmp_path / "runs")
