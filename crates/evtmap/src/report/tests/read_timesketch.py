"""Takes reports in as Timesketch's importer does, and looks whether a row or a value is lost."""

import json

import pandas

WANTED = {"message", "datetime", "timestamp_desc"}
ALERTS = [json.loads(line) for line in open("a.jsonl", encoding="utf-8", newline="\n")]


def microseconds(alert):
    time = alert["time"] or "1970-01-01T00:00:00Z"
    return int(pandas.Timestamp(time).value // 1000)


# The importer reads the table without being told of types, and drops rows whose time it cannot read.
table = pandas.read_csv("a.timesketch.csv", sep=",")
assert WANTED <= set(table.columns), table.columns
times = pandas.to_datetime(table["datetime"], errors="coerce")
assert not times.isnull().any(), table["datetime"]
assert len(table) == len(ALERTS), len(table)
for place, alert in enumerate(ALERTS):
    row = table.iloc[place].dropna()
    assert int(row["timestamp"]) == microseconds(alert), (place, row["timestamp"])
    assert int(times.iloc[place].value // 1000) == microseconds(alert), (place, times.iloc[place])
    assert row["message"] and row["timestamp_desc"], place
    assert not str(row["message"]).startswith(("=", "+", "-", "@")), row["message"]

rows = [json.loads(line) for line in open("a.timesketch.jsonl", encoding="utf-8", newline="\n")]
assert len(rows) == len(ALERTS)
for row, alert in zip(rows, ALERTS):
    assert WANTED <= set(row), row
    assert isinstance(row["timestamp"], int) and row["timestamp"] == microseconds(alert)
    assert pandas.Timestamp(row["datetime"]).value // 1000 == row["timestamp"]
    # What is nested would become columns without end.
    assert all(not isinstance(value, dict) for value in row.values()), row
    assert all(isinstance(tag, str) for tag in row["tag"])
    if "rule" in alert:
        assert row.get("rule_author", "") == alert["rule"]["author"]
