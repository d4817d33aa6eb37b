"""A small tree of configurations and a plugin package of its own, so that these tests need no model of hepexp."""

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from hepexp.config import paths, plugins, schema, source

FILES = {
    "toy/__init__.py": "from .nets import Net as Exported\n",
    "toy/nets.py": '''
        from typing import Literal
        import json

        from pytorch_lightning import LightningDataModule
        from torch import nn

        Metric = Literal["minkowski", "euclidean"] | list[list[float]]

        class Net(nn.Module):
            """A toy network.

            Parameters
            ----------
            n_hidden : width of the
                hidden layers.
            dropout, rate : probability, and rate.
            """
            input = "features"

            def __init__(self, n_hidden: int, dropout: float = 0.1, rate: float = 1.0, metric: Metric = "minkowski",
                         weights: str | None = None, pid: bool = True, sizes: tuple[int, ...] = (1, 2),
                         inner: "dict[str, Net | list[Net] | int] | Net | None" = None, *, n_classes: int = 2):
                super().__init__()
                for name, value in locals().copy().items():
                    if name != "self":
                        object.__setattr__(self, name, value)

        class Jets(LightningDataModule):
            """Jets."""
            def __init__(self, n_hidden: int = 4):
                super().__init__()

        class Fails(Net):
            """Refuses everything."""
            def __init__(self, size: int = 1):
                from hepexp.errors import ConfigError
                raise ConfigError(f"model.size must be > 0, got {size}")

        class Other(Net):
            """Keys of its own alone."""
            def __init__(self, size: int = 1):
                super().__init__(size)

        class Plain(Net):
            """No constructor."""

        class Layer(nn.Module):
            """No model: it does not say what it reads."""

        def build(n_hidden: int = 1) -> Net:
            """A function."""
        ''',
    "toy/sets.py": '''
        from __future__ import annotations

        from collections.abc import Sequence
        from dataclasses import KW_ONLY, InitVar, dataclass, field
        from typing import ClassVar, Literal

        from pytorch_lightning import LightningDataModule

        from hepexp.config.annotated_keys import AnnotatedKeys, FromRun
        from toy import nets
        from toy.nets import Net

        class Set(AnnotatedKeys, LightningDataModule):
            """Any data set.

            Parameters
            ----------
            source : where the examples come from.
            n : number of examples.
            bucket : batches sorted together.
            net : a network.
            seed : of the batches.
            """
            source: Literal["auto", "full", "mini"] = "auto"
            n: int | None = None
            bucket: int = 1
            net: Net | None = None
            seed: FromRun[int]
            noun: ClassVar[str] = "example"

            def __post_init__(self) -> None:
                super().__init__()

        class Images(Set):
            """Images.

            Parameters
            ----------
            crop : central pixels.
            channels : of the image.
            files : names.
            """
            crop: int | None = None
            channels: Sequence[str] = field(default_factory=tuple)
            files: list[str]
            n: int | None = 100
            source: Literal["auto", "mini"] = "auto"
            bucket: ClassVar[int] = 8

        class Lines(Images):
            """Lines."""

        @dataclass
        class Plain(LightningDataModule):
            """A dataclass as Python has them."""
            a: int
            b: InitVar[int] = 2
            _: KW_ONLY
            c: int = field(default=3)
            d: int = field(init=False, default=4)
        ''',
    "toy/broken.py": "def (:\n",
    "conf/train.yaml": """
        # The root.
        defaults:
          - model: net
          - dataset: qg
          - optional task: null
          - _self_
        seed: 1
        name: null
        label: ${hydra:runtime.choices.model}_${dataset.n_hidden}
        tags: {}
        expected: {}
        tracking: {timeout: 60}
        """,
    "conf/model/net.yaml": """
        # A toy network.
        # hepexp train model=net
        _target_: toy.nets.Net
        n_hidden: 72            # as published
        dropout: 1e-1
                                # in the decoder only
        """,
    "conf/model/other.yaml": "# Another.\n_target_: toy.nets.Other\n",
    "conf/dataset/qg.yaml": "# Jets.\n_target_: toy.nets.Jets\nn_hidden: 4\n",
    "conf/task/study.yaml": """
        # @package _global_
        # A study.
        defaults:
          - override /model: net
        model: {n_hidden: 8}
        expected: {exact: {test/auc: 0.9}}
        """,
    "conf/task/wrong.yaml": "# @package _global_\n# A study with a mistake.\nsead: 3\n",
}


@pytest.fixture
def tree(tmp_path, monkeypatch) -> Iterator[Path]:
    """The folder with `conf` and the package `toy`, which hepexp takes for its own conf and for a plugin."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(paths, "conf_dir", lambda: tmp_path / "conf")
    monkeypatch.setattr(plugins, "packages", lambda: ("toy",))
    _forget()
    yield tmp_path
    _forget()


def _forget() -> None:
    """Every test has its own `toy`: drop what was read or imported of another's."""
    schema.signature.cache_clear()
    source._statements.cache_clear()
    for name in [name for name in sys.modules if name.split(".")[0] == "toy"]:
        del sys.modules[name]
