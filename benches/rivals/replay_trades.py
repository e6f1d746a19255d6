"""Trades into one-second bars, by a backtester of somebody else: the rival of the row replay-bars.

    replay_trades.py hftbacktest|nautilus_trader TRADES

TRADES holds four little-endian 64-bit integers a trade: time in ns, price in ticks of 0.01, quantity in lots of 1e-8,
and 1 if the buyer was resting. Reads a line, plays all trades once, and answers with a line: nanoseconds per trade.
What is prepared before (arrays, objects, compilation) is not counted; a first round is played before the first line.
"""

import sys
import time

import numpy as np

SECOND = 1_000_000_000


def hftbacktest(trades):
    """Both sides of its exchange model are fed; every second its last trades become a bar, in compiled code."""
    from numba import njit
    from hftbacktest import (
        BUY_EVENT, EXCH_EVENT, LOCAL_EVENT, SELL_EVENT, TRADE_EVENT,
        BacktestAsset, HashMapMarketDepthBacktest, event_dtype,
    )

    data = np.zeros(len(trades), event_dtype)
    side = np.where(trades[:, 3] == 1, SELL_EVENT, BUY_EVENT)
    data["ev"] = TRADE_EVENT | EXCH_EVENT | LOCAL_EVENT | side
    data["exch_ts"] = trades[:, 0]
    data["local_ts"] = trades[:, 0] + 1
    data["px"] = trades[:, 1] * 0.01
    data["qty"] = trades[:, 2] * 1e-8

    @njit
    def bars(hbt):
        closed, seen = 0, 0
        while hbt.elapse(SECOND) == 0:
            last = hbt.last_trades(0)
            if len(last) > 0:
                low = high = last[0].px
                volume = 0.0
                for trade in last:
                    low, high = min(low, trade.px), max(high, trade.px)
                    volume += trade.qty
                closed += 1
                seen += len(last)
            hbt.clear_last_trades(0)
        # the second under way when the data ends
        return closed, seen + len(hbt.last_trades(0))

    def play():
        asset = (
            BacktestAsset()
            .data([data])
            .linear_asset(1.0)
            .constant_order_latency(1, 1)
            .risk_adverse_queue_model()
            .no_partial_fill_exchange()
            .trading_value_fee_model(0.0, 0.0)
            .tick_size(0.01)
            .lot_size(1e-8)
            .last_trades_capacity(len(trades))
        )
        hbt = HashMapMarketDepthBacktest([asset])
        start = time.perf_counter_ns()
        closed, seen = bars(hbt)
        took = time.perf_counter_ns() - start
        hbt.close()
        assert closed > 0 and seen == len(trades), f"{closed} bars of {seen} trades"
        return took

    return play


def nautilus_trader(trades):
    """Its backtest engine with one venue, one instrument and an actor that takes one-second bars."""
    from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
    from nautilus_trader.common.actor import Actor
    from nautilus_trader.config import LoggingConfig
    from nautilus_trader.model.currencies import USDT
    from nautilus_trader.model.data import BarType, TradeTick
    from nautilus_trader.model.enums import AccountType, AggressorSide, OmsType
    from nautilus_trader.model.identifiers import TradeId, Venue
    from nautilus_trader.model.objects import Money
    from nautilus_trader.test_kit.providers import TestInstrumentProvider

    instrument = TestInstrumentProvider.btcusdt_binance()
    kind = BarType.from_str(f"{instrument.id}-1-SECOND-LAST-INTERNAL")

    class Bars(Actor):
        seen = 0

        def on_start(self):
            self.subscribe_bars(kind)

        def on_bar(self, bar):
            self.seen += 1

    ticks = [
        TradeTick(
            instrument.id,
            instrument.make_price(px * 0.01),
            instrument.make_qty(max(qty * 1e-8, 1e-6)),
            AggressorSide.SELLER if maker else AggressorSide.BUYER,
            TradeId(str(number)),
            ts,
            ts,
        )
        for number, (ts, px, qty, maker) in enumerate(trades.tolist())
    ]
    engine = BacktestEngine(
        BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True), run_analysis=False)
    )
    engine.add_venue(
        Venue("BINANCE"), OmsType.NETTING, AccountType.CASH, [Money(1_000_000, USDT)], base_currency=None
    )
    engine.add_instrument(instrument)
    actor = Bars()
    engine.add_actor(actor)
    engine.add_data(ticks)

    def play():
        actor.seen = 0
        start = time.perf_counter_ns()
        engine.run()
        took = time.perf_counter_ns() - start
        assert actor.seen > 0, "no bars"
        engine.reset()
        return took

    return play


def main():
    name, path = sys.argv[1:]
    trades = np.fromfile(path, dtype="<i8").reshape(-1, 4)
    # both want time to run forwards
    trades = trades[np.argsort(trades[:, 0], kind="stable")]
    play = {"hftbacktest": hftbacktest, "nautilus_trader": nautilus_trader}[name](trades)
    play()
    print("ready", flush=True)
    for _ in sys.stdin:
        print(play() / len(trades), flush=True)


if __name__ == "__main__":
    main()
