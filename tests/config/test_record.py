import pytest
from omegaconf import OmegaConf

from hepexp.config.record import with_changes
from hepexp.errors import ConfigError


def test_a_second_run_is_not_read_as_a_change():
    with pytest.raises(ConfigError, match=r"'runs/a/b' is not KEY=VALUE; this command takes one RUN"):
        with_changes(OmegaConf.create({"trainer": {"devices": 1}}), ["trainer.devices=1", "runs/a/b"])
