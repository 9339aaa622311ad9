"""What a notebook shows of alerts: numbers, a heat map of the matrix, and what to look at first.

All text is hostile: it is from logs and rules, and is escaped.
"""

from __future__ import annotations

from html import escape
from typing import Any, Iterable

from ._native import Alerts

_N_TOP = 10
_N_CELLS = 8
_N_CHARS = 200

_SEVERITIES = ("critical", "high", "medium", "low", "informational")
_COLOURS = {
    "critical": "#7f1d1d",
    "high": "#c2410c",
    "medium": "#b45309",
    "low": "#3f6212",
    "informational": "#475569",
}
_STYLE = (
    "<style>.evtmap{font-family:system-ui,sans-serif;font-size:13px;color:inherit}"
    ".evtmap table{border-collapse:collapse;margin:.5em 0}"
    ".evtmap th,.evtmap td{text-align:left;vertical-align:top;padding:2px 8px;border:1px solid #8884}"
    ".evtmap .b{display:inline-block;color:#fff;border-radius:3px;padding:0 6px;margin-right:4px}"
    ".evtmap .c{display:block;border-radius:3px;padding:1px 4px;margin:2px 0;white-space:nowrap}</style>"
)


def render(alerts: Alerts) -> str:
    """The HTML of alerts."""
    summary = alerts.summary
    parts = [_STYLE, '<div class="evtmap">', _numbers(summary), _matrix(alerts, summary), _top(alerts)]
    left_out = _left_out(alerts.not_looked_at)
    return "".join([*parts, left_out, "</div>"])


def _text(value: object) -> str:
    text = str(value if value is not None else "")
    if len(text) > _N_CHARS:
        text = text[: _N_CHARS - 1] + "…"
    return escape("".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text))


def _badge(severity: str, text: str) -> str:
    colour = _COLOURS.get(severity, _COLOURS["informational"])
    return f'<span class="b" style="background:{colour}">{_text(text)}</span>'


def _numbers(summary: "dict[str, Any]") -> str:
    counts = summary["detections_by_severity"]
    badges = "".join(_badge(name, f"{counts[name]:,} {name}") for name in _SEVERITIES if counts.get(name))
    span = " to ".join(time for time in (summary["first_event"], summary["last_event"]) if time)
    return (
        f"<p><b>{summary['detections']:,} detections</b> and {summary['associations']:,} associations in "
        f"{summary['events']:,} events{', ' + _text(span) if span else ''}</p><p>{badges}</p>"
    )


def _matrix(alerts: Alerts, summary: "dict[str, Any]") -> str:
    """Techniques of detections below their tactics, the darker the more."""
    found = [line for line in summary["ranked_techniques"] if line["kind"] == "detection"]
    if not found:
        return ""
    most = max(line["alerts"] for line in found)
    attack = alerts.attack
    tactics_of = {line["id"]: _tactics(attack, line["id"]) for line in found}
    columns = []
    for tactic in attack.tactics:
        lines = [line for line in found if tactic.name in tactics_of[line["id"]]]
        if lines:
            columns.append((tactic.name, lines))
    head = "".join(f"<th>{_text(name)}</th>" for name, _ in columns)
    cells = "".join(f"<td>{_cells(lines, most)}</td>" for _, lines in columns)
    return f"<table><tr>{head}</tr><tr>{cells}</tr></table>"


def _tactics(attack: Any, technique: str) -> Iterable[str]:
    try:
        return list(attack.technique(technique).tactics)
    except KeyError:
        return []


def _cells(lines: "list[dict[str, Any]]", most: int) -> str:
    cells = []
    for line in lines[:_N_CELLS]:
        share = 0.15 + 0.6 * line["alerts"] / most
        name = f"{line['id']} {line['name']}"
        cells.append(
            f'<span class="c" style="background:rgba(220,38,38,{share:.2f})" '
            f'title="{_text(name)}: {line["alerts"]:,}">{_text(line["id"])} {_text(line["name"][:28])}'
            f" <b>{line['alerts']:,}</b></span>"
        )
    more = len(lines) - _N_CELLS
    return "".join(cells) + (f"<i>{more} more</i>" if more > 0 else "")


def _top(alerts: Alerts) -> str:
    rows = []
    for alert in alerts.top(_N_TOP):
        time = alert.time.strftime("%Y-%m-%d %H:%M:%S") if alert.time else ""
        cells = (time, alert.computer, alert.user, alert.title, " ".join(alert.technique_ids), alert.rule_author)
        row = "".join(f"<td>{_text(cell)}</td>" for cell in cells)
        rows.append(f"<tr><td>{_badge(alert.severity or '', alert.severity or '')}</td>{row}</tr>")
    if not rows:
        return ""
    names = ("severity", "time (UTC)", "computer", "user", "finding", "techniques", "rule by")
    head = "".join(f"<th>{name}</th>" for name in names)
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>"


def _left_out(account: "dict[str, Any]") -> str:
    files, lost = len(account["files"]), sum(entry["lost"] for entry in account["records"])
    parts = []
    if files:
        parts.append(f"{files:,} files")
    if lost:
        parts.append(f"{lost:,} records")
    return f"<p>Not looked at: {' and '.join(parts)}; see <code>not_looked_at</code>.</p>" if parts else ""
