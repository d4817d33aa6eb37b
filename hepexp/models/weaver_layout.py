"""The names that weaver gives the tensors of ParticleNet and Particle Transformer, in files of published weights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

WRAPPER = "mod."  # of the authors' network files around weaver's modules


@dataclass(frozen=True)
class WeaverLayout:
    """How weaver's names become ours.

    Parameters
    ----------
    renamed : patterns and their replacements, in order.
    inputs : the tensor, by our name, with one number for each input feature.
    option : what a model must be given to read features in weaver's order, empty if it always does.
    """

    renamed: tuple[tuple[str, str], ...]
    inputs: str
    option: str = ""

    def name(self, theirs: str) -> str:
        name = theirs.removeprefix(WRAPPER)
        for pattern, replacement in self.renamed:
            name = re.sub(pattern, replacement, name)
        return name

    def is_of(self, found: Mapping[str, Tensor]) -> bool:
        """Whether a file has names that only weaver uses."""
        return any(self.name(key) != key for key in found)

    def translated(self, found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The tensors of a file by our names, and kernels of 1 x 1 convolutions as the matrices that they are."""
        named = {self.name(key): tensor for key, tensor in found.items()}
        return {key: _matrix(tensor, wanted[key]) if key in wanted else tensor for key, tensor in named.items()}

    def about_inputs(self, found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> str:
        """Which feature set the weights are for, if it is not the model's; empty if it is, or is not known."""
        theirs, ours = (tensors[self.inputs].numel() if self.inputs in tensors else 0 for tensors in (found, wanted))
        if theirs == ours or theirs not in FEATURE_SETS:
            return ""
        name = FEATURE_SETS[theirs]
        options = "model.use_scalars=false" if name == "kin" else f"dataset.scalars={name} model.use_scalars=true"
        return f"; weights of {theirs} features are for the set {name}: {options}"


def _matrix(tensor: Tensor, wanted: Tensor) -> Tensor:
    n = wanted.ndim
    return tensor.flatten(n - 1) if tensor.ndim > n > 0 and set(tensor.shape[n:]) == {1} else tensor


PARTICLE_TRANSFORMER = WeaverLayout(
    ((r"\.in_proj_(weight|bias)$", r".in_proj.\1"),),  # in former versions attention was torch's own
    inputs="embed.input_bn.weight",
)
PARTICLE_NET = WeaverLayout(
    (
        (r"^bn_fts\.", "input_norm."),
        (r"^edge_convs\.(\d+)\.convs\.", r"blocks.\1.linears."),
        (r"^edge_convs\.(\d+)\.bns\.", r"blocks.\1.norms."),
        (r"^edge_convs\.(\d+)\.sc_bn\.", r"blocks.\1.shortcut_norm."),
        (r"^edge_convs\.(\d+)\.sc\.", r"blocks.\1.shortcut."),
        (r"^fc\.0\.0\.", "classifier.0."),
        (r"^fc\.1\.", "classifier.3."),
    ),
    inputs="input_norm.weight",
    option="model.variant=weaver",
)
# number of input features: the set of JetClass's configurations that has so many
FEATURE_SETS = {7: "kin", 13: "kinpid", 17: "full"}
