"""The command line of the script."""

from __future__ import annotations

import argparse
import itertools
import os
import sys
from typing import Iterable, Optional, Sequence

import evtmap

from . import SEVERITIES, DynamicRuleEngine, Event, apply_rules, parse_windows_csv, write_csv_report
from ._live import parse_windows_event_log


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mitre_mapper_windows", description="Map Windows events to MITRE ATT&CK."
    )
    parser.add_argument("--csv", metavar="FILE", help="a CSV of events; the local Security log by default")
    parser.add_argument("--output", metavar="FILE", default="report.csv", help="the report (%(default)s)")
    parser.add_argument("--cache-dir", metavar="DIR", help="where rules and ATT&CK data are kept")
    parser.add_argument("--max-events", metavar="N", type=int, help="how many events to look at, at most")
    parser.add_argument("--refresh", action="store_true", help="fetch newer rules and ATT&CK data first")
    return parser


def run(arguments: Optional[Sequence[str]]) -> int:
    """Map the events that were asked for, and write the report."""
    options = _parser().parse_args(arguments)
    if options.csv is not None and not os.path.isfile(options.csv):
        print(f"[!] {options.csv}: there is no such file", file=sys.stderr)
        return 2
    engine = DynamicRuleEngine(cache_dir=options.cache_dir, refresh_rules=options.refresh)
    try:
        if options.csv is not None:
            print(f"[*] Reading {options.csv}")
            events: Iterable[Event] = itertools.islice(parse_windows_csv(options.csv), options.max_events)
        else:
            print("[*] Reading the local Security log")
            events = parse_windows_event_log(max_events=options.max_events)
        counts = write_csv_report((apply_rules(event, engine) for event in events), options.output)
    except (OSError, evtmap.EvtmapError) as error:
        print(f"[!] {error}", file=sys.stderr)
        return 2
    print(f"[+] Report written to {options.output}")
    print("[*] Detection Summary by Severity:")
    for severity in SEVERITIES:
        if counts.get(severity):
            print(f"    {severity.capitalize()}: {counts[severity]}")
    print(f"    Total detections: {sum(counts.values())}")
    return 0
