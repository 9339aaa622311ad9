"""The logs of this Windows computer."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from typing import Any, Dict, Iterable, List, Optional, Union

import evtmap

#: The program of Windows that exports logs.
_EXPORTER = "wevtutil"


def parse_windows_event_log(
    log_name: str = "Security",
    max_events: Optional[int] = None,
    event_ids: Optional[Iterable[Union[int, str]]] = None,
) -> List[Dict[str, Any]]:
    """The events of a log of this computer, newest first.

    Needs Windows, and for most logs the rights of an administrator.

    Parameters
    ----------
    log_name : str, optional
        The log.
    max_events : int, optional
        How many events to give, at most.
    event_ids : iterable of int or str, optional
        Only events with these ids.

    Returns
    -------
    list of dict
        As :func:`parse_windows_csv` gives them.

    Raises
    ------
    evtmap.InputError
        When the log cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="evtmap-") as folder:
        path = os.path.join(folder, "exported.evtx")
        _export(log_name, path, event_ids)
        scanner = evtmap.Scanner(evtmap.Rules.default(), all_events=True)
        events: Dict[int, Dict[str, Any]] = {}
        for alert in scanner.scan(path):
            events.setdefault(alert.position, _event(alert))
    newest_first = list(events.values())[::-1]
    return newest_first if max_events is None else newest_first[: max(max_events, 0)]


def _export(log_name: str, path: str, event_ids: Optional[Iterable[Union[int, str]]]) -> None:
    program = shutil.which(_EXPORTER)
    if program is None:
        raise evtmap.InputError(
            f"the log `{log_name}` can be read on Windows only",
            code="input-no-windows",
            help="export it there, and read the file with `parse_windows_csv` or `evtmap.map`",
        )
    command = [program, "export-log", log_name, path, "/overwrite:true"]
    if event_ids is not None:
        wanted = " or ".join(f"EventID={int(event_id)}" for event_id in event_ids)
        command.append(f"/query:*[System[({wanted})]]")
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        reason = (done.stderr or done.stdout).strip() or f"{_EXPORTER} ended with status {done.returncode}"
        raise evtmap.InputError(
            f"the log `{log_name}` cannot be read: {reason}",
            code="input-denied",
            help="run as administrator",
        )


def _event(alert: evtmap.Alert) -> Dict[str, Any]:
    row: Dict[str, Any] = {
        "EventID": alert.event_id,
        "Channel": alert.channel,
        "Provider_Name": alert.provider,
        "Computer": alert.computer,
        "TimeCreated_SystemTime": alert.time.isoformat() if alert.time else "",
    }
    fields = {name: value for name, value in alert.fields.items() if name not in row}
    message = alert.message or "\n".join(f"{name}: {value}" for name, value in fields.items() if value)
    return {
        "timestamp": row["TimeCreated_SystemTime"],
        "host": alert.computer,
        "event_id": str(alert.event_id if alert.event_id is not None else ""),
        "user": alert.user or "",
        "source": "windows_security",
        "raw_message": message,
        "original_row": {**row, **fields},
    }
