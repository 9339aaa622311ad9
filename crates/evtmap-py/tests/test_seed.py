"""`mitre_mapper_windows`: the seed's surface, and the calls of its notebook."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path
from typing import Any

import evtmap
import mitre_mapper_windows as seed
import pandas
import pytest

#: Written as the Event Viewer's table, with what an analyst has in it.
SAMPLE = '''\ufeff"Date and Time","Event ID","Computer","User","Task Category","Keywords","Description"
"12/14/2025 08:00:01 AM","4624","LAB-WS01","alice","Logon","Audit Success","A user successfully logged on."
"12/14/2025 08:01:12 AM","4625","LAB-WS01","alice","Logon","Audit Failure","An account failed to log on."
"12/14/2025 08:02:33 AM","4688","LAB-WS01","alice","Process Creation","Audit Success","A process: C:\\cmd.exe"
"12/14/2025 08:03:45 AM","4726","LAB-DC01","Administrator","User Account Management","Audit Success","Deleted: t"
"12/14/2025 08:06:15 AM","4720","LAB-DC01","Administrator","User Account Management","Audit Success","Created: s"
"12/14/2025 08:07:30 AM","7045","LAB-WS02","SYSTEM","Service Installation","Audit Success","=cmd|'/c calc'!A1"
"12/14/2025 08:09:00 AM","65000","LAB-WS02","SYSTEM","None","","Nothing that anybody knows."
'''


def rows_of(report: Path) -> "list[dict[str, str]]":
    with report.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    path = tmp_path / "events.csv"
    path.write_text(SAMPLE, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> seed.DynamicRuleEngine:
    return seed.DynamicRuleEngine(cache_dir=tmp_path_factory.mktemp("cache"))


def test_progress_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seed.DynamicRuleEngine(cache_dir=str(tmp_path / "none"))
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith(("[*] ", "[+] ", "[!] ")) for line in lines)
    assert any("come with evtmap" in line for line in lines)


def test_parsing(sample: Path) -> None:
    events = list(seed.parse_windows_csv(sample))
    assert len(events) == 7
    assert events[0] == {
        "timestamp": "12/14/2025 08:00:01 AM",
        "host": "LAB-WS01",
        "event_id": "4624",
        "user": "alice",
        "source": "windows_security",
        "raw_message": "Logon | Audit Success | A user successfully logged on.",
        "original_row": {
            "Date and Time": "12/14/2025 08:00:01 AM",
            "Event ID": "4624",
            "Computer": "LAB-WS01",
            "User": "alice",
            "Task Category": "Logon",
            "Keywords": "Audit Success",
            "Description": "A user successfully logged on.",
        },
    }


@pytest.mark.parametrize(
    "header",
    ["Logged,EventID,Hostname,Account Name,Message", "TimeCreated,Event ID,ComputerName,SubjectUserName,Message"],
)
def test_other_names_of_columns(header: str, tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text(f"{header}\n2026-03-02 08:00:00,4625,A,bob,An account failed to log on.\n")
    [event] = seed.parse_windows_csv(str(path))
    assert [event[key] for key in ("timestamp", "event_id", "host", "user", "raw_message")] == [
        "2026-03-02 08:00:00",
        "4625",
        "A",
        "bob",
        "An account failed to log on.",
    ]


def test_the_event_viewers_own_export(incident_csv: Path, engine: seed.DynamicRuleEngine) -> None:
    """The message's column has no name there, and its fields are what rules ask for."""
    log = incident_csv / "WS01" / "Security.csv"
    mapped = [seed.apply_rules(event, engine) for event in seed.parse_windows_csv(log)]
    detections = [event for event in mapped if event["kind"] == "detection"]
    by_evtmap = {alert.position for alert in evtmap.map(log) if alert.kind == "detection" and _is_single(alert)}
    assert len(detections) == len(by_evtmap) > 0
    assert {event["severity"] for event in detections} <= set(seed.SEVERITIES)


