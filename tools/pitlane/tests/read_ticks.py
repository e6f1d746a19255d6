#!/usr/bin/env python3
"""Reads a tick store from outside the engine, without a copy.

    read_ticks.py DIR              what is committed now
    read_ticks.py DIR --follow     go along with a writer until it closes the store
    read_ticks.py DIR --crc        check the CRC of every record as well

The engine writes `schema.json` beside the segments; every offset and type used here comes from it.
A segment is mapped once; its records are views of the mapping.
Output: one JSON object on stdout, keys sorted. A store that is not whole is an error, exit status 1.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np


class NotWhole(Exception):
    """The store breaks a promise of its format."""


def demand(condition, what):
    if not condition:
        raise NotWhole(what)


def dtype_of(table):
    return np.dtype({key: table[key] for key in ("names", "formats", "offsets", "itemsize")})


class Segment:
    """One mapped segment: words of the header, the column of CRCs, the column of records."""

    def __init__(self, path, schema):
        layout = schema["layout"]
        self.path, self.layout = path, layout
        self.bytes = np.memmap(path, dtype=np.uint8, mode="r")
        demand(bytes(self.bytes[:8]) == layout["magic"].encode(), f"{path.name}: not a segment")
        demand(self.word("version") == schema["version"], f"{path.name}: another version")
        demand(f"{self.word('schema'):016x}" == schema["schema_hash"], f"{path.name}: another schema")
        self.first = self.word("first_sequence")
        self.capacity = self.word("capacity")
        demand(path.name == f"{self.first:020}.seg", f"{path.name}: not the name of its first record")
        self.dtype = dtype_of(schema["record"])
        align = layout["header_bytes"]
        column = -(-self.capacity * layout["crc_bytes"] // align) * align
        self.records_at = layout["header_bytes"] + column

    def word(self, name):
        at = self.layout["offset_" + name]
        return int(self.bytes[at : at + 8].view("<u8")[0])

    def committed(self):
        return self.word("committed")

    def is_closed(self):
        return self.word("closed") != 0

    def records(self, start, stop):
        """The records as a structured array that owns no memory: the mapping itself."""
        size = self.layout["record_bytes"]
        view = self.bytes[self.records_at + start * size : self.records_at + stop * size].view(self.dtype)
        demand(isinstance(view, np.memmap) and not view.flags.owndata, "the records were copied")
        demand(stop == start or np.shares_memory(view, self.bytes), "the records were copied")
        return view

    def crcs(self, start, stop):
        at, size = self.layout["header_bytes"], self.layout["crc_bytes"]
        return self.bytes[at + start * size : at + stop * size].view("<u4")


def crc32c_table():
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(0x82F63B78), table >> 1)
    return table


CRC32C = crc32c_table()


def crc32c(rows):
    """CRC32C of each row of bytes."""
    crc = np.full(len(rows), 0xFFFFFFFF, dtype=np.uint32)
    for column in range(rows.shape[1]):
        crc = CRC32C[(crc ^ rows[:, column]) & 0xFF] ^ (crc >> 8)
    return ~crc


class Reader:
    """Follows the committed records of a store and checks them as they come."""

    def __init__(self, directory, check_crc):
        self.directory, self.check_crc = directory, check_crc
        self.schema = json.loads((directory / "schema.json").read_text(encoding="utf-8"))
        demand(self.schema["format"] == "pitlane-tick-store", "schema.json is of something else")
        self.segment, self.read_here = None, 0
        self.first = self.next = None
        self.last_time = None
        self.counts = np.zeros(256, dtype=np.int64)
        self.segments = self.records = self.crc_checked = 0

    def _names(self):
        return sorted(path for path in self.directory.iterdir() if path.suffix == ".seg")

    def step(self):
        """Takes what is committed in the present segment, or moves on. Says whether there was anything to do."""
        if self.segment is None:
            return self._enter(self._names()[:1])
        # the order matters: a segment that says closed has said all it will
        closed, committed = self.segment.is_closed(), self.segment.committed()
        if committed > self.read_here:
            self._take(self.read_here, committed)
            self.read_here = committed
            return True
        if closed:
            return self._enter([path for path in self._names() if path.name > self.segment.path.name][:1])
        return False

    def is_finished(self):
        """A closed segment without a successor closes the store."""
        return self.segment is not None and self.segment.is_closed() and not self.step()

    def _enter(self, paths):
        for path in paths:
            segment = Segment(path, self.schema)
            demand(self.next in (None, segment.first), f"{path.name}: records are missing before it")
            self.segment, self.read_here = segment, 0
            self.segments += 1
            if self.first is None:
                self.first = self.next = segment.first
            return True
        return False

    def _take(self, start, stop):
        records = self.segment.records(start, stop)
        want = np.arange(self.segment.first + start, self.segment.first + stop, dtype=np.uint64)
        demand(np.array_equal(records["sequence"], want), "a hole in the sequence")
        times = records["ts_recv"]
        demand(self.last_time is None or times[0] >= self.last_time, "sequence time runs backwards")
        demand(bool(np.all(times[1:] >= times[:-1])), "sequence time runs backwards")
        if self.check_crc:
            rows = records.view(np.uint8).reshape(len(records), -1)
            demand(np.array_equal(crc32c(rows), self.segment.crcs(start, stop)), "a record differs from its CRC")
            self.crc_checked += len(records)
        self.counts += np.bincount(records["kind"], minlength=256)
        self.last_time = int(times[-1])
        self.records += len(records)
        self.next = self.segment.first + stop

    def report(self):
        names = {kind["code"]: name for name, kind in self.schema["kinds"].items()}
        kinds = {names.get(code, f"unknown_{code}"): int(n) for code, n in enumerate(self.counts) if n}
        return {
            "segments": self.segments,
            "records": self.records,
            "first_sequence": self.first if self.records else None,
            "last_sequence": self.next - 1 if self.records else None,
            "last_ts_recv": self.last_time,
            "kinds": kinds,
            "crc_checked": self.crc_checked,
            "closed": self.is_finished(),
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--follow", action="store_true", help="until the writer closes the store")
    parser.add_argument("--crc", action="store_true", help="check the CRC of every record")
    parser.add_argument("--timeout", type=float, default=60.0, help="seconds to follow at most")
    options = parser.parse_args()
    deadline = time.monotonic() + options.timeout
    grew = 0
    try:
        # the directory appears when the engine starts
        while options.follow and not (options.directory / "schema.json").exists():
            demand(time.monotonic() < deadline, "no schema.json appeared")
            time.sleep(0.01)
        reader = Reader(options.directory, options.crc)
        while True:
            while reader.step():
                grew += 1
            if not options.follow or reader.is_finished():
                break
            demand(time.monotonic() < deadline, "the store was not closed in time")
            time.sleep(0.001)
        json.dump(reader.report() | {"steps": grew}, sys.stdout, sort_keys=True, indent=1)
        print()
    except (NotWhole, OSError) as error:
        sys.exit(f"{options.directory}: {error}")


if __name__ == "__main__":
    main()
