// Reads an interval log with the HdrHistogram port for JavaScript and prints what `pitlane stats --json` says of it.
//
//     NODE_PATH=node_modules node read_hlog.js stats.hlog

"use strict";

const fs = require("fs");
const hdr = require("hdr-histogram-js");

const sums = {};
const log = new hdr.HistogramLogReader(fs.readFileSync(process.argv[2], "utf8"), 64);
for (let interval = log.nextIntervalHistogram(); interval; interval = log.nextIntervalHistogram()) {
  sums[interval.tag] ??= hdr.build({
    bitBucketSize: 64,
    autoResize: true,
    numberOfSignificantValueDigits: interval.numberOfSignificantValueDigits,
  });
  sums[interval.tag].add(interval);
}

const percentiles = (histogram) => ({
  count: histogram.totalCount,
  min: histogram.getCountAtIndex(0) > 0 ? 0 : histogram.lowestEquivalentValue(histogram.minNonZeroValue),
  p50: histogram.getValueAtPercentile(50),
  p90: histogram.getValueAtPercentile(90),
  p99: histogram.getValueAtPercentile(99),
  p999: histogram.getValueAtPercentile(99.9),
  max: histogram.maxValue,
});

const found = Object.fromEntries(Object.entries(sums).map(([tag, sum]) => [tag, percentiles(sum)]));
process.stdout.write(JSON.stringify(found));
