"""Files of any format are the same table: lists without padding, numbers of the type in the file."""

import io
import pickle
import zipfile

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot

from hepexp.data.expressions.parse import parse
from hepexp.data.tables.table import open_table
from hepexp.errors import ConfigError, DataError, HepexpError
from tests.data.formats.mutation import mutated
from tests.data.tables import jets


@pytest.fixture(params=jets.FORMATS)
def written(request, tmp_path):
    """A file, and the names in it of columns of particles and of examples."""
    write, of_particles, of_examples = jets.FORMATS[request.param]
    path = tmp_path / "some:file.data"  # neither the ending nor a colon means anything
    write(path)
    return path, of_particles.format, of_examples.format


@pytest.mark.parametrize("rows_at_once", [2, 3, 100])
def test_a_table_is_the_same_in_every_format(written, rows_at_once):
    path, particles, examples = written
    table = open_table(path)
    assert table.n_rows == jets.N
    wanted = {particles("E"): jets.ENERGY, particles("d0"): jets.D0, particles("q"): jets.CHARGE}
    wanted |= {examples("w"): jets.WEIGHT, examples("evt"): jets.EVENT, examples("tau"): jets.IS_TAU}
    assert [table.columns[name].level for name in wanted] == ["particles"] * 3 + ["example"] * 3
    read = {name: [] for name in wanted}
    counts, row = [], 0
    for chunk in table.batches(wanted, rows_at_once):
        assert chunk.first == row
        assert chunk.n <= rows_at_once
        row += chunk.n
        for name in wanted:
            read[name].append(chunk.columns[name].values)
            assert len(chunk.columns[name]) == chunk.n
        counts += chunk.columns[particles("q")].counts.tolist()
    assert row == jets.N
    assert counts == jets.COUNTS.tolist()
    for name, expected in wanted.items():
        found = np.concatenate(read[name])
        assert found.dtype == table.columns[name].dtype
        assert found.dtype.isnative
        np.testing.assert_array_equal(found, expected, err_msg=name)
    assert table.columns[examples("evt")].dtype == np.uint64  # not through a float, which would round 2^63 + 1


def test_an_expression_is_computed_from_a_file(written):
    path, particles, examples = written
    table = open_table(path)
    expression = parse(f"sum({particles('E')} * {examples('w')})", "data.targets")
    assert not table.check(expression)
    found = [expression.evaluate(c.columns, c.n, str(path), c.first) for c in table.batches(expression.names, 3)]
    expected = [np.sum(np.float64(e)) for e in np.split(jets.ENERGY, jets.OFFSETS[1:-1])] * jets.WEIGHT
    np.testing.assert_allclose(np.concatenate([part.values for part in found]), expected, rtol=1e-6)


@pytest.mark.parametrize("name", jets.FORMATS)
def test_a_damaged_file_is_refused_or_whole(name, tmp_path):
    jets.FORMATS[name][0](tmp_path / "whole")
    data, refused, path = (tmp_path / "whole").read_bytes(), 0, tmp_path / "damaged"
    for i in range(40):
        path.write_bytes(mutated(data, np.random.default_rng([3, i])))
        try:
            table = open_table(path)
            for chunk in table.batches(table.columns, 4):
                for found in chunk.columns.values():
                    assert len(found) == chunk.n
                    assert found.offsets is None or (np.diff(found.offsets) >= 0).all()
                    assert found.offsets is None or found.offsets[-1] == len(found.values)
        except HepexpError as error:
            refused += 1
            assert "\n" not in str(error)  # noqa: PT017
            assert str(path) in str(error)  # noqa: PT017
    assert refused


def refusal(path, names=None, tree=None):
    """What is said about the columns of these names, all by default."""

    def read():
        table = open_table(path, tree)
        return list(table.batches(names or table.columns))

    with pytest.raises(HepexpError) as error:
        read()
    assert "\n" not in str(error.value)
    return str(error.value)


def hdf5(path, **arrays):
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name.replace("__", "/")] = array
    return path


