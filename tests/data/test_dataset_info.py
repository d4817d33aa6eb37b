"""Which of several releases of a data set is read, listed and converted."""

from dataclasses import replace
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


def test_auto_without_a_sample_is_the_published_files_or_a_simulation(data_folder: Path):
    assert INFO.choose_source("auto") == "mini"
    assert replace(INFO, mini=None).choose_source("auto") == "full"
    assert replace(INFO, mini=None, releases=()).choose_source("auto") == "generate"
