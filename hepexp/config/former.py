"""Former names of classes, as they stand in the records of runs that were made before a class moved."""

from collections.abc import Mapping
from typing import Any

# former module or package: present one; the longest that fits counts
MODULES = {
    "hepexp.data.datasets.electron_photon": "hepexp.data.datasets.electron_photon.module",
    "hepexp.data.datasets.jetclass": "hepexp.data.datasets.jetclass.module",
    "hepexp.data.datasets.mnist": "hepexp.data.datasets.mnist.module",
    "hepexp.data.datasets.qg": "hepexp.data.datasets.qg.module",
    "hepexp.data.datasets.qg_images": "hepexp.data.datasets.qg_images.module",
    "hepexp.data.datasets.rotated_points": "hepexp.data.datasets.rotated_points.module",
    "hepexp.data.datasets.top": "hepexp.data.datasets.top.module",
    "hepexp.data.render.features": "hepexp.data.representations.jet_features",
    "hepexp.data.render.jet_image": "hepexp.data.representations.jet_image",
    "hepexp.data.render.particle_graph": "hepexp.data.representations.particle_graph",
    "hepexp.data.render.pixel_graph": "hepexp.data.representations.pixel_graph",
    "hepexp.data.render.pixel_image": "hepexp.data.representations.pixel_image",
}


def present(target: str) -> str:
    """The present dotted path of a class, whether it is given by that or by a former one."""
    module, _, name = target.rpartition(".")
    return f"{MODULES[module]}.{name}" if module in MODULES else target


def updated(node: Any) -> Any:
    """A copy of plain nested values in which each `_target_` has its present path."""
    if isinstance(node, Mapping):
        return {
            key: present(value) if key == "_target_" and isinstance(value, str) else updated(value)
            for key, value in node.items()
        }
    return [updated(value) for value in node] if isinstance(node, list) else node