def test_names_and_trees_that_are_not_there(tmp_path):
    path = tmp_path / "f"
    jets.root(path)
    assert "no column 'con_e'; did you mean con_E?" in refusal(path, ["con_e"])
    assert "tree: no tree 'candidates'" in refusal(path, tree="candidates")
    assert open_table(path, "a/candidates").n_rows == jets.N
    with uproot.recreate(path) as file:
        file["one"], file["two"] = {"x": np.zeros(3)}, {"x": np.zeros(3)}
    with pytest.raises(ConfigError, match=r"2 trees, one, two; choose one with data.tree"):
        open_table(path, None, "data.tree")
    jets.parquet(path)
    assert "has no trees" in refusal(path, tree="t")
    hdf5(path, jets__pt=np.zeros(3))
    assert "no group or array 'jet'" in refusal(path, tree="jet")
    assert list(open_table(path, "jets").columns) == ["pt"]
    path.write_text("pt,eta\n")
    assert "of no known format" in refusal(path)
    assert "no such file" in refusal(tmp_path / "missing")


def test_links_and_data_of_other_files_are_refused(tmp_path):
    path = hdf5(tmp_path / "f", x=np.zeros(3))
    hdf5(tmp_path / "secret", y=np.zeros(3), g__y=np.zeros(3))
    with h5py.File(path, "a") as file:
        file["soft"], file["external"] = h5py.SoftLink("/x"), h5py.ExternalLink("secret", "y")
        file["group"] = h5py.ExternalLink("secret", "g")
        file["loop/again"] = file["/"]
        virtual = h5py.VirtualLayout((3,), "f8")
        virtual[:] = h5py.VirtualSource(tmp_path / "secret", "y", (3,))
        file.create_virtual_dataset("virtual", virtual)
    table = open_table(path)
    assert list(table.columns) == ["x"]
    for name in ("soft", "external", "group", "virtual"):
        assert name in refusal(path, [name])
    assert "is a link" in refusal(path, tree="group")
    with pytest.raises(ConfigError, match=r"data.weight: column 'soft' of .* a link, which is not followed"):
        table.check(parse("soft * 2", "data.weight"))


def test_pickled_objects_are_refused_and_not_run(tmp_path):
    class Bomb:
        def __reduce__(self):
            return open, (str(tmp_path / "run"), "w")

    path = tmp_path / "f"
    np.savez(path, x=np.zeros(2), bomb=np.array([Bomb(), None], object))
    path = tmp_path / "f.npz"
    assert list(open_table(path).columns) == ["x"]
    assert "Python objects" in refusal(path, ["bomb"])
    jets.pandas(path)
    with h5py.File(path, "a") as file:
        file["frame/table"].attrs["values_block_0_kind"] = np.void(pickle.dumps(Bomb()))
    assert "pickles can execute code" in refusal(path)
    assert not (tmp_path / "run").exists()


def test_a_header_that_claims_more_than_the_file_has_is_refused(tmp_path):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (2**40,)})
    with zipfile.ZipFile(tmp_path / "f.npz", "w") as archive:
        archive.writestr("x.npy", header.getvalue() + bytes(16))
    assert "needs 8,796,093,022,208" in refusal(tmp_path / "f.npz")
    (tmp_path / "f.npy").write_bytes(header.getvalue() + bytes(16))
    assert "needs 8,796,093,022,208" in refusal(tmp_path / "f.npy")
    with h5py.File(tmp_path / "f.h5", "w") as file:  # nothing is stored, everything is claimed
        file.create_dataset("x", (2, 2**30), "f4", chunks=(1, 2**10))
    assert "a row of 'x' has 4,096 MiB" in refusal(tmp_path / "f.h5")


def test_padding_is_told_by_a_mask_or_by_zeros(tmp_path):
    pt, eta = np.array([[3.0, 0, 2], [0, 0, 0]]), np.array([[0.0, 1, 0], [0, 0, 0]])
    path = hdf5(tmp_path / "f", a__pt=pt, a__eta=eta, b__pt=pt, b__MASK=np.array([[1, 0, 0], [0, 0, 1]], bool))
    (chunk,) = open_table(path).batches(["a.pt", "b.pt", "a.pt[2]"])
    assert chunk.columns["a.pt"].values.tolist() == [3, 0, 2]  # a particle at eta = 1 with pt = 0 is one
    assert chunk.columns["b.pt"].values.tolist() == [3, 0]
    assert chunk.columns["b.pt"].counts.tolist() == [1, 1]
    assert chunk.columns["a.pt[2]"].values.tolist() == [2, 0]


