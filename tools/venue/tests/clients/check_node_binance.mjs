#!/usr/bin/env node
// npm binance, REST and its socket client, against a local venue that plays a capture of one spot symbol.
//
//     NODE_PATH=.../node_modules check_node_binance.mjs --rest http://127.0.0.1:9100 --ws ws://127.0.0.1:9100 CAPTURE.gz

import { require, run, until } from './truth.mjs';

const { MainClient, WebsocketClient } = require('binance');

const quiet = { trace() {}, info() {}, error() {} };

async function rest(check, client, symbol) {
  check.same(await client.testConnectivity(), {}, 'ping');
  const info = await client.getExchangeInfo({ symbols: [symbol] });
  check.same(info.symbols.map((one) => one.symbol), [symbol], 'symbols asked for as a list');
  check.that((await client.getExchangeInfo()).rateLimits.length > 0, 'no rate limits');
  const book = await client.getOrderBook({ symbol, limit: 100 });
  check.book('depth', book.lastUpdateId, book.bids, book.asks, 100);
  const trades = await client.getRecentTrades({ symbol, limit: 50 });
  for (const row of trades) check.trade('trades', row.id, row.price, row.qty, row.time, row.isBuyerMaker);
  check.sawSome('trades', trades.length, 50);
  const first = Math.min(...check.capture.trades.keys());
  const old = await client.getHistoricalTrades({ symbol, fromId: first, limit: 10 });
  check.same(old.map((row) => row.id), [...check.capture.trades.keys()].slice(0, 10), 'historicalTrades');
  const aggs = await client.getAggregateTrades({ symbol, limit: 50 });
  for (const row of aggs) check.aggTrade('aggTrades', row);
  check.sawSome('aggTrades', aggs.length, 20);
  const klines = await client.getKlines({ symbol, interval: '1m', limit: 10 });
  check.that(klines.every((row) => row.length === 12 && row[6] === row[0] + 59_999), 'klines', klines[0]);
  check.sawSome('klines', klines.length);
  const best = await client.getSymbolOrderBookTicker({ symbol });
  check.touch('bookTicker', best.bidPrice, best.bidQty, best.askPrice, best.askQty);
  const day = await client.get24hrChangeStatistics({ symbol });
  check.same([Number(day.lastPrice)], [Number(check.capture.trades.get(day.lastId)?.[0])], 'lastPrice');
  await client.getOrderBook({ symbol: 'NOSUCHUSDT' }).then(
    () => check.that(false, 'an unknown symbol was not refused'),
    (error) => check.same(error.code, -1121, 'an unknown symbol'),
  );
}

async function streams(check, url, symbol) {
  const client = new WebsocketClient({ wsUrl: url }, quiet);
  const seen = { trade: 0, aggTrade: 0, bookTicker: 0, depthUpdate: 0, partial: 0, kline: 0 };
  client.on('error', (error) => check.that(false, 'the socket met', String(error?.message ?? error)));
  client.on('exception', (error) => check.that(false, 'the socket met', String(error?.message ?? error)));
  // It takes the wrapper off and gives events without a name that of their stream.
  client.on('message', (data) => {
    const stream = data.streamName;
    const kind = stream?.includes('@depth20') ? 'partial' : data.e;
    if (!stream || !(kind in seen)) return;
    seen[kind] += 1;
    if (kind === 'trade') check.trade(stream, data.t, data.p, data.q, data.T, data.m);
    if (kind === 'aggTrade') check.aggTrade(stream, data);
    if (kind === 'bookTicker') check.ticker(stream, data);
    if (kind === 'depthUpdate') check.diff(stream, data);
    if (kind === 'kline') check.kline(stream, data.k);
    if (kind === 'partial' && seen.partial <= 10) check.book(stream, data.lastUpdateId, data.bids, data.asks, 20);
  });
  await client.subscribeTrades(symbol, 'spot');
  await client.subscribeAggregateTrades(symbol, 'spot');
  await client.subscribeSpotSymbolBookTicker(symbol);
  await client.subscribeDiffBookDepth(symbol, 100, 'spot');
  await until(() => seen.depthUpdate > 0, 5);
  await client.subscribePartialBookDepths(symbol, 20, 100, 'spot');
  await client.subscribeKlines(symbol, '1m', 'spot');
  await until(() => Object.values(seen).every((count) => count >= 3) && seen.trade >= 20, 10);
  for (const [name, count] of Object.entries(seen)) check.sawSome(name, count, 3);
  await client.unsubscribe([`${symbol.toLowerCase()}@trade`], 'main');
  await new Promise((resolve) => setTimeout(resolve, 500));
  const [before, others] = [seen.trade, seen.bookTicker];
  await until(() => seen.bookTicker >= others + 20, 5);
  check.same(seen.trade, before, 'trades after they were unsubscribed');
  check.that(seen.bookTicker > others, 'the other streams went silent');
  client.closeAll(true);
}

await run('npm binance', require('binance/package.json').version, async (check, { rest: base, ws, symbol }) => {
  await rest(check, new MainClient({ baseUrl: base, disableTimeSync: true }), symbol);
  await streams(check, ws, symbol);
});
