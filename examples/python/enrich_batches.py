"""Adds to batches of events what rules find in each: what a worker of a cluster does.

Usage: python enrich_batches.py EVENTS.csv ENRICHED.parquet

The same function goes to Spark as `frame.mapInArrow(enrich_all, schema)` and to Ray as
`dataset.map_batches(enrich, batch_format="pyarrow")`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

import evtmap
import pyarrow
import pyarrow.csv
import pyarrow.parquet


def enrich(batch: pyarrow.RecordBatch) -> pyarrow.RecordBatch:
    """One batch in, one batch out. Rules are made ready once a process."""
    enriched: pyarrow.RecordBatch = evtmap.enrich(batch)
    return enriched


def enrich_all(batches: Iterable[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
    """All batches that a worker is given."""
    return map(enrich, batches)


def main(events: str, enriched: str) -> None:
    """Enrich a CSV, batch by batch, into a Parquet file."""
    with pyarrow.csv.open_csv(events) as batches:
        writer = None
        for batch in enrich_all(batches):
            if writer is None:
                writer = pyarrow.parquet.ParquetWriter(enriched, batch.schema)
            writer.write_batch(batch)
        if writer is not None:
            writer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