def test_jetnet_and_images(tmp_path):
    particles, images = np.random.default_rng(1).uniform(1, 2, (4, 30, 4)), np.zeros((4, 28, 28), np.uint8)
    particles[..., 3] = np.arange(30) < 5
    path = hdf5(tmp_path / "f", particle_features=particles, jet_features=particles[:, 0], images=images)
    table = open_table(path)
    (chunk,) = table.batches(["particle_features.pt_rel", "jet_features.mass", "images"])
    np.testing.assert_array_equal(chunk.columns["particle_features.pt_rel"].values, particles[:, :5, 2].ravel())
    np.testing.assert_array_equal(chunk.columns["jet_features.mass"].values, particles[:, 0, 2])
    assert (table.columns["images"].level, chunk.columns["images"].values.shape) == ("array", (4, 28, 28))
    with pytest.raises(ConfigError, match=r"data.weight: 'images' in 'images' is an array \(28, 28\) per example"):
        table.check(parse("images", "data.weight"))


def test_records_and_lists_of_fixed_length(tmp_path):
    records = pa.array([[{"pt": 1.0, "q": 1}, {"pt": 2.0, "q": -1}], [], [{"pt": 3.0, "q": 0}]])
    fixed = pa.FixedSizeListArray.from_arrays(pa.array(np.arange(6.0)), 2)
    table = pa.table(
        {"jet": pa.array([{"m": 1.0}, {"m": 2.0}, {"m": 3.0}]), "con": records, "xy": fixed, "s": ["a"] * 3}
    )
    pq.write_table(table, tmp_path / "f")
    opened = open_table(tmp_path / "f")
    chunks = list(opened.batches(["con.pt", "con.q", "jet.m", "xy[1]"], 2))
    assert [c.columns["con.pt"].values.tolist() for c in chunks] == [[1, 2], [3]]
    assert [c.columns["con.q"].counts.tolist() for c in chunks] == [[2, 0], [1]]
    assert [c.columns["jet.m"].values.tolist() for c in chunks] == [[1, 2], [3]]
    assert [c.columns["xy[1]"].values.tolist() for c in chunks] == [[1, 3], [5]]
    assert "values of type string" in refusal(tmp_path / "f", ["s"])
    pq.write_table(pa.table({"x": [[1.0], None]}), tmp_path / "f")
    assert "missing values" in refusal(tmp_path / "f")


@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
def test_numbers_in_a_dictionary_are_read_and_texts_are_not(tmp_path, suffix):
    codes = pa.array([22, 211, 22, -211, 22, 211]).dictionary_encode()
    table = pa.table(
        {
            "pid": codes,
            "list": pa.ListArray.from_arrays(pa.array([0, 2, 2, 3, 4, 5, 6]), codes),
            "pair": pa.FixedSizeListArray.from_arrays(pa.concat_arrays([codes, codes]), 2),
            "width": pa.array([0.5, 0.25] * 3).dictionary_encode(),
            "name": pa.array(["a", "b"] * 3).dictionary_encode(),
        }
    )
    file = tmp_path / f"a{suffix}"
    if suffix == ".parquet":
        pq.write_table(table, file)
    else:
        with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    opened = open_table(file)
    (chunk,) = opened.batches(["pid", "list", "pair[1]", "width"], 10)
    assert chunk.columns["pid"].values.tolist() == [22, 211, 22, -211, 22, 211]
    assert chunk.columns["list"].values.tolist() == [22, 211, 22, -211, 22, 211]
    assert chunk.columns["list"].counts.tolist() == [2, 0, 1, 1, 1, 1]
    assert chunk.columns["pair[1]"].values.tolist() == [211, -211, 211] * 2
    assert chunk.columns["width"].values.tolist() == [0.5, 0.25] * 3
    assert "values of type dictionary" in refusal(file, ["name"])
    with_gap = pa.table({"pid": pa.array([22, None, 22]).dictionary_encode()})
    pq.write_table(with_gap, tmp_path / "gap.parquet")
    assert "missing values, the first in row 1" in refusal(tmp_path / "gap.parquet")


def test_arrays_of_other_lengths(tmp_path):
    path = hdf5(tmp_path / "f", a=np.zeros(3), b=np.zeros(3), c=np.zeros(4))
    assert "4 rows where other arrays have 3" in refusal(path, ["c"])
    assert "arrays of different lengths, a 3, c 4" in refusal(hdf5(path, a=np.zeros(3), c=np.zeros(4)))


def test_a_file_that_changes_is_noticed(tmp_path):
    path = hdf5(tmp_path / "f", a=np.zeros(3))
    table = open_table(path)
    hdf5(path, a=np.zeros(4))
    with pytest.raises(DataError, match="changed since it was opened"):
        next(table.batches(["a"]))
