// What a capture of one spot symbol says, read with JavaScript's own JSON, and the checks made of it.
// It shares nothing with the venue; numbers are compared as text without trailing zeros.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';

// The packages lie where NODE_PATH says, which only require looks at.
export const require = createRequire(import.meta.url);

/** Number text without trailing zeros. */
export function plain(number) {
  const text = String(number);
  return text.includes('.') ? text.replace(/0+$/, '').replace(/\.$/, '') : text;
}

/** Trades, books and tickers of one symbol. */
export class Capture {
  constructor(paths) {
    this.trades = new Map();
    this.tickers = new Map();
    this.touches = new Set();
    this.updates = [];
    for (const path of paths) {
      for (const line of gunzipSync(readFileSync(path)).toString('ascii').split('\n')) {
        if (line) this.take(JSON.parse(line.slice(line.indexOf(' ') + 1)));
      }
    }
  }

  take(message) {
    const data = message.data ?? message;
    if (data.e === 'trade') this.trades.set(data.t, [plain(data.p), plain(data.q), data.T, data.m]);
    else if (data.e === 'depthUpdate') this.updates.push(data);
    else if (data.e === undefined && data.A !== undefined) {
      const touch = [data.b, data.B, data.a, data.A].map(plain).join(' ');
      this.tickers.set(data.u, touch);
      this.touches.add(touch);
    } else if (data.lastUpdateId !== undefined) this.snapshot ??= data;
  }

  /** The best `most` levels of both sides, as text, when `lastId` was the book's; null if no book ever had it. */
  bookAt(lastId, most) {
    const known = this.snapshot.lastUpdateId;
    if (lastId !== known && !this.updates.some((update) => update.u === lastId)) return null;
    const sides = [new Map(this.snapshot.bids), new Map(this.snapshot.asks)];
    for (const update of this.updates) {
      if (update.u <= known || update.u > lastId) continue;
      [update.b, update.a].forEach((levels, side) => {
        for (const [px, qty] of levels) Number(qty) ? sides[side].set(px, qty) : sides[side].delete(px);
      });
    }
    return sides.map((side, asks) =>
      [...side]
        .sort((one, other) => (asks ? one[0] - other[0] : other[0] - one[0]))
        .slice(0, most)
        .map((level) => level.map(plain).join(' ')),
    );
  }
}

/** Counts what holds and names what does not. */
export class Checks {
  constructor(client, capture) {
    Object.assign(this, { client, capture, done: 0, failed: [], saw: {}, since: Date.now() });
  }

  that(holds, ...what) {
    this.done += 1;
    if (!holds) this.failed.push(what.map((part) => JSON.stringify(part)).join(' ').slice(0, 400));
  }

  same(got, wanted, ...what) {
    this.that(JSON.stringify(got) === JSON.stringify(wanted), ...what, 'is', got, 'and not', wanted);
  }

  sawSome(name, count, atLeast = 1) {
    this.saw[name] = (this.saw[name] ?? 0) + count;
    this.that(this.saw[name] >= atLeast, name, 'came', this.saw[name], 'times, wanted', atLeast);
  }

  trade(where, id, px, qty, time, maker) {
    this.same([plain(px), plain(qty), time, maker], this.capture.trades.get(id), where, 'trade', id);
  }

  /** Every trade of an aggregate has its price and side. */
  aggTrade(where, row) {
    for (let id = row.f; id <= row.l; id += 1) {
      const [px, qty, time, maker] = this.capture.trades.get(id) ?? [];
      this.same([px, maker], [plain(row.p), row.m], where, 'trade', id, 'of', row.a);
      if (row.f === row.l) this.same([qty, time], [plain(row.q), row.T], where, row.a);
    }
  }

  ticker(where, row) {
    const got = [row.b, row.B, row.a, row.A].map(plain).join(' ');
    this.same(got, this.capture.tickers.get(row.u), where, 'at', row.u);
  }

  touch(where, ...values) {
    this.that(this.capture.touches.has(values.map(plain).join(' ')), where, values, 'was never the best');
  }

  diff(where, row) {
    const known = this.capture.updates.find((update) => update.u === row.u);
    this.same([row.U, row.b, row.a], known && [known.U, known.b, known.a], where, 'at', row.u);
  }

  /** The best levels, given as pairs, are those the book had at this update id. */
  book(where, lastId, bids, asks, most) {
    const known = this.capture.bookAt(lastId, most);
    const got = [bids, asks].map((side) => side.map((level) => level.slice(0, 2).map(plain).join(' ')));
    this.same(got, known, where, 'at', lastId);
  }

  /** A kline event has the trades from its first to its last id, and their prices. */
  kline(where, k) {
    const ids = [...this.capture.trades.keys()].filter((id) => id >= k.f && id <= k.L);
    if (!k.n) return;
    const prices = ids.map((id) => this.capture.trades.get(id)[0]);
    const numbers = prices.map(Number);
    this.same(
      [k.n, plain(k.o), plain(k.c), Number(k.h), Number(k.l)],
      [ids.length, prices[0], prices.at(-1), Math.max(...numbers), Math.min(...numbers)],
      where, 'of', k.t,
    );
    this.that(ids.every((id) => Math.floor(this.capture.trades.get(id)[2] / 60_000) * 60_000 === k.t), where, k.t);
  }

  /** Prints the result; the exit code. */
  end(version) {
    const { client, done, failed, saw, since } = this;
    const seconds = (Date.now() - since) / 1000;
    console.log(JSON.stringify({ client, version, checks: done, failed: failed.slice(0, 20), saw, seconds }));
    return failed.length ? 1 : 0;
  }
}

/** Waits until a condition holds or the time is up. */
export async function until(holds, seconds) {
  const end = Date.now() + seconds * 1000;
  while (!holds() && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 50));
}

/** Waits until so many trades have been played: the venue tells nothing that lies ahead of its position. */
async function waitForTrades(rest, symbol, count = 500) {
  const end = Date.now() + 30_000;
  while (Date.now() < end) {
    const answer = await fetch(`${rest}/api/v3/trades?symbol=${symbol}&limit=${count}`);
    if ((await answer.json()).length === count) return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error(`the venue played no ${count} trades in 30 s`);
}

/** --rest, --ws, --symbol and the capture's files. */
export function args() {
  const options = { rest: { type: 'string' }, ws: { type: 'string' }, symbol: { type: 'string', default: 'BTCUSDT' } };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  if (!values.rest || !values.ws || !positionals.length) {
    console.error('usage: --rest http://HOST:PORT --ws ws://HOST:PORT [--symbol BTCUSDT] CAPTURE.gz ...');
    process.exit(2);
  }
  return { ...values, capture: new Capture(positionals) };
}

/** Runs a client's checks to the end, and never longer than a minute and a half. */
export async function run(client, version, work) {
  const given = args();
  const check = new Checks(client, given.capture);
  const late = setTimeout(() => {
    check.that(false, 'the client did not come to an end');
    process.exit(check.end(version));
  }, 90_000);
  try {
    await waitForTrades(given.rest, given.symbol);
    await work(check, given);
  } catch (error) {
    check.that(false, 'the client failed:', error?.message ?? error, error?.code ?? '');
  }
  clearTimeout(late);
  process.exit(check.end(version));
}
