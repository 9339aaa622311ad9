"""The logs of this Windows computer."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Optional, Set, Tuple, Union

import evtmap

#: How many ids a query may name: Windows refuses expressions that are much longer.
_N_IDS_ASKED_FOR = 20


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
    wanted = None if event_ids is None else {int(event_id) for event_id in event_ids}
    xpath = _xpath(wanted)
    log = evtmap.live(log_name, xpath=xpath, newest_first=True, messages=True)
    if wanted == set() or (max_events is not None and max_events <= 0):
        return []
    # Where Windows is asked for these ids alone, no more is read than is wanted.
    n_read = max_events if wanted is None or xpath is not None else None
    scanner = evtmap.Scanner(evtmap.Rules.default(), all_events=True, max_events=n_read)
    events: Dict[Tuple[str, int], Dict[str, Any]] = {}
    # An event has as many alerts as rules that found it, and one when none did.
    for alert in scanner.scan(log):
        place = (alert.path, alert.position)
        if place in events or (wanted is not None and alert.event_id not in wanted):
            continue
        if max_events is not None and len(events) >= max_events:
            break
        events[place] = _event(alert)
    return list(events.values())


def _xpath(event_ids: Optional[Set[int]]) -> Optional[str]:
    """The query for these ids; none when there are too many or too few to ask for."""
    if not event_ids or len(event_ids) > _N_IDS_ASKED_FOR:
        return None
    return f"*[System[({' or '.join(f'EventID={event_id}' for event_id in sorted(event_ids))})]]"


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
