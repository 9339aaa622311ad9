"""Notebooks, executed: ours, and the seed's where it lies beside the checkout."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pandas
import pytest
from conftest import REPOSITORY
from nbclient import NotebookClient

NOTEBOOKS = sorted((REPOSITORY / "examples" / "notebooks").glob("*.ipynb"))
SEED = REPOSITORY.parent / "shared" / "seed"

# The kernel's own remarks are no business of these tests.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::RuntimeWarning")


def execute(path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs every cell in a folder, without network and without anybody's cache."""
    monkeypatch.setenv("HOME", str(folder))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    notebook: Any = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]
    client = NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    return client.execute()


def printed(notebook: Any) -> str:
    """All that cells print, and all that they show as text."""
    texts = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            assert output.output_type != "error", output
            texts.append(output.get("text") or output.get("data", {}).get("text/plain", ""))
    return "\n".join(texts)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_our_notebooks_run(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = json.loads(path.read_text(encoding="utf-8"))
    assert all(not cell.get("outputs") for cell in source["cells"]), "outputs are not kept"
    executed = execute(path, path.parent, monkeypatch)
    assert "LSASS Memory" in printed(executed)
    shown = [output for cell in executed.cells for output in cell.get("outputs", []) if "data" in output]
    assert sum("image/png" in output.data for output in shown) >= 3
    assert any("<table" in output.data.get("text/html", "") for output in shown)


@pytest.mark.skipif(not SEED.is_dir(), reason="the seed's notebook does not lie beside the checkout")
def test_the_seeds_notebook_runs_unchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import mitre_mapper_windows as seed

    for name in ("mitre_mapper_demo.ipynb", "TEST_SECURITY_EVENTS.csv"):
        shutil.copy(SEED / name, tmp_path)
    text = printed(execute(tmp_path / "mitre_mapper_demo.ipynb", tmp_path, monkeypatch))
    assert "Parsed 14 events from CSV" in text
    assert "Enriched 14 events" in text
    assert "Events mapped to MITRE ATT&CK: 14 out of 14" in text
    engine = seed.DynamicRuleEngine(cache_dir=tmp_path / "none")
    events = [seed.apply_rules(event, engine) for event in seed.parse_windows_csv(tmp_path / "TEST_SECURITY_EVENTS.csv")]
    frame = pandas.DataFrame(events)
    distribution = frame["severity"].value_counts().to_dict()
    assert distribution == {"informational": 6, "low": 8}
    for severity, count in distribution.items():
        assert f"    {str(severity).capitalize()}: {count}" in text
    assert "    Total detections: 14" in text
    with (tmp_path / "mitre_enriched_report.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = list(seed.REPORT_COLUMNS)
    assert rows == frame[columns].to_dict("records")
