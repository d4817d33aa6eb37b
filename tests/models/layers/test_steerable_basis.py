"""Bases on disk: cached, found again, built again where they are damaged."""

import logging
import multiprocessing
import sys

import pytest
import torch

from hepexp.errors import ConfigError
from hepexp.models.layers import escnn_import
from hepexp.models.layers import steerable_basis as module
from hepexp.models.layers.steerable_basis import build_basis, steerable_basis


@pytest.fixture(autouse=True)
def store(monkeypatch, tmp_path):
    monkeypatch.setenv("HEPEXP_STORE_DIR", str(tmp_path))
    steerable_basis.cache_clear()
    yield tmp_path
    steerable_basis.cache_clear()


def again():
    steerable_basis.cache_clear()
    return steerable_basis("C4", lifts=False)


def never(*args):
    raise AssertionError("built although it is cached")


def test_a_basis_is_built_once(monkeypatch, store):
    built = steerable_basis("C4", lifts=False)
    assert [path.name for path in (store / "escnn").iterdir()] == ["C4_regular_1.0.11.npz"]
    monkeypatch.setattr(module, "build_basis", never)
    assert torch.equal(again().kernels, built.kernels)
    assert torch.equal(again().spread, built.spread)


DAMAGES = {
    "cut": lambda whole: whole[: len(whole) // 2],
    "empty": lambda whole: b"",
    "no archive": lambda whole: b"x" * len(whole),
    "one bit": lambda whole: whole[:3000] + bytes([whole[3000] ^ 1]) + whole[3001:],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_built_again(store, caplog, damage: str):
    built = steerable_basis("C4", lifts=False)
    path = store / "escnn" / "C4_regular_1.0.11.npz"
    whole = path.read_bytes()
    path.write_bytes(DAMAGES[damage](whole))
    with caplog.at_level(logging.WARNING):
        assert torch.equal(again().kernels, built.kernels)
    assert "is damaged" in caplog.text
    assert path.read_bytes() == whole


def test_another_group_under_this_name_is_not_taken_for_it(store):
    steerable_basis("C4", lifts=True)
    folder = store / "escnn"
    (folder / "C4_lift_1.0.11.npz").rename(folder / "C4_regular_1.0.11.npz")
    assert again().kernels.shape == (24, 4, 4, 3, 3)


def test_a_folder_that_cannot_be_written_costs_only_time(monkeypatch, store, caplog):
    (store / "file").touch()
    monkeypatch.setenv("HEPEXP_STORE_DIR", str(store / "file"))
    with caplog.at_level(logging.WARNING):
        assert again().kernels.shape == (24, 4, 4, 3, 3)
    assert "cannot be cached" in caplog.text


def test_two_processes_at_once_leave_one_whole_file(monkeypatch, store):
    built, processes = build_basis("C4", lifts=True), multiprocessing.get_context("fork")
    barrier = processes.Barrier(2)

    def both_at_once(group: str, lifts: bool):
        barrier.wait(timeout=30)
        return built

    monkeypatch.setattr(module, "build_basis", both_at_once)
    children = [processes.Process(target=steerable_basis, args=("C4", True)) for _ in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join(timeout=60)
    assert [child.exitcode for child in children] == [0, 0]
    assert [path.name for path in (store / "escnn").iterdir()] == ["C4_lift_1.0.11.npz"]
    monkeypatch.setattr(module, "build_basis", never)
    assert torch.equal(steerable_basis("C4", lifts=True).kernels, built.kernels)


@pytest.mark.parametrize("missing", ["escnn", "pymanopt"])
def test_without_escnn_one_line_says_what_to_do(monkeypatch, missing: str):
    steerable_basis("C4", lifts=True)  # a cached basis makes no difference
    steerable_basis.cache_clear()
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ConfigError) as error:
        steerable_basis("C4", lifts=True)
    assert str(error.value).startswith(f"{missing} is not installed; make setup, or pip install --no-deps escnn==1.0")
    assert "\n" not in str(error.value)


def test_the_stand_in_for_lie_learn_says_what_it_is(monkeypatch):
    escnn_import.import_escnn()
    from lie_learn.representations.SO3.wigner_d import wigner_D_matrix

    with pytest.raises(NotImplementedError, match="need lie_learn"):
        wigner_D_matrix(1)
