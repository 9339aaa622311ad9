"""How far a scan has come, for people."""

from __future__ import annotations

import sys
from typing import Any, Optional


class Bar:
    """A bar of tqdm, or a line on standard error where tqdm is not installed."""

    def __init__(self) -> None:
        self._bar: Optional[Any] = None
        self._done = 0
        self._has_line = False
        try:
            from tqdm.auto import tqdm
        except ImportError:
            self._tqdm: Optional[Any] = None
        else:
            self._tqdm = tqdm

    def __call__(self, done: int, total: int, events: int, detections: int) -> None:
        text = f"{events:,} events, {detections:,} detections"
        if self._tqdm is None:
            self._has_line = True
            print(f"\r{text}", end="", file=sys.stderr, flush=True)
            return
        if self._bar is None:
            self._bar = self._tqdm(total=total or None, unit="B", unit_scale=True)
        self._bar.update(done - self._done)
        self._bar.set_postfix_str(text)
        self._done = done

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
        if self._has_line:
            print(file=sys.stderr)


def bar() -> Bar:
    """A new bar."""
    return Bar()
