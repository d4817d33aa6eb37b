"""docs/notebook.ipynb runs from its first cell to its last, and is committed without outputs."""

import nbformat
from nbclient import NotebookClient

from tests import pages
from tests.commands.shell import SMALL, hepexp

NOTEBOOK = pages.DOCS / "notebook.ipynb"
FEW = ("dataset.n_train=200", "dataset.n_val=100", "dataset.n_test=150", "trainer.max_epochs=1")


def test_the_notebook_runs(tmp_path, monkeypatch):
    (command,) = pages.commands(pages.FENCED.search(nbformat.read(NOTEBOOK, 4).cells[0].source)[2])
    assert hepexp(tmp_path, *command, *SMALL[3:], *FEW).returncode == 0
    for name, value in {"MPLBACKEND": "agg", "HEPEXP_DATA_DIR": str(tmp_path / "data"), "OMP_NUM_THREADS": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", str(pages.DOCS.parent))
    done = NotebookClient(nbformat.read(NOTEBOOK, 4), timeout=300, resources={"metadata": {"path": tmp_path}}).execute()
    last = done.cells[-1].outputs[-1]["data"]["text/plain"]
    assert "score_gluon" in last
    assert "score_quark" in last


def test_it_is_committed_without_outputs():
    cells = [cell for cell in nbformat.read(NOTEBOOK, 4).cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in cells)
