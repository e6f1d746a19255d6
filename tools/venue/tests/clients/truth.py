"""What a capture of one spot symbol says, read with Python's json and decimals, and the checks made of it.

It shares nothing with the venue: whatever a client saw is compared with the file itself.
"""

import argparse
import gzip
import json
import time
import urllib.request
from bisect import bisect_right
from decimal import Decimal
from importlib.metadata import version

INTERVALS = {"1s": 1_000, "1m": 60_000, "3m": 180_000, "5m": 300_000, "1h": 3_600_000}


def numbers(levels):
    """Levels as pairs of decimals, whatever the client made of the venue's text."""
    return [(Decimal(str(px)), Decimal(str(qty))) for px, qty in (level[:2] for level in levels)]


class Capture:
    """Trades, books, tickers and bars of one symbol."""

    def __init__(self, paths):
        self.trades = {}  # id -> (price, quantity, time in ms, buyer is maker)
        self.tickers = {}  # update id -> (bid, its quantity, ask, its quantity)
        self.updates = []  # (first update id, last update id, bids, asks), in order
        self.snapshot = None
        for path in paths:
            with gzip.open(path, "rt", encoding="ascii") as lines:
                for line in lines:
                    message = json.loads(line.split(" ", 1)[1])
                    self._take(message.get("data", message))
        self.last_ids = [update[1] for update in self.updates]
        self.ids = sorted(self.trades)
        self._held = None  # the book the last question was about: (updates taken, both sides)

    def _take(self, data):
        kind = data.get("e", "bookTicker" if "A" in data else None)
        if kind == "trade":
            self.trades[data["t"]] = (Decimal(data["p"]), Decimal(data["q"]), data["T"], data["m"])
        elif kind == "bookTicker":
            self.tickers[data["u"]] = tuple(Decimal(data[key]) for key in "bBaA")
        elif kind == "depthUpdate":
            self.updates.append((data["U"], data["u"], data["b"], data["a"]))
        elif "lastUpdateId" in data and self.snapshot is None:
            self.snapshot = data

    def book_at(self, last_id):
        """Both sides, best first, when `last_id` was the book's; None if no book ever had it."""
        known = self.snapshot["lastUpdateId"]
        end = bisect_right(self.last_ids, last_id)
        if last_id != known and (end == 0 or self.last_ids[end - 1] != last_id or last_id < known):
            return None
        if self._held is None or self._held[0] > end:
            sides = [dict(numbers(self.snapshot[side])) for side in ("bids", "asks")]
            self._held = (bisect_right(self.last_ids, known), sides)
        at, sides = self._held
        for _, _, *changes in self.updates[at:end]:
            for side, change in zip(sides, changes):
                for px, qty in numbers(change):
                    if qty:
                        side[px] = qty
                    else:
                        side.pop(px, None)
        self._held = (max(at, end), sides)
        return sorted(sides[0].items(), reverse=True), sorted(sides[1].items())

    def bar(self, start, interval, last_id=None, count=None):
        """The bar that opens at `start` ms: all its trades, those up to an id, or its first `count`."""
        end = start + INTERVALS[interval]
        ids = [i for i in self.ids if start <= self.trades[i][2] < end and (last_id is None or i <= last_id)]
        rows = [self.trades[i] for i in ids[:count]]
        if not rows:
            return None
        prices = [row[0] for row in rows]
        taker = [row for row in rows if not row[3]]
        return {
            "open": prices[0],
            "high": max(prices),
            "low": min(prices),
            "close": prices[-1],
            "volume": sum(row[1] for row in rows),
            "quote": sum(row[0] * row[1] for row in rows),
            "trades": len(rows),
            "taker_base": sum(row[1] for row in taker),
            "taker_quote": sum(row[0] * row[1] for row in taker),
        }


class Checks:
    """Counts what holds and names what does not."""

    def __init__(self, client, package):
        self.client, self.package = client, package
        self.done, self.failed, self.saw, self.since = 0, [], {}, time.monotonic()

    def that(self, holds, *what):
        """One check; `what` is shown if it does not hold."""
        self.done += 1
        if not holds:
            self.failed.append(" ".join(str(part) for part in what)[:400])
        return bool(holds)

    def same(self, got, wanted, *what):
        """One comparison."""
        return self.that(got == wanted, *what, "is", got, "and not", wanted)

    def saw_some(self, name, count, at_least=1):
        """So many of a thing; too few is a failure."""
        self.saw[name] = self.saw.get(name, 0) + count
        self.that(self.saw[name] >= at_least, name, "came", self.saw[name], "times, wanted", at_least)

    def texts(self, values, *what):
        """The venue gives its decimals as text."""
        values = list(values)
        self.that(all(isinstance(value, str) for value in values), *what, "are not all text:", values[:4])

    def end(self):
        """Prints the result; the exit code."""
        found = {
            "client": self.client,
            "version": version(self.package),
            "checks": self.done,
            "failed": self.failed[:20],
            "saw": self.saw,
            "seconds": round(time.monotonic() - self.since, 1),
        }
        print(json.dumps(found))
        return 1 if self.failed else 0


