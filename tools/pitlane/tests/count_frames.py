#!/usr/bin/env python3
"""Counts what raw Binance frames say, without the engine.

It shares nothing with the engine: frames through Python's json, numbers as Decimal, books as dictionaries.
What it prints is what a replay of the same files has to find.

    count_frames.py                              the bundled sample
    count_frames.py spot FILE.gz [FILE.gz ...]   files of one symbol and venue that follow each other

Output: one JSON object on stdout, keys sorted, decimals as text without trailing zeros.
"""

import gzip
import json
import sys
from decimal import Decimal
from pathlib import Path

SAMPLE = Path(__file__).resolve().parent.parent / "sample"
RUNS = {
    "binance-spot": ("spot", ["binance-spot-btcusdt-20240808.gz", "binance-spot-btcusdt-20240809.gz"]),
    "binance-usdm": ("usdm", ["binance-usdm-btcusdt-20240808.gz"]),
}
TOP = 20
MINUTE_MS = 60_000


def text(number):
    """A decimal as text without trailing zeros."""
    shown = format(number, "f")
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def frames(paths):
    """Yields (receive time in ns, stream or None, payload) of every line."""
    for path in paths:
        with gzip.open(path, "rt", encoding="ascii") as lines:
            for line in lines:
                ts, body = line.split(" ", 1)
                message = json.loads(body)
                if "stream" in message:
                    yield int(ts), message["stream"], message["data"]
                else:
                    yield int(ts), None, message


class Book:
    """One book, kept in step by the venue's rules for a local copy."""

    def __init__(self, futures):
        self.futures = futures
        self.sides = ({}, {})
        self.last_id = None
        self.synced = False
        self.first = True  # the next event is the first after a snapshot
        self.waiting = []
        self.tops = []  # (update id, best bid and ask) after every event applied
        self.applied = self.stale = self.gaps = self.snapshots = self.refused = 0

    def snapshot(self, message):
        self.snapshots += 1
        last_id = message["lastUpdateId"]
        if not self.futures and self.waiting and last_id < self.waiting[0]["U"]:
            self.refused += 1
            return
        self.sides = tuple(
            {Decimal(px): Decimal(qty) for px, qty in message[side]} for side in ("bids", "asks")
        )
        self.last_id, self.synced, self.first = last_id, True, True
        waiting, self.waiting = self.waiting, []
        for at, event in enumerate(waiting):
            self._follow(event)
            if not self.synced:
                self.waiting += waiting[at + 1 :]
                break

    def diff(self, event):
        if self.synced:
            self._follow(event)
        else:
            self.waiting.append(event)

    def _follow(self, event):
        first_id, last_id = event["U"], event["u"]
        if self.first:
            if last_id < self.last_id or (not self.futures and last_id == self.last_id):
                self.stale += 1
                return
            fits = first_id <= self.last_id if self.futures else first_id <= self.last_id + 1
        else:
            if last_id <= self.last_id:
                self.stale += 1
                return
            fits = event["pu"] == self.last_id if self.futures else first_id <= self.last_id + 1
        if not fits:
            self.gaps += 1
            self.synced = False
            self.waiting = [event]
            return
        for levels, key in zip(self.sides, ("b", "a")):
            for px, qty in event[key]:
                px, qty = Decimal(px), Decimal(qty)
                if qty:
                    levels[px] = qty
                else:
                    levels.pop(px, None)
        self.last_id, self.first = last_id, False
        self.applied += 1
        self.tops.append((last_id, self.best()))

    def best(self):
        bids, asks = self.sides
        bid, ask = max(bids, default=None), min(asks, default=None)
        return bid, bids.get(bid), ask, asks.get(ask)

    def top(self):
        bids, asks = self.sides
        return {
            "bids": [[text(px), text(bids[px])] for px in sorted(bids, reverse=True)[:TOP]],
            "asks": [[text(px), text(asks[px])] for px in sorted(asks)[:TOP]],
        }


