"""Events that are in memory: dicts of every kind, good and bad."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any, Iterator

import evtmap
import pytest

LOGON = {
    "Channel": "Security",
    "EventID": 4625,
    "Computer": "WS01",
    "TimeCreated": "2026-03-02T08:00:00Z",
    "TargetUserName": "alice",
}


def test_one_event() -> None:
    [alert] = evtmap.map(LOGON)
    assert (alert.kind, alert.event_id, alert.computer) == ("association", 4625, "WS01")
    assert alert.time == datetime.datetime(2026, 3, 2, 8, tzinfo=datetime.timezone.utc)
    assert alert.fields == {"TargetUserName": "alice"}
    assert (alert.path, alert.position) == ("memory", 0)


def test_lists_and_generators() -> None:
    events = [{**LOGON, "n": n} for n in range(2500)]
    assert [alert.position for alert in evtmap.map(events)] == list(range(2500))
    assert evtmap.map(dict(event) for event in events).n_events == 2500
    assert len(list(evtmap.Scanner().scan(iter(events)))) == 2500
    assert len(evtmap.map([])) == 0
    assert evtmap.map(events, max_events=3).n_events == 3


def test_events_as_other_programs_write_them(incident_json: Path) -> None:
    log = incident_json / "WS01" / "Security.jsonl"
    lines = log.read_text(encoding="utf-8").splitlines()
    from_memory = evtmap.map([json.loads(line) for line in lines])
    from_file = evtmap.map(log)
    assert from_memory.n_detections == from_file.n_detections > 0
    assert [alert.title for alert in from_memory] == [alert.title for alert in from_file]


def test_rows_of_a_table(incident_csv: Path) -> None:
    row = {"Event ID": "7045", "Date and Time": "12/14/2025 08:07:30 AM", "Source": "Service Control Manager"}
    [alert] = evtmap.map([row])
    assert (alert.event_id, alert.channel) == (7045, "System")


def test_values_of_every_type() -> None:
    class Odd:
        def __str__(self) -> str:
            return "odd"

    event: "dict[Any, Any]" = {
        **LOGON,
        "EventID": 4625.0,
        "TimeCreated": datetime.datetime(2026, 3, 2, 8, tzinfo=datetime.timezone.utc),
        "number": 7,
        "half": 0.5,
        "nan": float("nan"),
        "yes": True,
        "none": None,
        "bytes": b"a\xff",
        "list": ["x", 1],
        "date": datetime.date(2026, 3, 2),
        "odd": Odd(),
        5: "five",
        "text": 'a"b\\c\nd\te\x00',
        "surrogate": "a\ud800b",
    }
    [alert] = evtmap.map(event)
    assert alert.time == event["TimeCreated"]
    assert alert.fields == {
        "TargetUserName": "alice",
        "number": "7",
        "half": "0.5",
        "nan": None,
        "yes": "true",
        "none": None,
        "bytes": "a\ufffd",
        "list": ["x", "1"],
        "date": "2026-03-02",
        "odd": "odd",
        "5": "five",
        "text": 'a"b\\c\nd\te\x00',
        "surrogate": alert.fields["surrogate"],
    }
    assert "\ufffd" in str(alert.fields["surrogate"])


def _deep() -> "dict[str, Any]":
    deep: "dict[str, Any]" = {"EventID": 1}
    for _ in range(100_000):
        deep = {"x": deep}
    return deep


def _round() -> "dict[str, Any]":
    event: "dict[str, Any]" = dict(LOGON)
    event["me"] = event
    return event


@pytest.mark.parametrize(
    "bad",
    [
        None,
        7,
        "text",
        {},
        {"a": 1},
        {"EventID": None},
        {"EventID": "abc"},
        {"EventID": -1},
        {"EventID": 10**30},
        {"EventID": float("inf")},
        {"EventID": [4625]},
        {"\ud800": "\ud800"},
        {None: None},
        {"Event": None},
        {"Event": 7},
        {"Event": {"System": 7}},
        {"EventID": "x" * (17 << 20)},
        {"EventID": 10**5000},
        _deep(),
        _round(),
        [LOGON],
        set(),
        object(),
    ],
    ids=lambda bad: type(bad).__name__ + repr(bad)[:20].replace("\ud800", "?")
    if not isinstance(bad, dict) or len(bad) != 1
    else "dict",
)
@pytest.mark.filterwarnings("ignore::evtmap.RecordWarning")
def test_what_is_no_event_never_crashes(bad: Any) -> None:
    alerts = evtmap.map([LOGON, bad, LOGON])
    assert [alert.position for alert in alerts if alert.event_id == 4625 and alert.computer] == [0, 2]


def test_what_is_no_event_is_warned_of() -> None:
    with pytest.warns(evtmap.RecordWarning, match="`NoneType` is no event; a dict is"):
        alerts = evtmap.map([LOGON, None])  # type: ignore[arg-type]
    assert alerts.n_events == 1
    [entry] = alerts.not_looked_at["records"]
    assert (entry["code"], entry["lost"]) == ("not-an-object", 1)


@pytest.mark.parametrize("wrong", [None, 7, b"bytes", object(), 1.5])
def test_what_is_no_input(wrong: Any) -> None:
    with pytest.raises(TypeError, match="is no input"):
        evtmap.map(wrong)


def test_paths_and_events_are_not_mixed() -> None:
    with pytest.raises(TypeError, match="`dict` is no input"):
        evtmap.map(["a.evtx", LOGON])  # type: ignore[arg-type]


def test_what_a_generator_raises_comes_through() -> None:
    def broken() -> "Iterator[dict[str, Any]]":
        yield LOGON
        raise RuntimeError("the source is gone")

    with pytest.raises(RuntimeError, match="the source is gone"):
        evtmap.map(broken())
    with pytest.raises(RuntimeError, match="the source is gone"):
        list(evtmap.Scanner().scan(broken()))


def test_a_hostile_str_raises_its_own() -> None:
    class Hostile:
        def __str__(self) -> str:
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        evtmap.map([{**LOGON, "x": Hostile()}])
