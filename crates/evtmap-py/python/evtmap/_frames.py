"""Frames of pandas, polars and Arrow, in and out."""

from __future__ import annotations

import sys
from typing import Any, Mapping, Optional, Union

from ._errors import OptionError
from ._native import Alerts, Labels, Scanner

_HELP = "install it with `pip install {name}`"


def _module(name: str) -> Any:
    """A module that a frame needs."""
    try:
        return __import__(name)
    except ImportError as error:
        raise ImportError(f"this needs {name}: {_HELP.format(name=name)}") from error


def _is(frame: object, module: str, name: str) -> bool:
    """Whether a frame is of a class; its module is imported then."""
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(frame, getattr(loaded, name))


def to_arrow(alerts: Alerts) -> Any:
    return _module("pyarrow").table(alerts)


def to_polars(alerts: Alerts) -> Any:
    return _module("polars").DataFrame(alerts)


def to_pandas(told: Union[Alerts, Labels]) -> Any:
    """A frame in which lists are tuples: rows of equal lists have the same one, and they can be grouped by."""
    pandas, pyarrow = _module("pandas"), _module("pyarrow")
    table = pyarrow.table(_Told(told))
    lists = [field.name for field in table.schema if pyarrow.types.is_dictionary(field.type)]
    frame = table.select([name for name in table.column_names if name not in lists]).to_pandas()
    for position, name in enumerate(table.column_names):
        if name in lists:
            frame.insert(position, name, pandas.Series(_tuples(table[name]), dtype=object, copy=False))
    return frame


class _Told:
    """What is told, with each list once."""

    def __init__(self, told: Union[Alerts, Labels]) -> None:
        self._told = told

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._told._told_stream()


def _tuples(column: Any) -> Any:
    """The lists that rows have, as tuples. Equal ones are one and the same."""
    numpy = _module("numpy")
    known: "dict[tuple[str, ...], tuple[str, ...]]" = {}
    rows, start = numpy.empty(len(column), dtype=object), 0
    for chunk in column.chunks:
        tuples = numpy.empty(len(chunk.dictionary), dtype=object)
        for place, texts in enumerate(chunk.dictionary.to_pylist()):
            own = tuple(texts)
            tuples[place] = known.setdefault(own, own)
        end = start + len(chunk)
        # Straight to where they belong: new memory costs more than what is done with it.
        numpy.take(tuples, chunk.indices.to_numpy(), out=rows[start:end], mode="clip")
        start = end
    return rows


def readable(frame: Any) -> Any:
    """The frame as one that Arrow can take: columns of pandas that hold values of several kinds become text."""
    if not _is(frame, "pandas", "DataFrame"):
        return frame
    pyarrow = _module("pyarrow")
    try:
        return pyarrow.Table.from_pandas(frame, preserve_index=False)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, UnicodeError):
        mixed = [name for name, kind in frame.dtypes.items() if kind == object]
        text = {name: frame[name].map(_text) for name in mixed}
        return pyarrow.Table.from_pandas(frame.assign(**text), preserve_index=False)


def _text(value: object) -> Optional[str]:
    if value is None or value != value:
        return None
    return str(value).encode("utf-8", "replace").decode("utf-8")


def enrich(
    frame: Any,
    columns: Optional[Mapping[str, str]] = None,
    rules: Any = None,
    attack: Any = None,
    *,
    scanner: Optional[Scanner] = None,
    prefix: str = "",
    **options: Any,
) -> Any:
    """Add to a frame of events what rules find in each.

    Rules are made ready once a process, so this can be called for each of many batches, as cluster engines do.
    Correlations, which are about several events, are no part of it.

    Parameters
    ----------
    frame : pandas.DataFrame, polars.DataFrame, pyarrow.Table, pyarrow.RecordBatch or the like
        Events, one a row. Columns are known by the names under which exports and Sigma have them.
    columns : mapping of str to str, optional
        Which column is which field, where the names do not say it: ``{"code": "EventID"}``.
    rules, attack : optional
        As for :func:`evtmap.map`.
    scanner : Scanner, optional
        What is asked, instead of ``rules``, ``attack`` and ``options``. It can be pickled.
    prefix : str, optional
        What stands before the names of the new columns.
    **options
        Those of :class:`Scanner`.

    Returns
    -------
    frame
        Of the same kind, with the columns ``kind``, ``severity``, ``technique_id``, ``technique_name``,
        ``rule_id``, ``rule_title`` and ``rule_author`` of the most severe finding, and ``technique_ids``,
        ``tactic_names`` and ``n_detections`` of all. They are null, or empty, where nothing is found.

    Raises
    ------
    OptionError
        When the frame has one of these columns already; a ``prefix`` helps.
    InputError
        When no column is known to be an event id.

    Examples
    --------
    >>> frame = pandas.read_csv("events.csv")  # doctest: +SKIP
    >>> evtmap.enrich(frame)[["Event ID", "severity", "technique_id"]]  # doctest: +SKIP
    >>> spark_frame.mapInArrow(lambda batches: map(evtmap.enrich, batches), schema)  # doctest: +SKIP
    """
    if scanner is None:
        if columns is not None:
            options["columns"] = dict(columns)
        scanner = Scanner(rules, attack, **options)
    elif columns is not None or rules is not None or attack is not None or options:
        raise OptionError("`scanner` says already what is asked", help="give the options to the scanner")
    labels = scanner.label(frame)
    if _is(frame, "pandas", "DataFrame"):
        return _beside_pandas(frame, labels, prefix)
    if _is(frame, "polars", "DataFrame"):
        added = _module("polars").DataFrame(labels)
        names = _names(added.columns, list(frame.columns), prefix)
        return frame.hstack([added[name].alias(new) for name, new in names.items()])
    pyarrow = _module("pyarrow")
    added = pyarrow.table(labels)
    if isinstance(frame, pyarrow.RecordBatch):
        names = _names(added.column_names, frame.schema.names, prefix)
        arrays = [column.combine_chunks() for column in added.columns]
        for new, array in zip(names.values(), arrays):
            frame = frame.append_column(new, array)
        return frame
    table = frame if isinstance(frame, pyarrow.Table) else pyarrow.table(frame)
    names = _names(added.column_names, table.column_names, prefix)
    for name, new in names.items():
        table = table.append_column(new, added[name])
    return table


def _beside_pandas(frame: Any, labels: Labels, prefix: str) -> Any:
    pandas = _module("pandas")
    added = to_pandas(labels)
    names = _names(list(added.columns), list(frame.columns), prefix)
    added = added.rename(columns=names).set_index(frame.index)
    return pandas.concat([frame, added], axis=1)


def _names(added: "list[str]", there: "list[Any]", prefix: str) -> "dict[str, str]":
    """The names of new columns, none of which is there."""
    names = {name: prefix + name for name in added}
    taken = [new for new in names.values() if new in there]
    if taken:
        shown = ", ".join(f"`{name}`" for name in taken)
        raise OptionError(f"the frame has {shown} already", help='give a prefix, such as `prefix="attack_"`')
    return names
