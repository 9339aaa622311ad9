"""What a notebook shows: numbers, a heat map, what to look at first; and hostile text stays text."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import evtmap

HOSTILE = "<script>alert('x')</script>\"'><img src=x onerror=alert(1)>\u202e\x1b[31m" + "A" * 10_000
RULE = f"""\
title: "Odd {HOSTILE[:60].replace('"', "")}"
logsource: {{product: windows, service: security}}
tags: [attack.t1110]
author: "<b>Eve</b>"
detection:
  selection: {{EventID: 4625}}
  condition: selection
level: high
"""


class Tags(HTMLParser):
    """The tags that there are, and whether all are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: "set[str]" = set()
        self.open: "list[str]" = []

    def handle_starttag(self, tag: str, attrs: "list[tuple[str, str | None]]") -> None:
        self.tags.add(tag)
        self.open.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def tags(html: str) -> "set[str]":
    parser = Tags()
    parser.feed(html)
    assert parser.open == []
    return parser.tags


def test_the_incident(incident: Path) -> None:
    html = evtmap.map(incident)._repr_html_()
    assert tags(html) <= {"style", "div", "p", "b", "i", "span", "table", "tr", "th", "td", "code"}
    for text in ("91 detections", "Credential Access", "LSASS Memory", "2,722 events", "1 files"):
        assert text in html
    assert len(html) < 100_000


def test_hostile_text_stays_text() -> None:
    event = {"Channel": "Security", "EventID": 4625, "Computer": HOSTILE, "TargetUserName": HOSTILE}
    html = evtmap.map([event] * 3, evtmap.Rules.from_text(RULE))._repr_html_()
    assert tags(html) <= {"style", "div", "p", "b", "i", "span", "table", "tr", "th", "td"}
    assert "&lt;script&gt;" in html and "&lt;b&gt;Eve" in html
    assert "\x1b" not in html and "\u202e" not in html
    assert len(html) < 10_000


def test_nothing_found() -> None:
    html = evtmap.map([])._repr_html_()
    assert "0 detections" in html
    tags(html)
