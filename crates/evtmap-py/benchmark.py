"""How fast the Python module is, beside the script that the project began as.

Usage: python crates/evtmap-py/benchmark.py [ROWS]

The script took 43 µs an event and 5 s to start; the columns say how many times less it is here. Every figure is
the best of five. The rows are those of a table as the Event Viewer has it, of everyday events by their share in
a small network.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import evtmap
import mitre_mapper_windows as seed

#: What the script took, in seconds: to start, and for an event.
SCRIPT_START = 5.0
SCRIPT_EVENT = 43e-6

HEADER = "Date and Time,Event ID,Computer,User,Task Category,Keywords,Description\n"
ROWS = (
    ("4624", "Logon", "Audit Success", "An account was successfully logged on."),
    ("4634", "Logoff", "Audit Success", "An account was logged off."),
    ("4688", "Process Creation", "Audit Success", "A new process has been created."),
    ("4672", "Special Logon", "Audit Success", "Special privileges assigned to new logon."),
    ("4625", "Logon", "Audit Failure", "An account failed to log on."),
    ("4689", "Process Termination", "Audit Success", "A process has exited."),
    ("5156", "Filtering Platform Connection", "Audit Success", "A connection was permitted."),
)


def table(path: Path, n_rows: int) -> None:
    """Write everyday events."""
    with path.open("w", encoding="utf-8") as file:
        file.write(HEADER)
        for row in range(n_rows):
            event_id, category, keywords, text = ROWS[row % len(ROWS)]
            clock = f"{8 + row // 3600 % 4}:{row // 60 % 60:02}:{row % 60:02}"
            host, user = f"WS{row % 40:02}", f"user{row % 60}"
            file.write(f"12/14/2025 {clock} AM,{event_id},{host},{user},{category},{keywords},{text}\n")


class Cost(NamedTuple):
    """What work took, in seconds: of the clock, and of all processors together."""

    clock: float
    processors: float


#: What it is called, and what is measured.
Work = tuple[str, Callable[[], object]]


class Figure(NamedTuple):
    """What something took, what the script took for it, and how many events it was."""

    name: str
    cost: Cost
    script: float
    n: int


def best(work: Callable[[], object]) -> Cost:
    """The best of five."""
    costs = []
    for _ in range(5):
        before = os.times()
        started = time.perf_counter()
        work()
        clock = time.perf_counter() - started
        after = os.times()
        costs.append(Cost(clock, sum(after[:4]) - sum(before[:4])))
    return Cost(min(cost.clock for cost in costs), min(cost.processors for cost in costs))


def start() -> None:
    """A new interpreter that makes an engine, and nothing else."""
    program = "import mitre_mapper_windows as seed; seed.DynamicRuleEngine('/nonexistent')"
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)


def bare() -> None:
    """A new interpreter that does nothing."""
    subprocess.run([sys.executable, "-c", ""], check=True)


def main(n_rows: int) -> None:
    """Measure, and print a table."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.csv"
        table(path, n_rows)
        engine = seed.DynamicRuleEngine(folder)
        events = list(seed.parse_windows_csv(path))
        whole, bare_one = best(start), best(bare)
        figures = [Figure("engine start, without the interpreter's own", _without(whole, bare_one), SCRIPT_START, 1)]
        dicts: list[Work] = [
            ("apply_rules, one after the other", lambda: _let_go(seed.apply_rules(event, engine) for event in events)),
            ("apply_rules, all of them kept", lambda: [seed.apply_rules(event, engine) for event in events]),
            ("parse_windows_csv", lambda: list(seed.parse_windows_csv(path))),
        ]
        figures += [Figure(name, best(work), SCRIPT_EVENT, n_rows) for name, work in dicts]
        # Python's collector would look at them again and again in what comes.
        events.clear()
        frame = evtmap.map(path, all_events=True).to_arrow().select(["event_id", "channel", "host", "user"])
        frames: list[Work] = [
            ("evtmap.map(csv)", lambda: evtmap.map(path)),
            ("evtmap.map(csv).to_arrow()", lambda: evtmap.map(path).to_arrow()),
            ("evtmap.map(csv).to_pandas()", lambda: evtmap.map(path).to_pandas()),
            ("the same, detections only", lambda: evtmap.map(path, associations=False).to_pandas()),
            ("evtmap.enrich(frame)", lambda: evtmap.enrich(frame)),
        ]
        figures += [Figure(name, best(work), SCRIPT_EVENT, n_rows) for name, work in frames]
    print("| an event | clock µs | processors µs | times faster |")
    print("|---|---|---|---|")
    for name, cost, script, n in figures:
        clock, processors = (seconds / n * 1e6 for seconds in cost)
        print(f"| {name} | {clock:,.2f} | {processors:,.2f} | {script * 1e6 / clock:,.0f} |")


def _let_go(results: Iterable[object]) -> None:
    """Keep none of the results, as the script did, which wrote each as it came."""
    for _ in results:
        pass


def _without(whole: Cost, part: Cost) -> Cost:
    return Cost(whole.clock - part.clock, whole.processors - part.processors)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
