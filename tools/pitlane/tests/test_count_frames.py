"""The counter itself: the venue's rules on small examples, and figures of the sample known from elsewhere."""

import unittest
from decimal import Decimal

from count_frames import RUNS, SAMPLE, Bars, Book, count


def event(first_id, last_id, prev_id=None, bids=(), asks=()):
    return {"U": first_id, "u": last_id, "pu": prev_id, "b": list(bids), "a": list(asks)}


def snapshot(last_id):
    return {"lastUpdateId": last_id, "bids": [["10", "1"]], "asks": [["11", "1"]]}


class Rules(unittest.TestCase):
    def follow(self, book, events, last_id):
        for item in events:
            book.diff(item)
        self.assertTrue(book.synced)
        self.assertEqual(book.last_id, last_id)

    def test_spot(self):
        book = Book(futures=False)
        for ids in ((150, 155), (156, 160)):
            book.diff(event(*ids))
        book.snapshot(snapshot(160))
        self.assertEqual((book.last_id, book.stale), (160, 2))
        self.follow(book, [event(161, 165), event(166, 170)], 170)
        book.diff(event(172, 175))
        self.assertEqual((book.synced, book.gaps, len(book.waiting)), (False, 1, 1))

    def test_spot_event_that_straddles_the_snapshot(self):
        book = Book(futures=False)
        for ids in ((150, 155), (156, 160)):
            book.diff(event(*ids))
        book.snapshot(snapshot(158))
        self.assertEqual((book.last_id, book.applied), (160, 1))

    def test_spot_snapshot_older_than_what_waits(self):
        book = Book(futures=False)
        book.diff(event(161, 165))
        book.snapshot(snapshot(150))
        self.assertEqual((book.synced, book.refused), (False, 1))

    def test_futures(self):
        book = Book(futures=True)
        book.diff(event(150, 158, 149))
        book.snapshot(snapshot(160))
        self.assertEqual(book.stale, 1)
        self.follow(book, [event(157, 162, 158), event(170, 175, 162)], 175)
        book.diff(event(180, 190, 176))
        self.assertEqual((book.synced, book.gaps), (False, 1))

    def test_levels(self):
        book = Book(futures=False)
        book.snapshot(snapshot(1))
        book.diff(event(2, 2, bids=[["10.50", "2"], ["10", "0"], ["9", "0"]], asks=[["11", "5"]]))
        self.assertEqual(book.best(), (Decimal("10.5"), 2, Decimal(11), 5))

    def test_bars_are_flat_where_nothing_traded(self):
        bars = Bars()
        bars.trade(60_000, Decimal(5), Decimal(1), True)
        bars.trade(180_001, Decimal(6), Decimal(2), False)
        bars.trade(179_999, Decimal(7), Decimal(1), False)
        self.assertEqual([bar["start"] for bar in bars.rows], [60_000, 120_000, 180_000])
        self.assertEqual(bars.rows[1]["volume"], 0)
        self.assertEqual((bars.rows[2]["high"], bars.late), (7, 1))


class Sample(unittest.TestCase):
    """Counts and comparisons published with the data, beside `sample/ORIGIN.md`."""

    def check(self, name, kinds, compared, different):
        venue, files = RUNS[name]
        got = count(venue, [SAMPLE / file for file in files])
        self.assertEqual(got["frames_by_kind"], kinds)
        self.assertEqual((got["trade_gaps"], got["book"]["gaps"]), (0, 0))
        self.assertTrue(got["book"]["synced"])
        self.assertEqual(sum(bar["trades"] for bar in got["bars_1m"]), got["trades"])
        self.assertEqual(sum(Decimal(bar["volume"]) for bar in got["bars_1m"]), Decimal(got["volume"]))
        ticker = got["book_ticker"]
        self.assertEqual((ticker["compared"], len(ticker["different"])), (compared, different))

    def test_spot(self):
        kinds = {"bookTicker": 73174, "trade": 19904, "depthUpdate": 6495, "depthSnapshot": 1}
        # the recorder missed the next bookTicker twice
        self.check("binance-spot", kinds, 6493, 2)

    def test_usdm(self):
        kinds = {"bookTicker": 66089, "trade": 21313, "depthUpdate": 6551, "depthSnapshot": 1}
        self.check("binance-usdm", kinds, 6547, 0)


if __name__ == "__main__":
    unittest.main()
