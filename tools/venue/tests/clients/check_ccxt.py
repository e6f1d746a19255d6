#!/usr/bin/env python3
"""ccxt, REST and its sockets (ccxt.pro), against a local venue that plays a capture of one spot symbol.

    check_ccxt.py --rest http://127.0.0.1:9100 --ws ws://127.0.0.1:9100 CAPTURE.gz [CAPTURE.gz ...]

ccxt computes with floats of the venue's text, so they are compared by their shortest text, which is the venue's.
"""

import asyncio
import sys
from decimal import Decimal

import ccxt.pro as ccxt
from truth import Capture, Spot, arguments


def exact(value):
    """The decimal a float was made of."""
    return Decimal(repr(value))


def exchange(given):
    """The client, pointed at the local venue and at nothing else."""
    spot = {"defaultType": "spot", "fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False, "fetchMargins": False}
    client = ccxt.binance({"options": spot})
    rest = given.rest
    client.urls["api"].update(
        {"public": rest + "/api/v3", "private": rest + "/api/v3", "v1": rest + "/api/v1", "sapi": rest + "/sapi/v1"}
    )
    client.urls["api"]["ws"].update({"spot": given.ws + "/ws", "margin": given.ws + "/ws"})
    client.urls["api"]["ws"]["ws-api"]["spot"] = given.ws + "/ws-api/v3"
    return client


def trade(check, where, row):
    """A trade in ccxt's words."""
    maker = row["side"] == "sell"
    check.trade(where, int(row["id"]), exact(row["price"]), exact(row["amount"]), row["timestamp"], maker)


def book(check, where, found, most):
    """A book in ccxt's words."""
    bids, asks = ([[exact(px), exact(qty)] for px, qty, *_ in found[side][:most]] for side in ("bids", "asks"))
    check.book(where, found["nonce"], bids, asks, most)


def bars(check, where, rows):
    """One-minute bars; the last may be open, so it is only held against the whole minute's range."""
    for row in rows[:-1]:
        wanted = check.capture.bar(row[0], "1m")
        if check.that(wanted is not None, where, "bar at", row[0], "is of no trade"):
            got = [exact(value) for value in row[1:6]]
            check.same(got, [wanted[key] for key in ("open", "high", "low", "close", "volume")], where, row[0])
    last = rows[-1]
    wanted = check.capture.bar(last[0], "1m")
    if check.that(wanted is not None, where, "open bar at", last[0], "is of no trade"):
        check.same(exact(last[1]), wanted["open"], where, "open of", last[0])
        check.that(wanted["low"] <= exact(last[3]) <= exact(last[2]) <= wanted["high"], where, "range", last)
        check.that(exact(last[5]) <= wanted["volume"], where, "volume", last)


async def rest(check, client, symbol):
    markets = await client.load_markets()
    check.that(symbol in markets, symbol, "is not among", list(markets)[:5])
    market = markets[symbol]
    check.same((market["id"], market["type"], market["active"]), (symbol.replace("/", ""), "spot", True), "market")
    check.that(market["precision"]["price"] > 0 and market["precision"]["amount"] > 0, "precision", market["precision"])
    check.that(await client.fetch_time() > 1_500_000_000_000, "time is not in ms")

    for limit in (5, 100, 1000):
        book(check, f"fetch_order_book {limit}", await client.fetch_order_book(symbol, limit), limit)
    check.saw_some("fetch_order_book", 3)
    rows = await client.fetch_trades(symbol, limit=50)
    for row in rows:
        trade(check, "fetch_trades", row)
    check.saw_some("fetch_trades", len(rows), 50)
    # By time: the client asks for aggregates from then on.
    since = check.capture.trades[check.capture.ids[0]][2]
    rows = await client.fetch_trades(symbol, since=since, limit=100)
    check.that(rows and all(row["timestamp"] >= since for row in rows), "fetch_trades since", since)
    rows = await client.fetch_ohlcv(symbol, "1m", limit=10)
    bars(check, "fetch_ohlcv", rows)
    check.saw_some("fetch_ohlcv", len(rows))
    ticker = await client.fetch_ticker(symbol)
    prices = {px for px, *_ in check.capture.trades.values()}
    check.that(exact(ticker["last"]) in prices, "fetch_ticker's last", ticker["last"], "is no trade's")
    check.that(ticker["bid"] < ticker["ask"], "fetch_ticker", ticker["bid"], ticker["ask"])
    best = (await client.fetch_bids_asks([symbol]))[symbol]
    values = [exact(best[key]) for key in ("bid", "bidVolume", "ask", "askVolume")]
    check.touch("fetch_bids_asks", *values)
    try:
        await client.public_get_depth({"symbol": "NOSUCHUSDT"})
        check.that(False, "an unknown symbol was not refused")
    except ccxt.BadSymbol as error:
        check.that("-1121" in str(error), "an unknown symbol:", error)


async def sockets(check, client, symbol):
    seen = []
    while len(seen) < 20:
        seen += await client.watch_trades(symbol)
    for row in seen:
        trade(check, "watch_trades", row)
    check.saw_some("watch_trades", len(seen), 20)
    rows = await client.watch_trades(symbol, params={"name": "aggTrade"})
    for row in rows:
        trade(check, "watch_trades of aggregates", row)
    check.saw_some("watch_trades of aggregates", len(rows))

    for _ in range(30):
        found = await client.watch_order_book(symbol)
    book(check, "watch_order_book", found, 20)
    check.saw_some("watch_order_book", 30)
    for _ in range(20):
        best = (await client.watch_bids_asks([symbol]))[symbol]
        values = [exact(best[key]) for key in ("bid", "bidVolume", "ask", "askVolume")]
        check.touch("watch_bids_asks", *values)
    check.saw_some("watch_bids_asks", 20)
    rows = await client.watch_ohlcv(symbol, "1m")
    bars(check, "watch_ohlcv", rows)
    check.saw_some("watch_ohlcv", len(rows))
    ticker = await client.watch_ticker(symbol)
    prices = {px for px, *_ in check.capture.trades.values()}
    check.that(exact(ticker["last"]) in prices, "watch_ticker's last", ticker["last"], "is no trade's")
    check.saw_some("watch_ticker", 1)

    # Taken back, a stream is silent; the client waits for the venue's answer.
    await client.un_watch_trades(symbol)
    await client.un_watch_order_book(symbol)
    check.saw_some("unsubscribed", 2)


async def run(given):
    capture = Capture(given.capture)
    check = Spot("ccxt", "ccxt", capture)
    symbol = given.symbol.removesuffix("USDT") + "/USDT"
    client = exchange(given)
    try:
        await asyncio.wait_for(rest(check, client, symbol), 40)
        await asyncio.wait_for(sockets(check, client, symbol), 60)
    except Exception as error:  # it is what this client cannot do here
        check.that(False, type(error).__name__, error)
    finally:
        await client.close()
    return check.end()


if __name__ == "__main__":
    sys.exit(asyncio.run(run(arguments())))
