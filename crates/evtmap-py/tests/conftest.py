"""What the tests are given: the example incident of the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def incident() -> Path:
    """The intrusion in the logs of three hosts, as EVTX."""
    return REPOSITORY / "examples" / "incident"


@pytest.fixture(scope="session")
def incident_csv() -> Path:
    """The same, as the Event Viewer saves it."""
    return REPOSITORY / "examples" / "incident-csv"


@pytest.fixture(scope="session")
def incident_json() -> Path:
    """The same, as JSON lines."""
    return REPOSITORY / "examples" / "incident-json"
