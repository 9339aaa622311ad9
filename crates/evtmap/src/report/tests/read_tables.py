"""Reads tables with pandas and compares them, cell by cell, with the JSON lines of the same alerts."""

import json
import re

import pandas

ALERTS = [json.loads(line) for line in open("a.jsonl", encoding="utf-8", newline="\n")]


def rule_id(alert):
    technique = alert["techniques"][0]["id"] if alert["techniques"] else ""
    event_id = alert["event"]["event_id"]
    event_id = "" if event_id is None else event_id
    if alert["kind"] == "association":
        return f"association_{event_id}_{technique}"
    if alert["kind"] == "event":
        return None
    return alert["rule"]["id"] or f"sigma_{event_id}_{technique}"


def title(alert):
    return alert.get("rule", alert.get("association", {})).get("title")


def derived(alert):
    return alert.get("derived", {"category": None, "missing_fields": []})


def microseconds(time):
    return None if time is None else pandas.Timestamp(time).floor("us")


def rule(name):
    return lambda alert: alert.get("rule", {}).get(name) or None


def event(name):
    return lambda alert: alert["event"].get(name)


# What a column of the typed table must have, as JSON lines have it.
TYPED = {
    "timestamp": lambda alert: microseconds(alert["time"]),
    "host": event("computer"),
    "user": event("user"),
    "channel": event("channel"),
    "provider": event("provider"),
    "event_id": event("event_id"),
    "record_id": event("record_id"),
    "kind": lambda alert: alert["kind"],
    "severity": lambda alert: alert["severity"],
    "rule_id": rule_id,
    "rule_title": title,
    "rule_author": rule("author"),
    "rule_level": rule("level"),
    "rule_status": rule("status"),
    "rule_path": rule("path"),
    "technique_ids": lambda alert: [technique["id"] for technique in alert["techniques"]],
    "technique_names": lambda alert: [technique["name"] for technique in alert["techniques"]],
    "tactic_ids": lambda alert: [tactic["id"] for tactic in alert["tactics"]],
    "tactic_names": lambda alert: [tactic["name"] for tactic in alert["tactics"]],
    "fields": event("fields"),
    "message": event("message"),
    "correlation": lambda alert: alert.get("correlation"),
    "derived_category": lambda alert: derived(alert)["category"],
    "derived_missing_fields": lambda alert: derived(alert)["missing_fields"],
    "input": lambda alert: alert["input"]["path"],
    "position": lambda alert: alert["input"]["position"],
    "recovered": lambda alert: alert["input"].get("recovered", False),
    "timezone": lambda alert: alert["input"].get("timezone"),
}


def plain(value):
    """A cell as a plain value of Python."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return None if value is None or value is pandas.NA or value is pandas.NaT or value != value else value


def check_typed():
    table = pandas.read_parquet("a.parquet", dtype_backend="pyarrow")
    assert str(table.dtypes["timestamp"]) == "timestamp[us, tz=UTC][pyarrow]", table.dtypes["timestamp"]
    assert len(table) == len(ALERTS)
    for name, expected in TYPED.items():
        for place, alert in enumerate(ALERTS):
            found = plain(table[name].iloc[place])
            if name in ("fields", "correlation") and found is not None:
                found = json.loads(found)
            assert found == expected(alert), (name, place, found, expected(alert))


def raw_message(alert):
    message = alert["event"].get("message")
    return message if message is not None else None


def joined(name):
    return lambda alert: ", ".join(TYPED[name](alert))


def first(name):
    return lambda alert: alert["techniques"][0][name] if alert["techniques"] else None


# The same for the columns of the table that is text. `source` and `description` are not in the lines.
TEXT = {
    "timestamp": lambda alert: alert["time"],
    "tactic": joined("tactic_names"),
    "technique_id": first("id"),
    "technique_name": first("name"),
    "raw_message": raw_message,
    "all_techniques": joined("technique_ids"),
    "all_tactics": joined("tactic_names"),
}
TEXT |= {
    name: TYPED[name]
    for name in "host user event_id rule_id severity kind rule_title rule_author channel provider record_id timezone".split()
}

FORMULA = re.compile("^[ \u00a0]*[=+\\-@\t\r\n＝＋－＠]")


def check_text(path, is_neutralised):
    table = pandas.read_csv(path, dtype=str, keep_default_na=False)
    assert len(table) == len(ALERTS)
    for name, expected in TEXT.items():
        for place, alert in enumerate(ALERTS):
            if name == "raw_message" and "message" not in alert["event"]:
                continue
            value = expected(alert)
            value = "" if value is None else str(value)
            if is_neutralised and FORMULA.match(value):
                value = "'" + value
            found = table[name].iloc[place]
            assert found == value, (path, name, place, found, value)


check_typed()
check_text("a.csv", True)
check_text("raw.csv", False)
