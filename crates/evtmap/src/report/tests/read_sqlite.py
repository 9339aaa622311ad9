"""Reads a database with Python's own SQLite and compares it with the JSON lines of the same alerts."""

import json
import sqlite3

ALERTS = [json.loads(line) for line in open("a.jsonl", encoding="utf-8", newline="\n")]
database = sqlite3.connect("a.sqlite")
database.row_factory = sqlite3.Row
assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
assert not database.execute("PRAGMA foreign_key_check").fetchall()
rows = database.execute("SELECT * FROM alerts ORDER BY id").fetchall()
assert len(rows) == len(ALERTS)
for row, alert in zip(rows, ALERTS):
    event = alert["event"]
    assert (row["host"], row["user"], row["channel"]) == (event["computer"], event["user"], event["channel"])
    assert (row["kind"], row["severity"]) == (alert["kind"], alert["severity"])
    assert row["event_id"] == event["event_id"]
    assert str(row["record_id"]) == str(event["record_id"])
    assert json.loads(row["fields"]) == event["fields"]
    assert row["message"] == event.get("message")
    assert row["rule_author"] == (alert.get("rule", {}).get("author") or None)
    assert json.loads(row["technique_ids"]) == [technique["id"] for technique in alert["techniques"]]
    if alert["time"]:
        whole = row["timestamp"].rstrip("Z").rstrip("0").rstrip(".")
        assert alert["time"].rstrip("Z").startswith(whole), (row["timestamp"], alert["time"])
        assert database.execute("SELECT julianday(?)", (row["timestamp"],)).fetchone()[0] is not None

detections = [alert for alert in ALERTS if alert["kind"] == "detection"]
counts = {row["technique_id"]: row["detections"] for row in database.execute("SELECT * FROM by_technique")}
for alert in ALERTS:
    for technique in alert["techniques"]:
        expected = sum(any(it["id"] == technique["id"] for it in other["techniques"]) for other in detections)
        assert counts[technique["id"]] == expected, technique
tactics = {row["tactic_id"] for row in database.execute("SELECT * FROM by_tactic")}
assert tactics == {tactic["id"] for alert in ALERTS for tactic in alert["tactics"]}
hosts = {row["host"]: row["detections"] for row in database.execute("SELECT * FROM by_host")}
assert sum(hosts.values()) == len(detections)
assert sum(row["detections"] for row in database.execute("SELECT * FROM by_rule")) == len(detections)
assert database.execute("SELECT value FROM report WHERE name = 'attack_version'").fetchone()[0]
