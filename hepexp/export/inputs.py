"""What prepares the inputs of a network inside the exported file, for what its model reads of a data set."""

from __future__ import annotations

from hepexp.data.datasets.files.features import FileFeatures
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.representations.jet_image import JetImage
from hepexp.data.representations.pixel_image import PixelImage
from hepexp.data.representations.points import Points
from hepexp.data.representations.representation import Particles
from hepexp.data.representations.variables import Variables
from hepexp.errors import ConfigError
from hepexp.export.extras import Extra
from hepexp.export.features import FeatureInputs
from hepexp.export.images import JetImageInputs, PixelInputs
from hepexp.export.particles import ParticleInputs
from hepexp.export.tensors import Inputs


def inputs_of(data: HepDataModule) -> Inputs:
    """The preparation of the inputs.

    Parameters
    ----------
    data : after `setup`, in the representation that the model reads.

    Raises
    ------
    ConfigError : a network cannot do what the data set does.
    """
    form, extra = data.representation, Extra(data.additional)
    match form:
        case Particles():
            return ParticleInputs(form, extra, data.spec.n_scalars)
        case PixelImage():
            return PixelInputs(form, extra)
        case JetImage():
            return JetImageInputs(form, extra)
        case Variables() | FileFeatures() | Points():
            return FeatureInputs(form, extra)
    raise ConfigError(
        f"a model that reads a {form.name} cannot be exported: the data set finds its edges, outside the network"
    )
