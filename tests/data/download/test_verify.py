"""Corrupted files of the store: found, named with their row, and never a crash."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from hepexp.data.dataset_info import DatasetInfo
from hepexp.data.datasets.qg import info as qg
from hepexp.data.download.verify import verify
from hepexp.data.find import data_sets, find_info
from hepexp.data.formats.open_file import open_file
from hepexp.data.loading.split_store import open_sample
from hepexp.data.store import arrow_file
from hepexp.data.store.integrity import refuse_damaged_sample
from hepexp.data.store.ragged import Ragged
from hepexp.errors import DataError
from tests.data.conftest import assert_same, random_jets


@pytest.fixture
def info(data_folder: Path) -> DatasetInfo:
    """Quark and gluon jets, of which only what a test makes is here."""
    made = replace(qg.INFO, mini=None)
    made.store_folder.mkdir(parents=True)
    return made


@pytest.fixture
def stored(info: DatasetInfo) -> Path:
    path = info.store_folder / "QG_jets.arrow"
    arrow_file.write(path, info.layout, [random_jets(20), random_jets(20, seed=1)], {"made_from": "published files"})
    return path


def problems(info: DatasetInfo) -> Iterator[str | None]:
    return (problem for _, problem, _ in verify(info))


def test_a_sound_store_is_fine(info: DatasetInfo, stored: Path):
    assert list(verify(info)) == [(stored, None, "")]


def test_the_row_of_a_value_that_is_no_physics_is_named(info: DatasetInfo):
    jets = random_jets(20)
    jets.elements["pt"][jets.offsets[17]] = np.nan
    arrow_file.write(info.store_folder / "a.arrow", info.layout, [random_jets(5), jets], {})
    assert list(problems(info)) == ["jet 22 has a particle with pt = nan; expected 1e-09 to 100000 GeV"]


def test_the_row_of_a_list_that_leads_out_of_the_file_is_named(info: DatasetInfo, stored: Path):
    jets, data = random_jets(20), bytearray(stored.read_bytes())
    ends = jets.offsets.astype(np.int32)
    damaged = ends.copy()
    damaged[7] = 10**9  # the end of jet 6, in the lists of every column
    stored.write_bytes(data.replace(ends.tobytes(), damaged.tobytes()))
    (problem,) = problems(info)
    assert problem.startswith("the elements of row 6 lie outside the file: corrupted; remove it and make it again")


def test_the_first_row_of_a_batch_that_is_longer_than_its_file_is_named(info: DatasetInfo):
    stored = info.store_folder / "a.arrow"
    arrow_file.write(stored, info.layout, [random_jets(5), random_jets(20)], {})
    data, size = bytearray(stored.read_bytes()), np.int64(4 * random_jets(20).offsets[-1]).tobytes()
    at = data.index(size, data.index(size) - 8)  # a buffer's length in the header of the second batch
    data[at : at + 8] = np.int64(4).tobytes()
    stored.write_bytes(data)
    (problem,) = problems(info)
    assert problem.startswith("not a complete arrow file: from row 5 on: ")


def test_a_truncated_store_is_named(info: DatasetInfo, stored: Path):
    stored.write_bytes(stored.read_bytes()[:-200])
    (problem,) = problems(info)
    assert problem.startswith("not a complete arrow file")


def test_mutated_stores_are_refused_or_read_and_never_crash(info: DatasetInfo, stored: Path):
    whole, random, refused = stored.read_bytes(), np.random.default_rng(0), 0
    for i in range(500):
        data = bytearray(whole)
        for at in random.integers(len(data), size=random.integers(1, 20)):
            data[at] = random.integers(256)
        stored.write_bytes(data if i % 4 else data[: random.integers(len(data))])
        (problem,) = problems(info)
        assert problem is None or "\n" not in problem
        refused += problem is not None
    assert refused > 300


def test_a_published_file_with_another_checksum_is_read_to_name_the_row(info: DatasetInfo, npz: Path):
    with np.load(npz) as file:
        x, y = file["X"], file["y"]
    x[13, 0, 0] = np.nan
    info.folder.mkdir(exist_ok=True)
    np.savez(info.folder / "QG_jets.npz", X=x, y=y)
    (problem,) = problems(info)
    assert "expected 3f27a02eab06e8b8" in problem
    assert "jet 13 has a particle with pt = nan" in problem


def test_every_flipped_bit_that_changes_a_value_is_found(info: DatasetInfo, tmp_path: Path):
    """Of each byte in some places all over the file one bit; what is read without a word is what was written."""
    jets = [random_jets(12), random_jets(9, seed=1)]
    wanted, found = Ragged.concatenate(jets), 0
    for suffix in (".arrow", ".parquet"):
        path = tmp_path / f"jets{suffix}"
        arrow_file.write(path, info.layout, jets, {"made_from": "published files"})
        whole = path.read_bytes()
        for at in range(0, len(whole), 13):
            data = bytearray(whole)
            data[at] ^= 1 << (at % 8)
            path.write_bytes(data)
            try:
                read = open_file(info, path)
            except DataError:
                found += 1
            else:
                assert_same(read.take(np.arange(len(read))), wanted)
    assert found > 300


def test_a_store_of_an_older_version_is_read_and_has_no_checksum(info: DatasetInfo, stored: Path):
    old = stored.with_name("old.arrow")
    with pa.ipc.open_file(str(stored)) as reader:
        schema = reader.schema.with_metadata({b"hepexp": b"{}"})
        with pa.ipc.new_file(str(old), schema) as writer:
            writer.write_table(reader.read_all().replace_schema_metadata(schema.metadata))
    assert [finding[1:] for finding in verify(info)] == [
        (None, ""),
        (None, "no checksum: written by an older hepexp"),
    ]


def test_one_file_of_any_format_is_looked_at(info: DatasetInfo, npz: Path, tmp_path: Path):
    path = tmp_path / "jets.parquet"
    arrow_file.write(path, info.layout, [random_jets(20)], {})
    assert [list(verify(info, file)) for file in (npz, path)] == [[(npz, None, "")], [(path, None, "")]]
    path.write_bytes(path.read_bytes()[:-50])
    ((_, problem, _),) = verify(info, path)
    assert problem.startswith("not a complete parquet file")


@pytest.mark.parametrize("name", [name for name in data_sets() if isinstance(find_info(name).mini, Path)])
def test_the_shipped_samples_are_those_of_their_checksums(name: str):
    refuse_damaged_sample(find_info(name).mini)


def test_a_damaged_sample_is_refused(info: DatasetInfo, tmp_path: Path):
    for file in ("qg.parquet", "SHA256SUMS"):
        shutil.copy(qg.INFO.mini.with_name(file), tmp_path)
    with (tmp_path / "qg.parquet").open("r+b") as file:
        file.seek(10**6)
        file.write(b"x")
    damaged = replace(info, mini=tmp_path / "qg.parquet")
    (problem,) = problems(damaged)
    assert "expected cb5836e78f05" in problem
    with pytest.raises(DataError, match="reinstall hepexp"):
        open_sample(damaged)
