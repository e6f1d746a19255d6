#!/usr/bin/env python3
"""binance-sdk-spot, the venue's own client, against a local venue that plays a capture of one spot symbol.

    check_sdk_spot.py --rest http://127.0.0.1:9100 --ws ws://127.0.0.1:9100 CAPTURE.gz [CAPTURE.gz ...]

Its pydantic models are strict: a field of the wrong type is an error of the client.
"""

import asyncio
import sys
from decimal import Decimal

from binance_common.configuration import (
    ConfigurationRestAPI,
    ConfigurationWebSocketAPI,
    ConfigurationWebSocketStreams,
)
from binance_common.errors import BadRequestError
from binance_sdk_spot.rest_api.models import KlinesIntervalEnum
from binance_sdk_spot.spot import Spot as Client
from binance_sdk_spot.websocket_streams.models import (
    DiffBookDepthUpdateSpeedEnum,
    KlineIntervalEnum,
    PartialBookDepthLevelsEnum,
    PartialBookDepthUpdateSpeedEnum,
)
from truth import Capture, Spot, arguments


def rest(check, api, symbol):
    info = api.exchange_info(symbol=symbol).data()
    one = info.symbols[0]
    check.same((one.symbol, one.status), (symbol, "TRADING"), "symbol")
    check.that(api.time().data().server_time > 1_500_000_000_000, "server_time is not in ms")
    answer = api.depth(symbol=symbol, limit=100)
    found = answer.data()
    check.book("depth", found.last_update_id, found.bids, found.asks, 100)
    check.that(any(limit.rateLimitType == "REQUEST_WEIGHT" for limit in answer.rate_limits), "no weight in the headers")
    rows = api.get_trades(symbol=symbol, limit=50).data()
    for row in rows:
        check.trade("get_trades", row.id, row.price, row.qty, row.time, row.is_buyer_maker)
    check.saw_some("get_trades", len(rows), 50)
    first = check.capture.ids[0]
    rows = api.historical_trades(symbol=symbol, from_id=first, limit=10).data()
    check.same([row["id"] if isinstance(row, dict) else row.id for row in rows], check.capture.ids[:10], "historical_trades")
    rows = api.agg_trades(symbol=symbol, limit=50).data()
    for row in rows:
        check.agg_trade("agg_trades", row.model_dump(by_alias=True))
    check.saw_some("agg_trades", len(rows), 20)
    rows = api.klines(symbol=symbol, interval=KlinesIntervalEnum.INTERVAL_1m, limit=10).data()
    for row in rows:
        check.kline("klines", row, "1m")
    check.saw_some("klines", len(rows))
    day = api.ticker24hr(symbol=symbol).data().actual_instance
    check.same(Decimal(day.last_price), check.capture.trades[day.last_id][0], "ticker24hr's last price")
    best = api.ticker_book_ticker(symbol=symbol).data().actual_instance
    check.touch("ticker_book_ticker", best.bid_price, best.bid_qty, best.ask_price, best.ask_qty)
    price = api.ticker_price(symbol=symbol).data().actual_instance.price
    check.that(Decimal(price) in {px for px, *_ in check.capture.trades.values()}, "ticker_price", price)
    check.that(Decimal(api.avg_price(symbol=symbol).data().price) > 0, "avg_price")
    try:
        api.depth(symbol="NOSUCHUSDT")
        check.that(False, "an unknown symbol was not refused")
    except BadRequestError as error:
        check.same(error.status_code, -1121, "an unknown symbol")


