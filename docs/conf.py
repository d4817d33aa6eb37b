"""The documentation site: Markdown pages, and the reference that `generate.py` writes from the code."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import as_markdown  # noqa: E402
import generate  # noqa: E402

import hepexp  # noqa: E402

generate.write(HERE / "generated")

project = "hepexp"
version = release = hepexp.__version__
extensions = ["myst_parser"]
exclude_patterns = ["generated/fragments"]
myst_enable_extensions = ["attrs_inline", "deflist"]
myst_heading_anchors = 3
nitpicky = True
smartquotes = False  # of --n 100 it would make a dash

html_theme = "furo"  # its files are in the site: no web fonts, nothing from a content delivery network
html_title = "hepexp"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False


def link_papers(app: object, name: str, source: list[str]) -> None:
    """arXiv numbers in the text of pages are links; those of generated pages are already."""
    if not name.startswith("generated/"):
        source[0] = as_markdown.with_links(source[0])


def setup(app: object) -> None:
    app.connect("source-read", link_papers)
