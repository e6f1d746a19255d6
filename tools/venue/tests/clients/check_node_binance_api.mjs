#!/usr/bin/env node
// npm node-binance-api, REST, streams and its own book, against a local venue that plays a capture of one spot symbol.
//
//     NODE_PATH=.../node_modules check_node_binance_api.mjs --rest http://127.0.0.1:9100 --ws ws://127.0.0.1:9100 CAPTURE.gz

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { require, run, until } from './truth.mjs';

const module = require('node-binance-api');
const Binance = module.default ?? module;
// The package does not export its package.json.
const folder = join(dirname(require.resolve('node-binance-api')), '../..');
const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

async function rest(check, client, symbol) {
  check.that((await client.time()).serverTime > 1_500_000_000_000, 'time');
  const info = await client.exchangeInfo();
  check.that(info.symbols.some((one) => one.symbol === symbol), 'exchangeInfo has not', symbol);
  const book = await client.depth(symbol, 100);
  const pairs = (side) => side.map((level) => [level.price, level.quantity]);
  check.book('depth', book.lastUpdateId, pairs(book.bids), pairs(book.asks), 100);
  const trades = await client.recentTrades(symbol, 50);
  for (const row of trades) check.trade('recentTrades', row.id, row.price, row.qty, row.time, row.isBuyerMaker);
  check.sawSome('recentTrades', trades.length, 50);
  const aggs = await client.aggTrades(symbol, { limit: 50 });
  check.sawSome('aggTrades', aggs.length, 20);
  const bars = await client.candlesticks(symbol, '1m', { limit: 5 });
  check.that(bars.every((bar) => bar.closeTime === bar.openTime + 59_999), 'candlesticks', bars[0]);
  check.sawSome('candlesticks', bars.length);
  const best = (await client.bookTickers(symbol))[symbol];
  check.touch('bookTickers', best.bidPrice, best.bidQty, best.askPrice, best.askQty);
  check.that(symbol in (await client.prices()), 'prices of all symbols');
  await client.depth('NOSUCHUSDT').then(
    () => check.that(false, 'an unknown symbol was not refused'),
    (error) => check.that(String(error.message).includes('-1121'), 'an unknown symbol:', error.message),
  );
}

async function streams(check, client, symbol) {
  const seen = { trade: 0, aggTrade: 0, bookTicker: 0, depth: 0, kline: 0, combined: 0, cache: 0 };
  client.websockets.trades(symbol, (data) => {
    seen.trade += 1;
    check.trade('trades', data.t, data.p, data.q, data.T, data.m);
  });
  client.websockets.aggTrades(symbol, (data) => {
    seen.aggTrade += 1;
    check.aggTrade('aggTrades', data);
  });
  client.websockets.depth(symbol, (data) => {
    seen.depth += 1;
    check.diff('depth', data);
  });
  client.websockets.candlesticks(symbol, '1m', (data) => {
    seen.kline += 1;
    check.kline('candlesticks', data.k);
  });
  client.websockets.bookTickers(symbol, (data) => {
    seen.bookTicker += 1;
    check.touch('bookTickers', data.bestBid, data.bestBidQty, data.bestAsk, data.bestAskQty);
  });
  client.websockets.trades([symbol], (data) => {
    seen.combined += 1;
    check.trade('combined trades', data.t, data.p, data.q, data.T, data.m);
  });
  // The client's own book: a snapshot over REST, then the events. It counts as in step after its first event.
  let held = null;
  client.websockets.depthCache(symbol, (_, cache, context) => {
    seen.cache += 1;
    if (seen.cache === 40 && context?.lastEventUpdateId) {
      const side = (levels, order) => Object.entries(levels).sort((a, b) => order * (a[0] - b[0])).slice(0, 10);
      held = [context.lastEventUpdateId, side(cache.bids, -1), side(cache.asks, 1)];
    }
  }, 500);
  await until(() => Object.values(seen).every((count) => count >= 3) && seen.trade >= 20 && held, 12);
  for (const [name, count] of Object.entries(seen)) check.sawSome(name, count, 3);
  check.that(held, 'the book of the client never came into step');
  if (held) check.book('depthCache', held[0], held[1], held[2], 10);
  const open = Object.keys(client.websockets.subscriptions());
  for (const endpoint of open) client.websockets.terminate(endpoint);
  check.that(open.length >= 6, 'open sockets', open);
}

await run('node-binance-api', version, async (check, { rest: base, ws, symbol }) => {
  const client = new Binance().options({
    urls: {
      base: `${base}/api/`,
      sapi: `${base}/sapi/`,
      stream: `${ws}/ws/`,
      combineStream: `${ws}/stream?streams=`,
    },
    family: 4,
    reconnect: false,
    log: (...words) => check.that(!/error/i.test(words.join(' ')), 'the client said', words.join(' ')),
  });
  await rest(check, client, symbol);
  await streams(check, client, symbol);
});