def _is_single(alert: evtmap.Alert) -> bool:
    return "correlation" not in alert.to_dict()


def test_the_notebooks_calls(sample: Path, engine: seed.DynamicRuleEngine, tmp_path: Path) -> None:
    """What the seed's notebook does, and asserts on its values."""
    parsed = list(seed.parse_windows_csv(sample))
    enriched = [seed.apply_rules(event, engine) for event in parsed]
    assert all({**event, **mapped} == mapped for event, mapped in zip(parsed, enriched))
    frame = pandas.DataFrame(enriched)
    mapped = frame[frame["technique_id"] != ""]
    assert len(mapped) == 6
    columns = ["timestamp", "host", "event_id", "technique_id", "technique_name", "tactic", "severity", "description"]
    assert (mapped[columns] != "").all(axis=None)
    by_tactic = mapped.groupby("tactic").agg({"event_id": "count", "technique_id": "unique"})
    assert by_tactic["event_id"].sum() == 6
    kinds = dict(zip(mapped["event_id"], mapped["kind"]))
    assert kinds == {
        "4624": "association",
        "4625": "association",
        "4688": "association",
        "4726": "detection",
        "4720": "detection",
        "7045": "association",
    }
    techniques = dict(zip(mapped["event_id"], mapped["technique_id"]))
    assert (techniques["4625"], techniques["4720"]) == ("T1110.001", "T1136.001")
    assert mapped["rule_id"].iloc[1] == "sigma_4625_T1110.001"
    report = tmp_path / "report.csv"
    counts = seed.write_csv_report(enriched, report)
    assert counts == mapped["severity"].value_counts().to_dict()
    assert set(counts) <= set(seed.SEVERITIES)
    written = pandas.read_csv(report, dtype=str, keep_default_na=False)
    assert list(written.columns) == list(seed.REPORT_COLUMNS)
    harmless = frame[list(seed.REPORT_COLUMNS)].copy()
    expected = harmless.drop(columns="raw_message")
    assert written.drop(columns="raw_message").equals(expected)
    assert written["raw_message"].iloc[0] == frame["raw_message"].iloc[0]
    unmapped = enriched[-1]
    assert [unmapped[key] for key in ("rule_id", "tactic", "technique_id", "severity", "kind")] == [""] * 5


def test_formulas_are_text(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    seed.write_csv_report([{"user": "=1+1", "host": "@x", "severity": "", "raw_message": "-1"}, {}], path)
    [row, empty] = rows_of(path)
    assert (row["user"], row["host"], row["raw_message"]) == ("'=1+1", "'@x", "'-1")
    assert set(empty.values()) == {""}


def test_rules_for_an_event(engine: seed.DynamicRuleEngine) -> None:
    rules = engine.get_rules_for_event("4720")
    keys = "technique_id technique_name sigma_title tactic severity description author references falsepositives"
    for rule in rules:
        assert set(f"{keys} status date".split()) <= set(rule)
    assert {"T1136.001"} <= {rule["technique_id"] for rule in rules}
    assert {rule["kind"] for rule in rules} == {"detection", "association"}
    detections = [seed.SEVERITIES.index(rule["severity"]) for rule in rules if rule["kind"] == "detection"]
    assert detections == sorted(detections)
    assert engine.get_rules_for_event(4720) == rules
    assert "\n\nTechnique: " in rules[0]["description"]
    for nonsense in ("", "x", "-1", "99999999999", None):
        assert engine.get_rules_for_event(nonsense) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"event_id": None, "original_row": None},
        {"event_id": 4625},
        {"event_id": "4625", "host": 7, "user": ["a"], "raw_message": b"x", "timestamp": 1.5},
        {"event_id": "\ud800", "user": "\ud800", "original_row": {"Event ID": "\ud800"}},
        {"event_id": "4625", "original_row": "text"},
        {"event_id": "4625", "original_row": {None: ["a", None], 7: 7}},
        {"event_id": "x" * 1_000_000},
        {"event_id": 10**400},
    ],
)
def test_odd_events(event: "dict[str, Any]", engine: seed.DynamicRuleEngine) -> None:
    mapped = seed.apply_rules(event, engine)
    assert {key: mapped[key] for key in event} == event
    assert mapped["technique_id"] in ("", "T1110.001")


