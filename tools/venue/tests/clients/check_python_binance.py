#!/usr/bin/env python3
"""python-binance, REST and sockets, against a local venue that plays a capture of one spot symbol.

    check_python_binance.py --rest http://127.0.0.1:9100 --ws ws://127.0.0.1:9100 CAPTURE.gz [CAPTURE.gz ...]
"""

import asyncio
import sys
import time
from decimal import Decimal

from binance import AsyncClient, BinanceSocketManager, Client, DepthCacheManager
from binance.base_client import BaseClient
from binance.exceptions import BinanceAPIException
from truth import Capture, Spot, arguments


def refused(check, what, code, call):
    """The venue refuses the call with this code."""
    try:
        check.that(False, what, "was not refused:", str(call())[:80])
    except BinanceAPIException as error:
        check.same((error.status_code, error.code), (400, code), what)
        check.that(error.message, what, "has no message")


def weight(client, call):
    """What the venue says the call weighed, and its answer."""
    client.ping()
    before = int(client.response.headers["x-mbx-used-weight-1m"])
    answer = call()
    return int(client.response.headers["x-mbx-used-weight-1m"]) - before, answer


def rest(check, symbol):
    client = Client()
    check.same(client.ping(), {}, "ping")
    check.that(client.get_server_time()["serverTime"] > 1_500_000_000_000, "serverTime is not in ms")

    info = client.get_exchange_info()
    check.that(any(limit["rateLimitType"] == "REQUEST_WEIGHT" for limit in info["rateLimits"]), "no weight limit")
    one = client.get_symbol_info(symbol)
    check.same((one["symbol"], one["status"], one["baseAsset"] + one["quoteAsset"]), (symbol, "TRADING", symbol), "symbol")
    filters = {rule["filterType"]: rule for rule in one["filters"]}
    check.same(one["filters"][0]["filterType"], "PRICE_FILTER", "first filter")
    tick = Decimal(filters["PRICE_FILTER"]["tickSize"])
    step = Decimal(filters["LOT_SIZE"]["stepSize"])
    check.that(tick > 0 and step > 0, "tick and step are", tick, step)

    for limit in (5, 20, 100, 1000):
        book = client.get_order_book(symbol=symbol, limit=limit)
        check.book(f"depth {limit}", book["lastUpdateId"], book["bids"], book["asks"], limit)
        check.texts((text for level in book["bids"] for text in level), "depth levels")
        check.that(all(Decimal(px) % tick == 0 for px, _ in book["bids"]), "bids off the tick", tick)
    check.saw_some("depth", 4)
    used, _ = weight(client, lambda: client.get_order_book(symbol=symbol, limit=100))
    check.same(used, 5, "weight of depth 100")
    used, _ = weight(client, lambda: client.get_order_book(symbol=symbol, limit=1000))
    check.same(used, 50, "weight of depth 1000")

    recent = client.get_recent_trades(symbol=symbol, limit=50)
    check.in_order("trades", (row["id"] for row in recent))
    for row in recent:
        check.trade("trades", row["id"], row["price"], row["qty"], row["time"], row["isBuyerMaker"])
        check.same(Decimal(row["quoteQty"]), Decimal(row["price"]) * Decimal(row["qty"]), "quoteQty", row["id"])
    check.saw_some("trades", len(recent), 50)
    check.that(all(Decimal(row["qty"]) % step == 0 for row in recent), "quantities off the step", step)

    first = check.capture.ids[0]
    old = client.get_historical_trades(symbol=symbol, fromId=first, limit=40)
    check.same([row["id"] for row in old], check.capture.ids[:40], "historicalTrades from the first id")
    for row in old:
        check.trade("historicalTrades", row["id"], row["price"], row["qty"], row["time"], row["isBuyerMaker"])

    aggs = client.get_aggregate_trades(symbol=symbol, limit=1000)
    for row in aggs[-50:]:
        check.agg_trade("aggTrades", row)
    check.in_order("aggTrades", (row["a"] for row in aggs))
    check.in_order("aggTrades' trades", (i for row in aggs for i in range(row["f"], row["l"] + 1)))
    check.saw_some("aggTrades", len(aggs), 20)
    # The client turns pages by the last id of each.
    pages, start = [], aggs[0]
    for row in client.aggregate_trade_iter(symbol=symbol, last_id=start["a"]):
        pages.append(row)
        if len(pages) >= 1200:
            break
    check.in_order("aggregate_trade_iter", [start["a"]] + [row["a"] for row in pages])
    check.saw_some("aggTrades by page", len(pages), len(aggs) - 1)
    spell = client.get_aggregate_trades(symbol=symbol, startTime=start["T"], endTime=start["T"] + 999)
    check.that(spell and all(start["T"] <= row["T"] < start["T"] + 1000 for row in spell), "aggTrades of a second")

    for interval in ("1m", "1s"):
        rows = client.get_klines(symbol=symbol, interval=interval, limit=20)
        check.saw_some(f"klines {interval}", len(rows))
        for row in rows:
            check.same(len(row), 12, "fields of a kline")
            check.kline(f"klines {interval}", row, interval)
        step_ms = rows[0][6] + 1 - rows[0][0]
        check.same([row[0] - rows[0][0] for row in rows], [step_ms * i for i in range(len(rows))], "open times")
    since = check.capture.trades[first][2] // 60_000 * 60_000
    rows = client.get_historical_klines(symbol, "1m", since, since + 59_999)
    check.same([row[0] for row in rows], [since], "get_historical_klines of a minute")

    day = client.get_ticker(symbol=symbol)
    check.that(day["firstId"] in check.capture.trades and day["lastId"] in check.capture.trades, "ticker ids", day)
    check.same(Decimal(day["lastPrice"]), check.capture.trades[day["lastId"]][0], "lastPrice")
    check.same(day["count"], day["lastId"] - day["firstId"] + 1, "trades of the day")
    prices = {px for px, *_ in check.capture.trades.values()}
    check.that(Decimal(client.get_symbol_ticker(symbol=symbol)["price"]) in prices, "ticker/price is no trade's")
    best = client.get_orderbook_ticker(symbol=symbol)
    check.touch("ticker/bookTicker", *(best[key] for key in ("bidPrice", "bidQty", "askPrice", "askQty")))
    check.that(symbol in {row["symbol"] for row in client.get_orderbook_tickers()}, "bookTicker of all symbols")
    average = client.get_avg_price(symbol=symbol)
    check.that(min(prices) <= Decimal(average["price"]) <= max(prices), "avgPrice", average)

    refused(check, "an unknown symbol", -1121, lambda: client.get_order_book(symbol="NOSUCHUSDT"))
    refused(check, "no symbol", -1102, lambda: client.get_order_book())
    refused(check, "an unknown interval", -1120, lambda: client.get_klines(symbol=symbol, interval="7m"))
    client.close_connection()


