"""Threads, forks, interrupts and memory."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import evtmap
import pytest

EVENT = {"Channel": "Security", "EventID": 4625, "TargetUserName": "alice"}


def test_eight_threads_at_once(incident: Path) -> None:
    expected = evtmap.map(incident).to_jsonl()
    scanner = evtmap.Scanner(threads=2)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: scanner.map(incident).to_jsonl(), range(8)))
    assert found == [expected] * 8


def test_other_threads_go_on_meanwhile(incident: Path) -> None:
    counted = 0
    is_done = threading.Event()

    def count() -> None:
        nonlocal counted
        while not is_done.is_set():
            counted += 1
            time.sleep(0.001)

    other = threading.Thread(target=count)
    other.start()
    try:
        for _ in range(3):
            evtmap.map(incident, threads=1)
    finally:
        is_done.set()
        other.join()
    assert counted > 20


def test_ten_thousand_engines_take_no_more_memory() -> None:
    resource = pytest.importorskip("resource", reason="this system does not tell of memory")

    def peak() -> int:
        return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)

    def make(n: int) -> None:
        for _ in range(n):
            scanner = evtmap.Scanner()
            assert len(scanner.rules) > 900
            del scanner

    make(100)
    before = peak()
    make(10_000)
    assert peak() - before < 8 << 10, "grew by more than 8 MB"


def test_ten_thousand_mappings_take_no_more_memory() -> None:
    resource = pytest.importorskip("resource", reason="this system does not tell of memory")
    scanner = evtmap.Scanner()
    for _ in range(200):
        scanner.map(EVENT).to_arrow()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(10_000):
        scanner.map(EVENT)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 8 << 10, f"grew by {grown} KB"


def _map_in_child(pickled: bytes) -> int:
    return len(pickle.loads(pickled).map(EVENT))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_other_processes(method: str, incident: Path) -> None:
    scanner = evtmap.Scanner()
    evtmap.map(incident)
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map(_map_in_child, [pickle.dumps(scanner)] * 4) == [1] * 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_fork_after_the_import(incident: Path) -> None:
    scanner = evtmap.Scanner()
    n_expected = len(scanner.map(incident))
    child = os.fork()
    if child == 0:
        os._exit(0 if len(scanner.map(incident)) == n_expected else 1)
    _, status = os.waitpid(child, 0)
    assert status == 0


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise on Windows")
@pytest.mark.parametrize("how", ["map", "scan", "generator", "enrich"])
def test_ctrl_c_ends_it_within_a_second(how: str, tmp_path: Path) -> None:
    log = tmp_path / "long.csv"
    # What comes again is not looked at again: the rows differ.
    row = "4688,2026-03-02 08:00:00,WS01,A new process has been created: {}\n"
    log.write_text("Event ID,Logged,Computer,Description\n" + "".join(map(row.format, range(2_000_000))))
    program = textwrap.dedent(
        """
        import itertools, sys, evtmap
        how, path = sys.argv[1:]
        event = {"Channel": "Security", "EventID": 4688}
        frame = None
        if how == "enrich":
            import pyarrow
            frame = pyarrow.table({"EventID": [4688] * 8_000_000, "Channel": ["Security"] * 8_000_000})
        scanner = evtmap.Scanner()
        print("ready", flush=True)
        try:
            if how == "map":
                scanner.map([path] * 1)
            elif how == "scan":
                for alert in scanner.scan(path):
                    pass
            elif how == "generator":
                scanner.map(itertools.repeat(event))
            else:
                evtmap.enrich(frame, scanner=scanner)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        """
    )
    arguments = [sys.executable, "-c", program, how, str(log)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(0.5)
        started = time.monotonic()
        child.send_signal(signal.SIGINT)
        assert child.stdout.readline() == "interrupted\n"
        assert time.monotonic() - started < 1
        assert child.wait(10) == 0