@pytest.mark.parametrize("event", [None, 7, "text", [], object()])
def test_what_is_no_event(event: Any, engine: seed.DynamicRuleEngine) -> None:
    with pytest.raises(TypeError, match="is no event; a dict is"):
        seed.apply_rules(event, engine)


def test_the_dict_says_what_the_event_is(engine: seed.DynamicRuleEngine) -> None:
    row = {"Event ID": "4624", "Logged": "2026-03-02 08:00:00"}
    mapped = seed.apply_rules({"event_id": "4625", "original_row": row}, engine)
    assert mapped["technique_id"] == "T1110.001"


def test_the_command_line(sample: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.csv"
    command = [sys.executable, "-m", "mitre_mapper_windows", "--cache-dir", str(tmp_path), "--output", str(report)]
    done = subprocess.run([*command, "--csv", str(sample)], capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[-1] == "    Total detections: 6"
    assert f"[+] Report written to {report}" in lines
    assert len(rows_of(report)) == 7
    few = subprocess.run([*command, "--csv", str(sample), "--max-events", "2"], capture_output=True, text=True)
    assert few.stdout.splitlines()[-1] == "    Total detections: 2"
    missing = subprocess.run([*command, "--csv", "missing.csv"], capture_output=True, text=True)
    assert (missing.returncode, "there is no such file" in missing.stderr) == (2, True)


def test_rows_that_come_again_at_another_time() -> None:
    """What is remembered of rows makes no difference, whatever stands in the cell of the time."""
    logsource = "logsource: {product: windows, service: security}"
    rules = evtmap.Rules.from_text(
        f"""
title: By a user
level: low
{logsource}
detection: {{a: {{EventID: 4624, User: alice}}, condition: a}}
---
title: At eight
level: high
{logsource}
detection: {{a: {{EventID: 4625, TimeCreated_SystemTime|hour: 8}}, condition: a}}
---
title: Word
level: high
{logsource}
detection: {{k: [mimikatz], condition: k}}
"""
    )

    def event(time: str, event_id: Any, user: str, **more: Any) -> "dict[str, Any]":
        row = {"Date and Time": time, "Event ID": event_id, "Computer": "WS01", "User": user, "Channel": "Security"}
        return {"event_id": event_id, "original_row": {**row, **more}}

    times = ["12/14/2025 08:00:01 AM", "12/14/2025 09:00:01 AM", "mimikatz", "12/14/2025 08:30:00 AM", "soon", ""]
    events = [
        event(time, event_id, user)
        for _ in range(3)
        for time in times
        for event_id in ("4624", "4625", "4626", 4624)
        for user in ("alice", "bob")
    ]
    # The id beside the row is another than the row's, a row is longer, and times are in two columns.
    events += 3 * [{**event(times[0], "4624", "alice"), "event_id": "4625"}]
    events += [event(time, "4624", "alice", Keywords="Audit Success") for time in times * 3]
    events += [event(time, "4624", "alice", **{"@timestamp": "2026-03-02T08:00:00Z"}) for time in times * 3]
    mapper = evtmap._native.EventMapper(rules)
    found = [mapper.apply(event) for event in events]
    assert found == [evtmap._native.EventMapper(rules).apply(event) for event in events]
    titles = [event["sigma_title"] for event in found]
    assert {"By a user", "At eight", "Word"} <= set(titles)


def test_a_refresh_without_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """What was there before stays in use, and is said to."""
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    engine = seed.DynamicRuleEngine(cache_dir=tmp_path, refresh_rules=True)
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("[!]") for line in lines)
    assert seed.apply_rules({"event_id": "4625"}, engine)["technique_id"] == "T1110.001"