async def read(check, name, socket, take, wanted, seconds=8.0):
    """Reads a socket until `take` accepted `wanted` messages; their list."""
    got, until = [], time.monotonic() + seconds
    async with socket as stream:
        while len(got) < wanted and time.monotonic() < until:
            message = await asyncio.wait_for(stream.recv(), 10)
            if not check.that(message.get("e") != "error", name, message):
                break
            take(message)
            got.append(message)
    check.saw_some(name, len(got), wanted)
    return got


async def sockets(check, symbol):
    client = await AsyncClient.create()
    manager = BinanceSocketManager(client, max_queue_size=100_000)
    name = symbol.lower()

    trades = await read(check, "@trade", manager.trade_socket(symbol), lambda m: check.trade(
        "@trade", m["t"], m["p"], m["q"], m["T"], m["m"]), 20)
    check.in_order("@trade", (m["t"] for m in trades))
    aggs = await read(check, "@aggTrade", manager.aggtrade_socket(symbol), lambda m: check.agg_trade("@aggTrade", m), 20)
    check.in_order("@aggTrade", (m["a"] for m in aggs))
    diffs = await read(check, "@depth", manager.depth_socket(symbol, interval=100),
                       lambda m: check.diff("@depth@100ms", m), 20)
    check.that(all(after["U"] == before["u"] + 1 for before, after in zip(diffs, diffs[1:])), "@depth has a gap")
    await read(check, "@depth20", manager.depth_socket(symbol, depth=BinanceSocketManager.WEBSOCKET_DEPTH_20, interval=100),
               lambda m: check.book("@depth20", m["lastUpdateId"], m["bids"], m["asks"], 20), 5)
    await read(check, "@bookTicker", manager.symbol_book_ticker_socket(symbol),
               lambda m: check.ticker("@bookTicker", m), 50)
    await read(check, "@kline_1m", manager.kline_socket(symbol), lambda m: check.kline_event("@kline_1m", m), 3)
    await read(check, "@ticker", manager.symbol_ticker_socket(symbol), lambda m: check.same(
        Decimal(m["c"]), check.capture.trades[m["L"]][0], "@ticker's last price"), 2)
    await read(check, "@miniTicker", manager.symbol_miniticker_socket(symbol), lambda m: check.same(
        (m["e"], m["s"]), ("24hrMiniTicker", symbol), "@miniTicker"), 2)

    streams = {f"{name}@trade", f"{name}@bookTicker", f"{name}@depth@100ms"}
    both = await read(check, "multiplex", manager.multiplex_socket(sorted(streams)),
                      lambda m: check.that(m["stream"] in streams, "multiplex", m["stream"]), 100)
    check.same({m["stream"] for m in both}, streams, "streams of the multiplex socket")
    for message in both:
        if message["stream"].endswith("@trade"):
            data = message["data"]
            check.trade("multiplex", data["t"], data["p"], data["q"], data["T"], data["m"])

    # The client's own book: a snapshot over REST, then the events.
    cache = DepthCacheManager(client, symbol, limit=500, ws_interval=100, bm=manager)
    async with cache as book:
        for _ in range(30):
            await asyncio.wait_for(book.recv(), 10)
        held = book.get_depth_cache()
        check.book("DepthCacheManager", book._last_update_id, held.get_bids()[:10], held.get_asks()[:10], 10)
    await client.close_connection()


async def bounded(check, symbol):
    await asyncio.wait_for(sockets(check, symbol), 90)


def main():
    given = arguments()
    BaseClient.API_URL = given.rest + "/api"
    BaseClient.MARGIN_API_URL = given.rest + "/sapi"
    BaseClient.WS_API_URL = given.ws + "/ws-api/v3"
    BinanceSocketManager.STREAM_URL = given.ws + "/"
    check = Spot("python-binance", "python-binance", Capture(given.capture))
    rest(check, given.symbol)
    asyncio.run(bounded(check, given.symbol))
    return check.end()


if __name__ == "__main__":
    sys.exit(main())
