"""Names come out of every pickle of a list of strings, and nothing else does, nor is anything run."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from hepexp.data.formats.pickled_names import names_in
from hepexp.errors import DataError

NAMES = [f"{c}_{i}" for i in range(200) for c in ("E", "PX", "PY", "PZ")] + ["is_signal_new", "é", ""]


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("names", [NAMES, ["E_0"], ["a", "b", "a"]])
def test_a_list_of_strings_comes_out(protocol: int, names: list[str]):
    same = names[0]
    assert names_in(pickle.dumps([*names, same], protocol), "here") == [*names, same]


def test_python_2_wrote_byte_strings():
    assert names_in(b"(lp0\nS'E_0'\np1\naS'PX_0'\np2\na.", "here") == ["E_0", "PX_0"]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_nothing_is_run(tmp_path: Path, protocol: int):
    for bomb in (Bomb(tmp_path / "made"), [Bomb(tmp_path / "made")], ["E_0", Bomb(tmp_path / "made")]):
        with pytest.raises(DataError, match=r"here: not a plain list of column names.*pickles can execute code"):
            names_in(pickle.dumps(bomb, protocol), "here")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("other", [{}, "E_0", ["E_0", 1], [["E_0"]], ("E_0",), [None], np.array(["E_0"]), 1, None])
def test_anything_else_is_refused(other):
    with pytest.raises(DataError, match="not a plain list"):
        names_in(pickle.dumps(other), "here")


def test_damaged_pickles_are_refused_or_give_strings():
    random = np.random.default_rng(0)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        whole = pickle.dumps(["E_0", "PX_0", "E_0"], protocol)
        for _ in range(500):
            damaged = bytearray(whole)
            damaged[random.integers(len(damaged))] = random.integers(256)
            try:
                assert all(isinstance(name, str) for name in names_in(bytes(damaged), "here"))
            except DataError:
                continue
