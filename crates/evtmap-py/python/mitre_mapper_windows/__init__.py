"""The surface of the script ``mitre_mapper_windows.py``, on evtmap.

What was written for the script runs unchanged. Its answers are better: a *detection* is a Sigma rule whose whole
condition held, and only where there is none an *association* tells what the event's id may hint at. The key
``kind`` says which.
"""

from __future__ import annotations

import csv
import os
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence, TextIO, Union

from evtmap._native import EventMapper, load_cache, neutralised, refresh_cache

from ._live import parse_windows_event_log

__all__ = [
    "ATTACK_CACHE_FILE",
    "CACHE_DIR",
    "DynamicRuleEngine",
    "REPORT_COLUMNS",
    "SEVERITIES",
    "apply_rules",
    "main",
    "parse_windows_csv",
    "parse_windows_event_log",
    "write_csv_report",
]

Event = Dict[str, Any]
Path = Union[str, "os.PathLike[str]"]

#: Where rules and ATT&CK data are kept by default.
CACHE_DIR = os.path.join(os.path.expanduser("~"), ".mitre_mapper_cache")
#: ATT&CK as MITRE publishes it, when it lies in the cache folder.
ATTACK_CACHE_FILE = "enterprise-attack.json"
#: Severities, most severe first.
SEVERITIES = ("critical", "high", "medium", "low", "informational")
#: The columns of a report.
REPORT_COLUMNS = (
    "timestamp",
    "host",
    "user",
    "source",
    "event_id",
    "rule_id",
    "tactic",
    "technique_id",
    "technique_name",
    "severity",
    "description",
    "raw_message",
)

_TIMES = ("Date and Time", "TimeCreated", "Logged")
_IDS = ("Event ID", "EventID")
_HOSTS = ("Computer", "Hostname", "ComputerName")
_USERS = ("User", "Account Name", "SubjectUserName")
_MESSAGES = ("Description", "Message")
#: The cells beyond the header: the Event Viewer gives the message's column no name.
_BEYOND = None
#: The largest cell in characters.
_N_CELL_MAX = 16 << 20


class DynamicRuleEngine:
    """Rules and ATT&CK data, ready to be asked.

    They are those of a cache folder. What it does not hold is what comes with evtmap, for which no network is
    needed. Progress is printed in lines that begin with ``[*]``, ``[+]`` or ``[!]``.

    Parameters
    ----------
    cache_dir : str or os.PathLike, optional
        The cache folder, by default ``~/.mitre_mapper_cache``.
    refresh_rules : bool, optional
        Whether to fetch newer rules and ATT&CK data first. What was there before is kept, and stays in use when
        that fails.
    """

    def __init__(self, cache_dir: Optional[Path] = None, refresh_rules: bool = False) -> None:
        self.cache_dir = os.fspath(cache_dir) if cache_dir is not None else CACHE_DIR
        if refresh_rules:
            self._refresh()
        rules, attack, told = load_cache(self.cache_dir)
        for line in told:
            print(f"[!] {line}")
        if rules is None:
            print("[*] No rules in the cache: using the rules that come with evtmap")
        else:
            print(f"[*] Using the rules of {self.cache_dir}")
        if attack is None:
            print("[*] No ATT&CK data in the cache: using the release that comes with evtmap")
        self._mapper = EventMapper(rules, attack)
        print(f"[+] {self._mapper.n_rules:,} rules are ready")

    def _refresh(self) -> None:
        from evtmap import UpdateError

        for part in ("rules", "attack"):
            print(f"[*] Fetching {'Sigma rules' if part == 'rules' else 'ATT&CK data'}...")
            try:
                print(f"[+] {refresh_cache(self.cache_dir, part)}")
            except UpdateError as error:
                print(f"[!] {error.message}; what was there before stays in use")
                if error.help:
                    print(f"[!] {error.help}")

    def get_rules_for_event(self, event_id: Union[str, int]) -> List[Dict[str, Any]]:
        """What is known of an event id: rules about it, most severe first, then associations.

        Parameters
        ----------
        event_id : str or int
            Such as ``"4625"``.

        Returns
        -------
        list of dict
            With ``technique_id``, ``technique_name``, ``sigma_title``, ``tactic``, ``severity``,
            ``description``, ``author``, ``references``, ``falsepositives``, ``status`` and ``date``; ``kind``
            tells ``detection`` from ``association``, and ``sigma_rule_id`` names the rule.
        """
        try:
            number = int(str(event_id).strip())
        except ValueError:
            return []
        if not 0 <= number < 1 << 32:
            return []
        rules: List[Dict[str, Any]] = self._mapper.rules_for(number)
        return rules


