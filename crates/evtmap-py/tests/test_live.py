"""The running event log: elsewhere than on Windows there is none.

Under Wine another event log stands in for Windows' own and serves the events of the example: `cargo xtask windows`.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import evtmap
import mitre_mapper_windows as seed
import pytest

on_stand_in = pytest.mark.skipif(
    "EVTMAP_STAND_IN" not in os.environ, reason="nothing stands in for Windows' event log here"
)


@pytest.mark.skipif(sys.platform == "win32", reason="there it can be read")
def test_it_is_windows_own() -> None:
    for channels in (None, "all", ["Security", "System"]):
        with pytest.raises(evtmap.InputError, match="the live log exists on Windows only") as raised:
            evtmap.live(channels, newest_first=True)
        assert (raised.value.code, raised.value.help is not None) == ("live-elsewhere", True)
    with pytest.raises(evtmap.InputError, match="on Windows only"):
        seed.parse_windows_event_log()


def said(alerts: evtmap.Alerts) -> "Counter[Any]":
    """What alerts say, but for where their events were read."""
    return Counter(
        (alert.time, alert.computer, alert.channel, alert.record_id, alert.kind, alert.title, *alert.technique_ids)
        for alert in alerts
    )


@on_stand_in
def test_alerts_are_those_of_the_files(incident: Path) -> None:
    of_files = evtmap.map(sorted(incident.rglob("*.evtx")))
    live = evtmap.map(evtmap.live("all"))
    assert live.n_events == of_files.n_events == 2722
    assert said(live) == said(of_files)
    assert evtmap.map(evtmap.live(["Security", "System"])).n_events < 2722


@on_stand_in
def test_newest_first_as_asked_for() -> None:
    log = evtmap.live("Security", xpath="*[System[(EventID=4624)]]", newest_first=True, messages=True)
    alerts = list(evtmap.Scanner(all_events=True, max_events=5).scan(log))
    assert [alert.event_id for alert in alerts] == [4624] * 5
    assert [alert.message for alert in alerts] == ["This is the message of event 4624."] * 5
    times = [alert.time for alert in alerts if alert.time is not None]
    assert times == sorted(times, reverse=True)


@on_stand_in
def test_what_cannot_be_read_is_told() -> None:
    with pytest.raises(evtmap.InputError, match="there is no such channel") as missing:
        evtmap.map(evtmap.live("Nowhere"))
    assert missing.value.code == "live-missing"
    with pytest.raises(evtmap.InputError, match="reading is not permitted") as denied:
        evtmap.map(evtmap.live("StandIn-Denied"))
    assert "administrator" in str(denied.value.help)
    with pytest.warns(evtmap.InputWarning, match="StandIn-Denied"):
        assert evtmap.map(evtmap.live(["StandIn-Denied", "System"])).n_events > 0


@on_stand_in
def test_the_scripts_function() -> None:
    everything = seed.parse_windows_event_log()
    assert len(everything) == evtmap.map(evtmap.live("Security")).n_events
    # The channel has what several hosts wrote, one after the other.
    times = [event["timestamp"] for event in everything if event["host"] == everything[0]["host"]]
    assert times == sorted(times, reverse=True) and len(times) > 50
    assert everything[0]["raw_message"] == f"This is the message of event {everything[0]['event_id']}."
    assert seed.parse_windows_event_log(max_events=7) == everything[:7]
    # Places are counted in each channel.
    assert len(seed.parse_windows_event_log("all")) == 2722
    assert seed.parse_windows_event_log(max_events=0) == seed.parse_windows_event_log(event_ids=[]) == []


@on_stand_in
def test_the_scripts_function_takes_event_ids() -> None:
    logons = [event for event in seed.parse_windows_event_log() if event["event_id"] == "4624"]
    assert len(logons) > 50
    assert seed.parse_windows_event_log(event_ids=["4624"]) == logons
    # More than Windows can be asked for at once.
    assert seed.parse_windows_event_log(max_events=50, event_ids=[4624, *range(1, 60)]) == logons[:50]


@on_stand_in
def test_the_scripts_function_finds_what_the_module_finds() -> None:
    engine = seed.DynamicRuleEngine()
    mapped = [seed.apply_rules(event, engine) for event in seed.parse_windows_event_log()]
    # A correlation is no matter of a single event.
    found = evtmap.map(evtmap.live("Security"))
    singles = {alert.record_id for alert in found if alert.kind == "detection" and "correlation" not in alert.to_dict()}
    assert sum(event["kind"] == "detection" for event in mapped) == len(singles) > 0
