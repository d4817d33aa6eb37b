"""The loader that MLmodel files of models name which were registered before it moved to `pyfunc`."""

from hepexp.learning.pyfunc import _load_pyfunc

__all__ = ["_load_pyfunc"]
