"""Which of several releases of a data set is read, listed and converted."""

from pathlib import Path

from hepexp.data.datasets.qg_images.info import INFO


def test_the_release_here_is_that_which_is_read(data_folder: Path):
    hdf5, parquet = INFO.releases
    INFO.folder.mkdir(parents=True)
    for part in parquet[:2]:
        (INFO.folder / part.files[0].name).touch()
    assert INFO.release_here() == parquet
    assert not all(map(INFO.is_available, INFO.parts()))
    (INFO.folder / hdf5[0].files[0].name).touch()
    assert INFO.release_here() == INFO.parts() == hdf5
    (INFO.folder / parquet[2].files[0].name).touch()  # both are complete
    assert INFO.release_here() == INFO.parts() == hdf5
    assert INFO.parts(n_files=1) == hdf5
