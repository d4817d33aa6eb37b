"""Classes whose annotated attributes are the keys of their configuration."""

from dataclasses import dataclass, field, fields, is_dataclass
from inspect import get_annotations
from typing import Annotated, Any, TypeVar, dataclass_transform

T = TypeVar("T")
FromRun = Annotated[T, "supplied by the run, not by a configuration"]


@dataclass_transform(kw_only_default=True, eq_default=False, field_specifiers=(field,))
class AnnotatedKeys:
    """Each subclass is a dataclass: its keys are its own annotated attributes and those of its bases.

    A subclass names only what is new or different:

        crop: int | None = None                         a key of its own
        n_generate: int = 10000                         another default, or a narrower type, of a base's key
        n_files: None = field(default=None, init=False) a base's key that it does not have, with what takes its place
        seed: FromRun[int]                              not a key: the run supplies it

    The constructor takes all of them by keyword, then calls `__post_init__`. A class that writes an `__init__` of its
    own has the keys of that one.
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        inherited = {key.name for base in cls.__mro__[1:] if is_dataclass(base) for key in fields(base) if key.init}
        plain = sorted(inherited & vars(cls).keys() - get_annotations(cls).keys())
        if plain and "__init__" not in vars(cls):
            raise TypeError(f"{cls.__qualname__}.{plain[0]} is a key of a base class: write its type too")
        dataclass(cls, kw_only=True, eq=False, repr=False)  # equal means identical, as for every module