async def streams(check, client, symbol):
    name = symbol.lower()
    connection = await client.create_connection()
    if not check.that(connection is not None, "the stream connection did not open"):
        return
    client.on_connection("error", lambda error: check.that(False, "the client met", error))
    seen = {}

    async def watch(label, stream, take, at_least):
        def taken(message):
            seen[label] = seen.get(label, 0) + 1
            take(message.model_dump(by_alias=True))

        stream.on("message", taken)
        return label, at_least, stream

    half = await asyncio.gather(client.agg_trade(symbol=name), client.trade(symbol=name))
    watched = [
        await watch("aggTrade", half[0], lambda m: check.agg_trade("aggTrade", m), 20),
        await watch("trade", half[1], lambda m: check.trade("trade", m["t"], m["p"], m["q"], m["T"], m["m"]), 20),
        await watch("bookTicker", await client.book_ticker(symbol=name), lambda m: check.ticker("bookTicker", m), 20),
        await watch("kline", await client.kline(symbol=name, interval=KlineIntervalEnum.INTERVAL_1m),
                    lambda m: check.kline_event("kline", m), 2),
        await watch("depth", await client.diff_book_depth(
            symbol=name, update_speed=DiffBookDepthUpdateSpeedEnum.UPDATE_SPEED_100ms),
            lambda m: check.diff("depth", m), 10),
        await watch("depth5", await client.partial_book_depth(
            symbol=name, levels=PartialBookDepthLevelsEnum.LEVELS_5,
            update_speed=PartialBookDepthUpdateSpeedEnum.UPDATE_SPEED_100ms),
            lambda m: check.book("depth5", m["lastUpdateId"], m["bids"], m["asks"], 5), 5),
        await watch("ticker", await client.ticker(symbol=name), lambda m: check.same(
            Decimal(m["c"]), check.capture.trades[m["L"]][0], "ticker's last price"), 2),
        await watch("miniTicker", await client.mini_ticker(symbol=name), lambda m: check.same(
            m["s"], symbol, "miniTicker"), 2),
    ]
    for _ in range(100):
        if all(seen.get(label, 0) >= wanted for label, wanted, _ in watched):
            break
        await asyncio.sleep(0.1)
    for label, wanted, _ in watched:
        check.saw_some(label, seen.get(label, 0), wanted)

    listed = (await client.list_subscribe())["result"]
    check.same(set(listed), {
        f"{name}@{kind}" for kind in (
            "aggTrade", "trade", "bookTicker", "kline_1m", "depth@100ms", "depth5@100ms", "ticker", "miniTicker")
    }, "LIST_SUBSCRIPTIONS")
    for _, _, stream in watched[:2]:
        await stream.unsubscribe()
    await asyncio.sleep(0.5)
    listed = (await client.list_subscribe())["result"]
    check.that(listed and not {f"{name}@trade", f"{name}@aggTrade"} & set(listed), "still subscribed:", listed)
    await client.close_connection(close_session=True)


async def api(check, client, symbol):
    connection = await client.create_connection()
    if not check.that(connection is not None, "the API connection did not open"):
        return
    check.that((await client.time()).data().result.server_time > 1_500_000_000_000, "time over the socket")
    found = (await client.depth(symbol=symbol, limit=20)).data().result
    check.book("depth over the socket", found.last_update_id, found.bids, found.asks, 20)
    check.saw_some("socket API", 2)
    await client.close_connection(close_session=True)


async def run(given):
    check = Spot("binance-sdk-spot", "binance-sdk-spot", Capture(given.capture))
    client = Client(
        config_rest_api=ConfigurationRestAPI(base_path=given.rest, timeout=5_000, retries=0),
        config_ws_api=ConfigurationWebSocketAPI(stream_url=given.ws + "/ws-api/v3"),
        config_ws_streams=ConfigurationWebSocketStreams(stream_url=given.ws),
    )
    try:
        rest(check, client.rest_api, given.symbol)
        await asyncio.wait_for(streams(check, client.websocket_streams, given.symbol), 60)
        await asyncio.wait_for(api(check, client.websocket_api, given.symbol), 20)
    except Exception as error:  # it is what this client cannot do here
        check.that(False, type(error).__name__, error)
        for half in (client.websocket_streams, client.websocket_api):
            if half.session:
                await half.close_connection(close_session=True)
    return check.end()


if __name__ == "__main__":
    sys.exit(asyncio.run(run(arguments())))
