"""Halos through the commands: another mock keeps the scales of the training; what cannot be scored has no score."""

import numpy as np
import pyarrow.parquet as pq
from omegaconf import OmegaConf

from hepexp.data.datasets.halos.galaxies import Observation
from hepexp.data.datasets.halos.info import INFO
from hepexp.data.loading.split_store import open_sample
from hepexp.data.store import arrow_file
from hepexp.learning.trained import rebuild
from tests.commands.here import run_named, working_in

SMALL = (
    *("task=halo_mass", "trainer=quick", "trainer.max_epochs=1", "model.n_hidden=8", "model.n_latent=4"),
    *("data.n_train=64", "data.n_val=8", "data.n_test=8", "data.batch_size=32", "name=halos"),
)


def test_a_network_is_evaluated_on_another_mock_and_scores_halos_of_any_mass(run, tmp_path):
    with working_in(tmp_path):
        assert run("train", *SMALL).startswith("0 ")
        folder = run_named(tmp_path, "halos")
        narrow, wide = (folder.config.copy() for _ in range(2))
        OmegaConf.update(wide, "dataset.scatter", 0.3, force_add=True)
        before, after = (rebuild(folder, config, "best") for config in (narrow, wide))
        for name in ("mean", "std"):
            np.testing.assert_array_equal(
                getattr(after.data.additional, name), getattr(before.data.additional, name), err_msg=name
            )
            assert getattr(after.module.objective, name) == getattr(before.module.objective, name)
        assert after.data.observation.scatter == 0.3

        halos = open_sample(INFO).take(np.arange(20))
        halos = halos.take(np.flatnonzero(Observation().visible(halos, 2))[[0, 0, 1]])
        halos["log_stars_mean"][halos.offsets[0]] = 5  # the central galaxy of the first is not seen
        halos["log_stars_mean"][halos.offsets[1] + 1 : halos.offsets[2]] = 5  # nor the satellites of the second
        arrow_file.write(tmp_path / "few.arrow", INFO.layout, [halos], {})
        said = run("predict", str(folder.path), "--input", "few.arrow", "--out", "few.parquet")
        assert said.startswith("0 "), said
        predicted = pq.read_table(tmp_path / "few.parquet")["predicted_log_mass"].to_numpy()
        assert np.isnan(predicted).tolist() == [True, True, False]
        arrow_file.write(tmp_path / "none.arrow", INFO.layout, [halos.take([0, 1])], {})
        said = run("predict", str(folder.path), "--input", "none.arrow", "--out", "none.parquet")
        assert said.startswith(("1 ", "2 "))
        assert "none.arrow: no halo has a central galaxy and dataset.least_galaxies=2 in all above 10^9 Msun/h" in said
        assert "Traceback" not in said
