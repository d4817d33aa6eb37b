"""docs/faq.md: each command that it shows prints the message that it shows, all in one process."""

import os
import re
import shlex
import sys

from hepexp.cli.main import main
from tests import pages

SHOWN = re.compile(r"^\$ hepexp (.*)\n(hepexp: error: .*)$", re.MULTILINE)


def test_messages_are_as_the_page_shows_them(tmp_path, tmp_path_factory, monkeypatch, capsys):
    for key in [key for key in os.environ if key.startswith("HEPEXP_")]:
        monkeypatch.delenv(key)
    monkeypatch.setenv("HEPEXP_DATA_DIR", str(tmp_path_factory.mktemp("data")))
    monkeypatch.setattr(sys, "argv", ["hepexp"])
    monkeypatch.chdir(tmp_path)
    shown = SHOWN.findall(pages.text_of("faq"))
    assert len(shown) == pages.text_of("faq").count("$ hepexp ") > 10
    for command, message in shown:
        capsys.readouterr()
        assert main(shlex.split(command)) in (1, 2)
        said = capsys.readouterr().err.strip()
        assert re.fullmatch(re.escape(message).replace(re.escape("..."), ".*"), said), f"{command}: {said}"
    assert not list(tmp_path.iterdir())
