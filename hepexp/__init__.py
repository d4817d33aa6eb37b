"""hepexp: config-driven experiments for machine learning in high-energy physics."""

from types import ModuleType

__version__ = "0.1.0"


def __getattr__(name: str) -> ModuleType:
    """`hepexp.runs` after `import hepexp` alone, which stays as fast as it is."""
    if name != "runs":
        raise AttributeError(f"module 'hepexp' has no attribute {name!r}")
    from importlib import import_module

    return import_module("hepexp.runs")
