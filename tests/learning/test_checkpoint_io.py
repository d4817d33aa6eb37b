"""A checkpoint is whole or absent, and the last good one survives a full disk."""

import re
import resource
import signal

import pytest
import torch

from hepexp.errors import ConfigError, HepexpError
from hepexp.learning.checkpoint_io import AtomicCheckpointIO
from hepexp.learning.fit import load_state
from tests.learning.toy import ToyModel


@pytest.fixture
def small_files():
    """Files of more than 100 kB fail to be written, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_leaves_the_last_good_checkpoint(tmp_path, small_files):
    path = tmp_path / "run" / "checkpoints" / "last.ckpt"
    AtomicCheckpointIO().save_checkpoint({"state_dict": {"w": torch.ones(3)}}, path)
    with pytest.raises(
        HepexpError, match=r"cannot write checkpoint last.ckpt: .*File too large.*hepexp train --resume"
    ):
        AtomicCheckpointIO().save_checkpoint({"state_dict": {"w": torch.zeros(100_000)}}, path)
    assert torch.equal(torch.load(path, weights_only=True)["state_dict"]["w"], torch.ones(3))
    assert [file.name for file in path.parent.iterdir()] == ["last.ckpt"]


def test_a_checkpoint_of_another_model_is_named(tmp_path):
    path = tmp_path / "other.ckpt"
    torch.save({"state_dict": {"layers.0.weight": torch.zeros(2, 2)}}, path)
    with pytest.raises(HepexpError, match=r"other.ckpt is of another model: .*layers"):
        load_state(ToyModel(), path)
    state = ToyModel().state_dict()
    name, tensor = next(iter(state.items()))
    for found, said in (
        ({**state, name: tensor.flatten()[:1]}, rf"{name} has shape \(1,\) there, \(\d.*\) in this model"),
        ({key: value for key, value in state.items() if key != name}, f"it has no {name}"),
        ({**state, "more": tensor}, "it has more, which this model does not have"),
    ):
        torch.save({"state_dict": found}, path)
        with pytest.raises(HepexpError, match=rf"other.ckpt is of another model: {said}; its run's config.yaml"):
            load_state(ToyModel(), path)


def test_a_truncated_checkpoint_is_named(tmp_path):
    path = tmp_path / "half.ckpt"
    torch.save({"state_dict": ToyModel().state_dict()}, path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(ConfigError, match=r"half.ckpt is cut off; expected a checkpoint of a run"):
        load_state(ToyModel(), path)


@pytest.mark.parametrize(("cut", "whole"), [("last", "best"), ("best", "last")])
def test_the_other_checkpoint_is_offered_where_it_is_whole(tmp_path, cut, whole):
    cut, whole = tmp_path / f"{cut}.ckpt", tmp_path / f"{whole}.ckpt"
    for path in (cut, whole):
        torch.save({"state_dict": ToyModel().state_dict()}, path)
    cut.write_bytes(cut.read_bytes()[:-100])
    offer = f"{whole.name} beside it is intact: --checkpoint {whole.stem}"
    if cut.name == "last.ckpt":  # a run can resume from the best epoch, but the last one is not the best
        offer += f" evaluates it, and to resume from it: cp {whole} {cut}"
    with pytest.raises(ConfigError, match=f"{re.escape(offer)}$"):
        load_state(ToyModel(), cut)
    whole.write_bytes(b"")
    with pytest.raises(ConfigError, match=rf"{cut.name} is cut off; [^;]*$"):
        load_state(ToyModel(), cut)


def test_a_checkpoint_with_code_in_it_is_not_run(tmp_path):
    import os

    path = tmp_path / "evil.ckpt"

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    torch.save({"state_dict": Evil()}, path)
    with pytest.raises(HepexpError, match=r"holds an object of posix.mkdir, which is not loaded"):
        load_state(ToyModel(), path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(("kind", "said"), [(torch.complex64, "complex"), (torch.int8, "whole"), (torch.bool, "bool")])
def test_numbers_of_another_kind_are_refused(tmp_path, kind, said):
    path = tmp_path / "cast.ckpt"
    torch.save({"state_dict": {key: value.to(kind) for key, value in ToyModel().state_dict().items()}}, path)
    with pytest.raises(ConfigError, match=rf"cast.ckpt .* holds {said}.* expected real ones \(torch.float32\)"):
        load_state(ToyModel(), path)


def test_other_precisions_are_loaded(tmp_path):
    path = tmp_path / "double.ckpt"
    written, read = ToyModel(), ToyModel()
    state = written.double().state_dict()  # counters stay whole
    torch.save({"state_dict": state}, path)
    load_state(read, path)
    for key, value in state.items():
        assert torch.equal(read.state_dict()[key].to(value.dtype), value)


def test_what_is_no_tensor_is_refused(tmp_path):
    path = tmp_path / "texts.ckpt"
    torch.save({"state_dict": dict.fromkeys(ToyModel().state_dict(), "a")}, path)
    with pytest.raises(ConfigError, match=r"holds no tensor, expected real ones"):
        load_state(ToyModel(), path)
