"""`evtmap.map` on files, and what comes out."""

from __future__ import annotations

import csv
import datetime
import io
import json
import re
from pathlib import Path

import evtmap
import pytest


@pytest.fixture(scope="module")
def alerts(incident: Path) -> evtmap.Alerts:
    return evtmap.map(incident)


def test_the_incident(alerts: evtmap.Alerts) -> None:
    assert alerts.n_events == 2722
    assert alerts.n_detections == sum(alert.kind == "detection" for alert in alerts) > 50
    assert repr(alerts).startswith("<evtmap.Alerts: ")
    assert {"T1003.001", "T1105"} <= {id for alert in alerts for id in alert.technique_ids}
    assert alerts.summary["events"] == 2722
    assert [Path(entry["path"]).name for entry in alerts.not_looked_at["files"]] == ["README.md"]


def test_it_is_a_sequence(alerts: evtmap.Alerts) -> None:
    assert len(list(alerts)) == len(alerts)
    assert alerts[-1] == alerts[len(alerts) - 1]
    assert alerts[3:5] == [alerts[3], alerts[4]]
    assert alerts[::-1][0] == alerts[-1]
    with pytest.raises(IndexError):
        alerts[len(alerts)]


def test_an_alert(alerts: evtmap.Alerts) -> None:
    alert = alerts.top(1)[0]
    assert (alert.kind, alert.severity) == ("detection", "critical")
    assert alert.time is not None and alert.time.tzinfo is datetime.timezone.utc
    assert alert.rule_author and alert.rule_id
    told = alert.to_dict()
    assert told["rule"]["title"] == alert.title
    assert told["event"]["fields"] == alert.fields
    assert [technique["id"] for technique in told["techniques"]] == alert.technique_ids


def test_all_forms_of_the_incident_agree(alerts: evtmap.Alerts, incident_json: Path) -> None:
    found = evtmap.map(incident_json)
    assert found.n_detections == alerts.n_detections


@pytest.mark.parametrize("threads", [1, 3])
def test_threads_change_nothing(alerts: evtmap.Alerts, incident: Path, threads: int) -> None:
    assert evtmap.map(incident, threads=threads).to_jsonl() == alerts.to_jsonl()


def test_options(incident: Path) -> None:
    security = incident / "DC01" / "Security.evtx"
    high = evtmap.map(security, min_severity="high")
    assert {alert.severity for alert in high} <= {"high", "critical"}
    assert evtmap.map([security], max_events=10).n_events == 10
    assert not any(alert.kind == "association" for alert in evtmap.map(security, associations=False))
    assert len(evtmap.map(security, all_events=True, associations=False)) >= evtmap.map(security).n_events
    noon = datetime.datetime(2026, 3, 11, 12, tzinfo=datetime.timezone.utc)
    later = evtmap.map(security, since=noon)
    assert all(alert.time is not None and alert.time >= noon for alert in later)
    assert evtmap.map(security, since="2026-03-11T12:00:00Z").to_jsonl() == later.to_jsonl()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_severity": "bad"}, "`bad` is no severity"),
        ({"since": "yesterday"}, "`since=yesterday` is not a time"),
        ({"timezone": "Nowhere"}, "`Nowhere` is not a time zone"),
        ({"threads": 0}, "`threads` is to be at least 1"),
    ],
)
def test_options_that_are_none(options: "dict[str, object]", message: str) -> None:
    with pytest.raises(evtmap.OptionError, match=re.escape(message)) as raised:
        evtmap.Scanner(**options)  # type: ignore[arg-type]
    assert isinstance(raised.value, ValueError)


def test_an_option_that_does_not_exist() -> None:
    with pytest.raises(TypeError, match="there is no option `thread`"):
        evtmap.Scanner(thread=1)  # type: ignore[call-arg]


def test_reports(alerts: evtmap.Alerts, tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(alerts.to_csv())))
    assert len(rows) == len(alerts)
    assert json.loads(alerts.to_json())["summary"]["detections"] == alerts.n_detections
    assert len(alerts.to_jsonl().splitlines()) == len(alerts)
    assert json.loads(alerts.to_navigator())["domain"] == "enterprise-attack"
    path = tmp_path / "alerts.csv"
    alerts.to_csv(path)
    assert path.read_bytes().decode() == alerts.to_csv()
    assert [file.name for file in tmp_path.iterdir()] == ["alerts.csv"]
    parquet = alerts.report("parquet")
    assert isinstance(parquet, bytes) and parquet.startswith(b"PAR1")
    with pytest.raises(evtmap.OptionError, match="there is no format `docx`"):
        alerts.report("docx")
    with pytest.raises(OSError):
        alerts.to_csv(tmp_path / "missing" / "alerts.csv")


def test_html_where_the_library_has_it(alerts: evtmap.Alerts) -> None:
    if "html" not in evtmap.Alerts.formats:
        pytest.skip("this build has no format `html`")
    assert alerts.to_html().lstrip().lower().startswith("<!doctype html")


def test_a_stream_gives_the_same(alerts: evtmap.Alerts, incident: Path) -> None:
    stream = evtmap.Scanner().scan(incident)
    assert list(stream) == list(alerts)
    assert stream.n_events == alerts.n_events
    assert list(stream) == []


def test_a_stream_can_be_left(incident: Path) -> None:
    stream = evtmap.Scanner(threads=2).scan(incident)
    next(stream)
    stream.close()
    assert list(stream) == []
    del stream


def test_progress_is_told(incident: Path) -> None:
    told = []
    alerts = evtmap.map(incident, progress=lambda *progress: told.append(progress))
    done, whole, events, detections = told[-1]
    assert 0 < done <= whole
    assert (events, detections) <= (alerts.n_events, alerts.n_detections)
    assert events == alerts.n_events


def test_what_progress_raises_ends_the_scan(incident: Path) -> None:
    def full(*_: int) -> None:
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        evtmap.map(incident, progress=full)


def test_a_bar(incident: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evtmap.map(incident, progress=True)
    assert "2,722 events" in capsys.readouterr().err


def test_missing_files(incident: Path) -> None:
    with pytest.raises(evtmap.InputError, match="there is no such file") as raised:
        evtmap.map("missing.evtx")
    error = raised.value
    assert (error.code, error.file, error.help) == ("input-missing", "missing.evtx", "check the path")
    assert str(error).endswith("help: check the path")
    logs: "list[str | Path]" = ["missing.evtx", incident / "DC01" / "Security.evtx"]
    with pytest.warns(evtmap.InputWarning, match="missing.evtx"):
        alerts = evtmap.map(logs)
    assert alerts


def test_bad_records_are_warned_of(tmp_path: Path) -> None:
    log = tmp_path / "events.csv"
    log.write_text("Event ID,Logged,Computer\n4625,2026-03-02 08:00:00,A\nx,y,z\n4625,a\n")
    with pytest.warns(evtmap.RecordWarning) as warned:
        alerts = evtmap.map(log)
    assert alerts.n_events == 1
    assert sorted(str(warning.message).split("; ")[1] for warning in warned) == [
        "the first at line 3: the event id `x` is not a number [csv-event-id]",
        "the first at line 4: the row has 2 cells and the header 3 [csv-columns]",
    ]
