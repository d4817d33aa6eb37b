"""One version, wherever it is written."""

import tomllib
from pathlib import Path

import yaml

import hepexp

ROOT = Path(__file__).parents[1]


def test_package_project_and_citation_have_the_same_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert hepexp.__version__ == project["version"] == citation["version"]
    assert citation["license"] == project["license"]
