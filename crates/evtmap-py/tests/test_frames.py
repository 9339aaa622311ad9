"""Frames in and out: pandas, polars, Arrow."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import evtmap
import pandas
import polars
import pyarrow
import pytest


@pytest.fixture(scope="module")
def alerts(incident: Path) -> evtmap.Alerts:
    return evtmap.map(incident)


@pytest.fixture(scope="module")
def events() -> pandas.DataFrame:
    """Rows as an export has them."""
    return pandas.DataFrame(
        {
            "Event ID": [4625, 7045, 4720, 65000],
            "Date and Time": ["3/30/2026 8:00:00 AM"] * 4,
            "Computer": ["A", "B", "C", None],
            "Log Name": ["Security", "System", "Security", "Application"],
            "Source": ["", "Service Control Manager", "", ""],
        },
        index=[10, 20, 30, 40],
    )


def test_results_as_frames(alerts: evtmap.Alerts) -> None:
    table = alerts.to_arrow()
    assert table.num_rows == len(alerts)
    severities = [alert.severity for alert in alerts]
    assert table["severity"].to_pylist() == severities
    frame = alerts.to_pandas()
    assert list(frame["severity"]) == severities
    assert str(frame["timestamp"].dt.tz) == "UTC"
    assert [list(ids) for ids in frame["technique_ids"]] == [alert.technique_ids for alert in alerts]
    assert frame.groupby("technique_ids").size().sum() == len(alerts)
    assert set(frame.explode("technique_ids")["technique_ids"].dropna()) == {
        id for alert in alerts for id in alert.technique_ids
    }
    assert alerts.to_polars()["severity"].to_list() == severities
    assert len(evtmap.map([]).to_pandas()) == 0
    assert list(evtmap.map([]).to_pandas().columns) == list(frame.columns)


def test_results_are_not_copied(alerts: evtmap.Alerts) -> None:
    first, second = (pyarrow.table(alerts)["severity"].chunk(0) for _ in range(2))
    assert first.buffers()[2].address == second.buffers()[2].address


def test_results_outlive_the_alerts() -> None:
    table = evtmap.map({"Channel": "Security", "EventID": 4625}).to_arrow()
    assert table["event_id"].to_pylist() == [4625]


def as_pandas(frame: pandas.DataFrame) -> Any:
    return frame


def as_polars(frame: pandas.DataFrame) -> Any:
    return polars.from_pandas(frame)


def as_table(frame: pandas.DataFrame) -> Any:
    return pyarrow.Table.from_pandas(frame, preserve_index=False)


def as_batch(frame: pandas.DataFrame) -> Any:
    return pyarrow.RecordBatch.from_pandas(frame, preserve_index=False)


class Stream:
    """Anything else with the interface."""

    def __init__(self, table: pyarrow.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


def as_stream(frame: pandas.DataFrame) -> Any:
    return Stream(as_table(frame))


KINDS = [as_pandas, as_polars, as_table, as_batch, as_stream]


@pytest.mark.parametrize("made", KINDS)
def test_frames_are_mapped(events: pandas.DataFrame, made: Any) -> None:
    alerts = evtmap.map(made(events))
    assert alerts.n_events == 4
    assert [(alert.position, alert.event_id) for alert in alerts][:3] == [(0, 4625), (1, 7045), (2, 4720)]
    assert alerts[0].time is not None and alerts[0].time.isoformat() == "2026-03-30T08:00:00+00:00"


@pytest.mark.parametrize("made", KINDS)
def test_frames_are_enriched(events: pandas.DataFrame, made: Any) -> None:
    frame = made(events)
    enriched = evtmap.enrich(frame)
    if made is as_pandas:
        assert list(enriched.index) == [10, 20, 30, 40]
    if made is not as_stream:
        assert type(enriched) is type(frame)
    table = enriched if made is as_stream else pyarrow.table(enriched)
    columns = table.to_pydict()
    assert list(columns["Event ID"]) == [4625, 7045, 4720, 65000]
    assert columns["kind"][:3] == ["association", "association", "detection"]
    assert columns["technique_id"][0] == "T1110.001"
    assert columns["technique_ids"][1][0] == "T1543.003"
    assert columns["n_detections"] == [0, 0, 1, 0]
    assert columns["severity"][3] is None


def test_enriching_says_what_mapping_says(incident_csv: Path) -> None:
    rows = []
    for log in sorted(incident_csv.glob("*/Security.csv")):
        rows.append(pandas.read_csv(log, header=0, names=[*_header(log), "Message"], dtype=str))
    frame = pandas.concat(rows)
    enriched = evtmap.enrich(frame)
    mapped = evtmap.map(frame)
    assert len(enriched) == len(frame) == mapped.n_events
    by_event = [alert for alert in mapped if alert.kind == "detection" and not alert.to_dict().get("correlation")]
    assert enriched["n_detections"].sum() == len(by_event) > 0


def _header(log: Path) -> "list[str]":
    return log.read_text(encoding="utf-8-sig").splitlines()[0].split(",")


def test_columns_by_other_names(events: pandas.DataFrame) -> None:
    frame = events.rename(columns={"Event ID": "code", "Log Name": "where"})
    with pytest.raises(evtmap.InputError, match="no column is known to be an event id") as raised:
        evtmap.enrich(frame)
    assert raised.value.help is not None and "EventID" in raised.value.help
    named = evtmap.enrich(frame, columns={"code": "EventID", "where": "Channel"})
    assert list(named["kind"][:1]) == ["association"]
    assert evtmap.map(frame, columns={"code": "EventID", "where": "Channel"}).n_events == 4


def test_columns_that_are_there_already(events: pandas.DataFrame) -> None:
    frame = events.assign(severity="x")
    with pytest.raises(evtmap.OptionError, match="`severity` already"):
        evtmap.enrich(frame)
    enriched = evtmap.enrich(frame, prefix="attack_")
    assert list(enriched["severity"]) == ["x"] * 4
    assert enriched["attack_severity"].iloc[0] == "low"


@pytest.mark.filterwarnings("ignore::evtmap.RecordWarning")
def test_frames_with_odd_values() -> None:
    frame = pandas.DataFrame({"EventID": [4625, "4625", None, "x", "a\ud800"], "Channel": ["Security"] * 5})
    enriched = evtmap.enrich(frame)
    assert [kind if isinstance(kind, str) else None for kind in enriched["kind"]] == [
        "association",
        "association",
        None,
        None,
        None,
    ]
    missing = pandas.DataFrame({"EventID": [4625, None], "Channel": ["Security", "Security"]})
    with pytest.warns(evtmap.RecordWarning, match="1 row is no event; the first at row 1"):
        assert evtmap.enrich(missing)["kind"].iloc[0] == "association"
    empty = pandas.DataFrame({"EventID": pandas.Series([], dtype="int64")})
    assert len(evtmap.enrich(empty)) == 0


def test_nested_columns() -> None:
    table = pyarrow.table(
        {
            "EventID": [1],
            "Channel": ["Microsoft-Windows-Sysmon/Operational"],
            "EventData": [{"Image": "C:\\Windows\\System32\\whoami.exe", "CommandLine": "whoami /all"}],
        }
    )
    [alert, *_] = evtmap.map(table, all_events=True)
    assert alert.fields["CommandLine"] == "whoami /all"


def test_a_batch_in_and_a_batch_out_in_a_worker(events: pandas.DataFrame) -> None:
    scanner = pickle.loads(pickle.dumps(evtmap.Scanner(min_severity="low")))
    batch = as_batch(events)
    [enriched] = [evtmap.enrich(batch, scanner=scanner) for batch in [batch]]
    assert isinstance(enriched, pyarrow.RecordBatch)
    assert enriched.num_rows == 4
    with pytest.raises(evtmap.OptionError, match="`scanner` says already"):
        evtmap.enrich(batch, scanner=scanner, min_severity="high")
