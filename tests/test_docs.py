"""docs/: the site builds without a warning and needs no network, and hepexp takes every command that a page prints."""

import os
import re
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from hepexp.cli import data_options, sweep, train
from hepexp.cli import main as front
from hepexp.cli.parser import Parser
from hepexp.config import catalog, option
from hepexp.config.command_line import read
from hepexp.config.metrics import declarations, full_key
from hepexp.config.overrides import compose
from tests import pages

README = pages.DOCS.parent / "README.md"
PAGES = sorted(path.relative_to(pages.DOCS).with_suffix("").as_posix() for path in pages.DOCS.rglob("*.md"))
OWN = ("howto/own_data", "howto/own_package", "howto/own_model", "howto/own_loss")  # run as printed by other tests
LEFT_OUT = ("generated/", "changelog", "results", *OWN)
LOADED = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src"}


class Loaded(HTMLParser):
    """What a browser loads for a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in LOADED and (target := dict(attrs).get(LOADED[tag])):
            self.found.append(target)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-d", str(folder / "doctrees")]
    done = subprocess.run(
        [*command, str(pages.DOCS), str(folder / "html")],
        env={**os.environ, "PYTHONPATH": str(pages.DOCS.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder / "html"


def test_every_page_is_in_the_site_and_loads_nothing_from_elsewhere(site: Path):
    assert all((site / f"{name}.html").is_file() for name in PAGES if not name.startswith("generated/fragments/"))
    for path in site.rglob("*.html"):
        for target in Loaded(path.read_text(encoding="utf-8")).found:
            assert "//" not in target, f"{path}: {target}"
            assert (path.parent / re.split(r"[?#]", target)[0]).exists(), f"{path}: {target}"
    for path in site.rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*['\"]?(https?:)?//", path.read_text(encoding="utf-8")), path


def test_the_search_works_from_a_file(site: Path):
    """Its index is a script, which a page may load from a disk, as it may not data."""
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    assert index.startswith("Search.setIndex(")
    assert "lorentznet" in index.lower()


def test_the_reference_has_every_verb_option_key_and_metric(site: Path):
    def text(name: str) -> str:
        return unescape(re.sub(r"<[^>]+>", "", (site / "generated" / f"{name}.html").read_text(encoding="utf-8")))

    verbs = text("verbs")
    assert all(f"hepexp {name}" in verbs for name in front.VERBS)
    searched = catalog.folders()
    for group in catalog.groups(searched):
        for name in catalog.options(group, searched):
            found, its = text(f"{group}/{name}"), option.read(group, name, searched)
            missing = [
                row[0] for row in (its.key_rows() if its.target else its.value_rows()) if row[0].strip() not in found
            ]
            assert not missing, f"{group}={name}"
            assert all(one.document in found for one in its.expected().published)
    metrics = text("metrics")
    assert all(full_key(d.metric.name) in metrics for d in declarations())


class Parsed(Exception):
    """Arguments have been read without an error: these."""


@pytest.fixture
def stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A verb ends where its arguments have been read."""

    def parsed(name: str):
        original = getattr(Parser, name)

        def parse(self: Parser, *args, **keywords):
            raise Parsed(original(self, *args, **keywords))

        return parse

    for name in ("parse_args", "parse_intermixed_args"):
        monkeypatch.setattr(Parser, name, parsed(name))
    monkeypatch.setenv("HEPEXP_DEBUG", "1")


def printed(text: str) -> list[list[str]]:
    """The commands of a page: lines of its blocks, and what it says in a sentence; not those with gaps."""
    blocks = pages.commands("\n".join(found[2] for found in pages.FENCED.finditer(text)))
    rest = pages.FENCED.sub("", text)
    lines = [line.strip() for line in rest.splitlines() if line.startswith("    hepexp ")]  # of the README
    spans = [span.replace("\n", " ") for span in re.findall(r"`(hepexp [^`]*)`", rest)]
    return [words for words in (*blocks, *pages.commands("\n".join((*lines, *spans)))) if not is_form(words)]


def is_form(words: list[str]) -> bool:
    """Whether it is the form or the name of a command: with dots or names for what is to be given, or without it."""
    forms = ("...", "|", "=NAME", "VERB")
    if len(words) < 2 + (words[0] == "data") or "NAME" in words[2:3]:
        return True
    return any(form in word for word in words for form in forms)


def check(words: list[str]) -> None:
    verb, *rest = words
    if verb in ("train", "sweep"):
        if {"--resume", "--rerun-failed"} & {*rest}:
            return
        if verb == "sweep":
            own, rest = sweep._split(rest)
            assert sweep._options(own).space
        compose(read(train._seeds(rest)))
        return
    try:
        front.main([*words, "--dry-run"] if verb == "study" and rest else words)
    except Parsed as parsed:
        (given,) = parsed.args
        if verb == "data" and "config" in given:
            data_options.described(given)
        return
    assert verb == "study", f"hepexp {' '.join(words)} was not read by a parser"


@pytest.mark.usefixtures("stop")
def test_hepexp_takes_every_command_that_a_page_prints():
    texts = {name: pages.text_of(name) for name in PAGES if not name.startswith(LEFT_OUT)}
    texts["README"] = README.read_text(encoding="utf-8")
    found = {tuple(words): name for name, text in texts.items() for words in printed(text)}
    assert len(found) > 100
    faults = []
    for words, name in found.items():
        try:
            check([*words])
        except Exception as error:
            faults.append(f"{name}: hepexp {' '.join(words)}: {error}")
    assert not faults, "\n".join(faults)
