"""The reader against stores made here, whole and broken."""

import json
import struct
import tempfile
import unittest
from pathlib import Path

import numpy as np

from read_ticks import NotWhole, Reader, crc32c

HEADER = 4096
SCHEMA = {
    "format": "pitlane-tick-store",
    "version": 1,
    "schema_hash": f"{0xABCDEF:016x}",
    "layout": {
        "magic": "PITLTICK",
        "header_bytes": HEADER,
        "record_bytes": 64,
        "crc_bytes": 4,
        "offset_version": 8,
        "offset_schema": 16,
        "offset_first_sequence": 24,
        "offset_capacity": 32,
        "offset_committed": 128,
        "offset_closed": 384,
    },
    "record": {
        "names": ["sequence", "ts_event", "ts_recv", "kind"],
        "formats": ["<u8", "<i8", "<i8", "u1"],
        "offsets": [0, 8, 16, 24],
        "itemsize": 64,
    },
    "kinds": {"trade": {"code": 1}, "quote": {"code": 2}},
}


class Store:
    """A directory written the way the format says, by someone else than the engine."""

    def __init__(self, directory):
        self.directory = Path(directory)
        (self.directory / "schema.json").write_text(json.dumps(SCHEMA))

    def segment(self, first, kinds, capacity=10, closed=False, sequences=None, times=None):
        data = bytearray(HEADER + HEADER + 64 * capacity)
        words = {0: int.from_bytes(b"PITLTICK", "little"), 8: 1, 16: 0xABCDEF, 24: first, 32: capacity}
        words |= {128: len(kinds), 384: len(kinds) + 1 if closed else 0}
        for at, word in words.items():
            struct.pack_into("<Q", data, at, word)
        for at, kind in enumerate(kinds):
            sequence = sequences[at] if sequences else first + at
            time = times[at] if times else sequence
            record = struct.pack("<QqqB", sequence, 0, time, kind).ljust(64, b"\x07")
            data[2 * HEADER + 64 * at : 2 * HEADER + 64 * at + 64] = record
            row = np.frombuffer(record, dtype=np.uint8).reshape(1, 64)
            struct.pack_into("<I", data, HEADER + 4 * at, int(crc32c(row)[0]))
        path = self.directory / f"{first:020}.seg"
        path.write_bytes(data)
        return path


def read(directory):
    reader = Reader(Path(directory), check_crc=True)
    while reader.step():
        pass
    return reader


class ReadTicks(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.store = Store(folder.name)

    def test_crc32c_is_the_published_one(self):
        digits = np.frombuffer(b"123456789", dtype=np.uint8).reshape(1, 9)
        self.assertEqual(int(crc32c(digits)[0]), 0xE3069283)

    def test_segments_follow_each_other(self):
        self.store.segment(1, [1, 2, 2], closed=True)
        self.store.segment(4, [1])
        reader = read(self.store.directory)
        got = reader.report()
        self.assertEqual((got["records"], got["last_sequence"], got["segments"]), (4, 4, 2))
        self.assertEqual(got["kinds"], {"quote": 2, "trade": 2})
        self.assertEqual((got["crc_checked"], got["closed"]), (4, False))

    def test_a_closed_store_is_finished(self):
        self.store.segment(1, [1, 2], closed=True)
        self.assertTrue(read(self.store.directory).is_finished())

    def test_what_is_not_committed_is_not_read(self):
        path = self.store.segment(1, [1, 1, 1])
        with path.open("r+b") as file:
            file.seek(128)
            file.write(struct.pack("<Q", 2))
        reader = read(self.store.directory)
        self.assertEqual(reader.records, 2)
        with path.open("r+b") as file:
            file.seek(128)
            file.write(struct.pack("<Q", 3))
        self.assertTrue(reader.step())
        self.assertEqual(reader.records, 3)

    def test_broken_promises_are_named(self):
        def check(what, **segment):
            for path in self.store.directory.glob("*.seg"):
                path.unlink()
            self.store.segment(1, [1, 1, 1], **segment)
            with self.assertRaisesRegex(NotWhole, what):
                read(self.store.directory)

        check("a hole", sequences=[1, 2, 4])
        check("runs backwards", times=[1, 3, 2])
        path = self.store.segment(1, [1, 1, 1])
        data = bytearray(path.read_bytes())
        data[2 * HEADER + 64 + 40] ^= 1
        path.write_bytes(data)
        with self.assertRaisesRegex(NotWhole, "CRC"):
            read(self.store.directory)

    def test_a_missing_segment_is_named(self):
        self.store.segment(1, [1, 2, 2], closed=True)
        self.store.segment(5, [1])
        with self.assertRaisesRegex(NotWhole, "missing before"):
            read(self.store.directory)

    def test_records_are_the_mapping(self):
        self.store.segment(1, [1, 2])
        reader = read(self.store.directory)
        view = reader.segment.records(0, 2)
        self.assertFalse(view.flags.owndata)
        self.assertIsInstance(view, np.memmap)
        self.assertTrue(np.shares_memory(view, reader.segment.bytes))


if __name__ == "__main__":
    unittest.main()