class Spot(Checks):
    """Checks of the venue's own fields, for the clients that hand them on as they are."""

    def __init__(self, client, package, capture):
        super().__init__(client, package)
        self.capture = capture

    def trade(self, where, trade_id, px, qty, at, maker):
        """One trade of the capture."""
        known = self.capture.trades.get(trade_id)
        self.same((Decimal(str(px)), Decimal(str(qty)), at, maker), known, where, "trade", trade_id)

    def agg_trade(self, where, row):
        """An aggregate: its trades have its price and side, and sum up to its quantity."""
        ids = range(row["f"], row["l"] + 1)
        parts = [self.capture.trades.get(i) for i in ids]
        if not self.that(parts and all(parts), where, "aggTrade", row["a"], "holds unknown trades", ids):
            return
        self.texts((row["p"], row["q"]), where, "price and quantity")
        self.same({part[0] for part in parts}, {Decimal(row["p"])}, where, "price of", row["a"])
        self.same(sum(part[1] for part in parts), Decimal(row["q"]), where, "quantity of", row["a"])
        self.same({part[3] for part in parts}, {row["m"]}, where, "side of", row["a"])
        self.same(row["T"], parts[0][2], where, "time of", row["a"])

    def in_order(self, where, ids):
        """Ids follow each other without a hole."""
        ids = list(ids)
        self.same(ids, list(range(ids[0], ids[0] + len(ids))) if ids else [], where, "ids")

    def book(self, where, last_id, bids, asks, most):
        """The best levels are those the book had at this update id."""
        known = self.capture.book_at(last_id)
        if not self.that(known is not None, where, "book id", last_id, "is of no update"):
            return
        for name, got, wanted in (("bids", bids, known[0]), ("asks", asks, known[1])):
            self.same(numbers(got), wanted[:most], where, name, "at", last_id)

    def diff(self, where, event):
        """A depth event as the capture has it."""
        known = [u for u in self.capture.updates if u[1] == event["u"]]
        self.same((event["U"], event["u"], event["b"], event["a"]), known[0] if known else None, where)

    def ticker(self, where, event):
        """A bookTicker event as the capture has it."""
        got = tuple(Decimal(event[key]) for key in "bBaA")
        self.texts((event[key] for key in "bBaA"), where)
        self.same(got, self.capture.tickers.get(event["u"]), where, "at", event["u"])

    def touch(self, where, bid, bid_qty, ask, ask_qty):
        """A best bid and ask the capture has, without an id to look it up by."""
        got = tuple(Decimal(str(value)) for value in (bid, bid_qty, ask, ask_qty))
        self.that(got in self.capture.tickers.values(), where, got, "was never the best bid and ask")

    def kline(self, where, row, interval):
        """A REST kline against its trades; `n` of them may be the first of an open bar."""
        self.same(row[6], row[0] + INTERVALS[interval] - 1, where, "close time")
        self.same(row[0] % INTERVALS[interval], 0, where, "open time's rest")
        self.texts((*row[1:6], row[7], *row[9:12]), where)
        self.bar(where, row[0], interval, row[8], [row[i] for i in (1, 2, 3, 4, 5, 7, 9, 10)])

    def kline_event(self, where, event):
        """A kline event against its trades, by the id of the last."""
        k = event["k"]
        self.texts((k[key] for key in "ohlcvqVQ"), where)
        if not k["n"]:
            return
        wanted = self.capture.bar(k["t"], k["i"], last_id=k["L"])
        self.that(wanted is not None and wanted["trades"] == k["n"], where, "has", k["n"], "trades, not", wanted)
        self.bar(where, k["t"], k["i"], k["n"], [k[key] for key in "ohlcvqVQ"])
        if k["x"]:
            self.same(k["n"], self.capture.bar(k["t"], k["i"])["trades"], where, "trades of a closed bar")

    def bar(self, where, start, interval, trades, values):
        """Figures of a bar with so many trades."""
        if not trades:
            return
        wanted = self.capture.bar(start, interval, count=trades)
        if not self.that(wanted is not None, where, "bar at", start, "has no trades in the capture"):
            return
        keys = ("open", "high", "low", "close", "volume", "quote", "taker_base", "taker_quote")
        for key, value in zip(keys, values):
            self.same(Decimal(str(value)), wanted[key], where, key, "of", start)
        self.same(trades, wanted["trades"], where, "trades of", start)


def wait_for_trades(rest, symbol="BTCUSDT", count=500):
    """Waits until so many trades have been played: the venue tells nothing that lies ahead of its position."""
    until = time.monotonic() + 30
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < until:
        with opener.open(f"{rest}/api/v3/trades?symbol={symbol}&limit={count}", timeout=5) as answer:
            if len(json.load(answer)) == count:
                return
        time.sleep(0.25)
    raise SystemExit(f"the venue played no {count} trades in 30 s")


def arguments():
    """--rest, --ws, --symbol and the capture's files."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rest", required=True, help="http://127.0.0.1:PORT")
    parser.add_argument("--ws", required=True, help="ws://127.0.0.1:PORT")
    parser.add_argument("--symbol", default="BTCUSDT")
    parser.add_argument("capture", nargs="+")
    given = parser.parse_args()
    wait_for_trades(given.rest, given.symbol)
    return given