class Bars:
    """One-minute bars by the venue's trade time; a trade behind the open bar goes into it and counts as late."""

    def __init__(self):
        self.rows = []
        self.late = 0

    def trade(self, time_ms, px, qty, is_buyer_maker):
        start = time_ms - time_ms % MINUTE_MS
        if self.rows and start < self.rows[-1]["start"]:
            self.late += 1
        while self.rows and start > self.rows[-1]["start"] + MINUTE_MS:
            self._open(self.rows[-1]["start"] + MINUTE_MS, self.rows[-1]["close"])
        if not self.rows or start > self.rows[-1]["start"]:
            self._open(start, px)
        bar = self.rows[-1]
        bar["high"], bar["low"], bar["close"] = max(bar["high"], px), min(bar["low"], px), px
        bar["volume"] += qty
        bar["buy_volume"] += 0 if is_buyer_maker else qty
        bar["trades"] += 1

    def _open(self, start, px):
        zero = Decimal(0)
        self.rows.append(
            dict(start=start, open=px, high=px, low=px, close=px, volume=zero, buy_volume=zero, trades=0)
        )

    def show(self):
        return [
            {key: text(value) if isinstance(value, Decimal) else value for key, value in bar.items()}
            for bar in self.rows
        ]


def compare(tops, tickers):
    """Each book top against the bookTicker with the largest update id that is not ahead of the book."""
    tickers.sort(key=lambda ticker: ticker[0])
    compared, different, at = 0, [], 0
    for last_id, best in tops:
        while at < len(tickers) and tickers[at][0] <= last_id:
            at += 1
        if at:
            compared += 1
            if tickers[at - 1][1] != best:
                different.append(last_id)
    return {"compared": compared, "different": different}


def count(venue, paths):
    """Everything the frames of one symbol say."""
    book, bars = Book(futures=venue == "usdm"), Bars()
    kinds, tickers = {}, []
    volume = buy_volume = notional = Decimal(0)
    total = levels = trade_gaps = trade_duplicates = off_market = 0
    last_trade = first_ts = last_ts = None
    for ts, stream, data in frames(paths):
        total += 1
        first_ts, last_ts = ts if first_ts is None else first_ts, ts
        kind = "depthSnapshot" if stream is None else data.get("e", "bookTicker")
        kinds[kind] = kinds.get(kind, 0) + 1
        if kind == "trade":
            trade_id = data["t"]
            if last_trade is not None and trade_id <= last_trade:
                trade_duplicates += 1
                continue
            if last_trade is not None and trade_id > last_trade + 1:
                trade_gaps += 1
            last_trade = trade_id
            if data.get("X", "MARKET") != "MARKET":
                off_market += 1
                continue
            px, qty = Decimal(data["p"]), Decimal(data["q"])
            volume += qty
            buy_volume += 0 if data["m"] else qty
            notional += px * qty
            bars.trade(data["T"], px, qty, data["m"])
        elif kind == "bookTicker":
            tickers.append((data["u"], tuple(Decimal(data[key]) for key in "bBaA")))
        elif kind == "depthUpdate":
            levels += len(data["b"]) + len(data["a"])
            book.diff(data)
        elif kind == "depthSnapshot":
            levels += len(data["bids"]) + len(data["asks"])
            book.snapshot(data)
    bid, bid_qty, ask, ask_qty = book.best()
    return {
        "frames": total,
        "frames_by_kind": kinds,
        "first_ts_recv": first_ts,
        "last_ts_recv": last_ts,
        "trades": kinds.get("trade", 0) - trade_duplicates,
        "trade_duplicates": trade_duplicates,
        "trade_gaps": trade_gaps,
        "trades_off_market": off_market,
        "volume": text(volume),
        "buy_volume": text(buy_volume),
        "notional": text(notional),
        "levels": levels,
        "bars_1m": bars.show(),
        "trades_late": bars.late,
        "book": {
            "last_update_id": book.last_id,
            "synced": book.synced,
            "snapshots": book.snapshots,
            "snapshots_too_old": book.refused,
            "diffs_applied": book.applied,
            "diffs_stale": book.stale,
            "gaps": book.gaps,
            "levels": [len(side) for side in book.sides],
            "best_bid": [text(bid), text(bid_qty)],
            "best_ask": [text(ask), text(ask_qty)],
            "top": book.top(),
        },
        "book_ticker": compare(book.tops, tickers),
    }


def main(arguments):
    if not arguments:
        result = {name: count(venue, [SAMPLE / file for file in files]) for name, (venue, files) in RUNS.items()}
    elif len(arguments) >= 2 and arguments[0] in ("spot", "usdm"):
        result = count(arguments[0], arguments[1:])
    else:
        sys.exit(__doc__)
    json.dump(result, sys.stdout, sort_keys=True, indent=1)
    print()


if __name__ == "__main__":
    main(sys.argv[1:])