def parse_windows_csv(path: Path) -> Iterator[Event]:
    """The events of a CSV file, one dict each.

    Parameters
    ----------
    path : str or os.PathLike
        A file in UTF-8, with or without BOM.

    Yields
    ------
    dict
        With ``timestamp``, ``host``, ``event_id``, ``user``, ``source``, ``raw_message`` and ``original_row``.
    """
    with open(path, newline="", encoding="utf-8-sig", errors="replace") as file:
        for row in csv.DictReader(_without_nul(file)):
            yield _event(row)


def _without_nul(file: TextIO) -> Iterator[str]:
    """Lines that the reader takes: older Pythons end at a NUL, and a line has a limit."""
    while True:
        line = file.readline(_N_CELL_MAX)
        if not line:
            return
        yield line.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _event(row: Dict[Any, Any]) -> Event:
    beyond = row.get(_BEYOND) or []
    message = _first(row, _MESSAGES) or "\n".join(str(cell) for cell in beyond)
    parts = (row.get("Task Category"), row.get("Keywords"), message)
    return {
        "timestamp": _first(row, _TIMES),
        "host": _first(row, _HOSTS),
        "event_id": _first(row, _IDS).strip(),
        "user": _first(row, _USERS),
        "source": "windows_security",
        "raw_message": " | ".join(part for part in parts if part),
        "original_row": row,
    }


def _first(row: Dict[Any, Any], names: Sequence[str]) -> str:
    """The cell of the first of these columns that has one."""
    for name in names:
        cell = row.get(name)
        if cell:
            return str(cell)
    return ""


def apply_rules(event: Event, engine: DynamicRuleEngine) -> Event:
    """The event with what is found in it.

    Parameters
    ----------
    event : dict
        As :func:`parse_windows_csv` gives it.
    engine : DynamicRuleEngine

    Returns
    -------
    dict
        A new one, with the event's keys and ``rule_id``, ``tactic``, ``technique_id``, ``technique_name``,
        ``severity`` and ``description`` of the most severe rule; empty strings where nothing is found. Beyond
        these ``kind`` (``detection`` or ``association``), ``all_techniques``, ``sigma_title`` and
        ``sigma_rule_id``.
    """
    mapped: Event = engine._mapper.apply(event)
    return mapped


def write_csv_report(events: Iterable[Event], path: Path) -> Dict[str, int]:
    """Write events as a table for spreadsheets.

    A cell that a spreadsheet would run as a formula gets a quote in front.

    Parameters
    ----------
    events : iterable of dict
        As :func:`apply_rules` gives them.
    path : str or os.PathLike
        The file to write.

    Returns
    -------
    dict of str to int
        How many events with a technique there are of each severity.
    """
    counts: Dict[str, int] = {}
    with open(path, "w", newline="", encoding="utf-8", errors="replace") as file:
        writer = csv.writer(file)
        writer.writerow(REPORT_COLUMNS)
        for event in events:
            writer.writerow([_cell(event.get(name)) for name in REPORT_COLUMNS])
            severity = event.get("severity")
            if event.get("technique_id") and severity:
                counts[severity] = counts.get(severity, 0) + 1
    return counts


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    return neutralised(text)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Run the command line, and give its exit status."""
    from ._command import run

    return run(arguments)


