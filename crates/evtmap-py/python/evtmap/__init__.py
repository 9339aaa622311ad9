"""Windows event logs in, MITRE ATT&CK out.

>>> import evtmap
>>> alerts = evtmap.map("logs/")  # doctest: +SKIP
>>> alerts.to_pandas()  # doctest: +SKIP
"""

from __future__ import annotations

from . import _frames as _frames  # gives Alerts its frames
from ._errors import (
    AttackError,
    EvtmapError,
    EvtmapWarning,
    InputError,
    InputWarning,
    OptionError,
    RecordWarning,
    RulesError,
    RuleWarning,
    UpdateError,
)
from ._frames import enrich
from ._native import (
    Alert,
    Alerts,
    AlertStream,
    Attack,
    Labels,
    LiveLog,
    Rules,
    Scanner,
    Tactic,
    Technique,
    __version__,
    live,
    map,
)

__all__ = [
    "Alert",
    "AlertStream",
    "Alerts",
    "Attack",
    "AttackError",
    "EvtmapError",
    "EvtmapWarning",
    "InputError",
    "InputWarning",
    "Labels",
    "LiveLog",
    "OptionError",
    "RecordWarning",
    "RuleWarning",
    "Rules",
    "RulesError",
    "Scanner",
    "Tactic",
    "Technique",
    "UpdateError",
    "__version__",
    "enrich",
    "live",
    "map",
]
