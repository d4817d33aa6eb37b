"""Every shipped model against the conformance suite; a new model is one line here."""

import pytest

from hepexp.config.paths import conf_dir
from tests.models.conformance import Case, Conformance

CASES = [
    Case("lorentznet", n_parameters=227_096),
    Case("particlenet", n_parameters=366_160),
    Case("particlenet variant=document", n_parameters=409_666),
    Case("particlenet use_scalars=true", n_parameters=367_712),
    Case("pfn", n_parameters=82_458),
    Case("pfn use_scalars=true", n_parameters=83_258),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.text)
class TestModel(Conformance):
    pass


def test_every_model_option_has_a_case():
    options = {path.stem for path in (conf_dir() / "model").glob("*.yaml")}
    assert options <= {case.text.split()[0] for case in CASES}
