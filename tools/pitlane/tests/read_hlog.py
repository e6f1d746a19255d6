"""Reads an interval log with the HdrHistogram port for Python and prints what `pitlane stats --json` says of it.

    python read_hlog.py stats.hlog                   one JSON object: by tag count, percentiles, maximum, minimum
    python read_hlog.py stats.hlog --hgrm TAG FILE   checks each line of a percentile distribution of that tag,
                                                     and prints how many there were
"""

import json
import math
import sys

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogReader

# Beyond any latency there is: this port cannot grow a histogram.
LARGEST = 1 << 50


def read(path):
    """The sum of all intervals, by tag."""
    log = HistogramLogReader(path, None)
    sums = {}
    while (interval := log.get_next_interval_histogram()) is not None:
        tag = interval.get_tag()
        if tag not in sums:
            sums[tag] = HdrHistogram(1, LARGEST, interval.significant_figures)
        sums[tag].add(interval)
    return sums


def percentiles(histogram):
    count = histogram.get_total_count()

    def at(per_mille):
        # A percentile is the value of rank ceil(p * count), as in the reference implementation.
        # This port rounds the rank to the nearest instead, so it is asked for the percentile of that very rank.
        rank = -(-count * per_mille // 1000)
        return histogram.get_value_at_percentile(100 * rank / count)

    return {
        "count": count,
        "min": histogram.get_min_value(),
        "p50": at(500),
        "p90": at(900),
        "p99": at(990),
        "p999": at(999),
        "max": histogram.get_max_value(),
    }


def check_hgrm(histogram, path):
    """Ports step through the percentiles in their own ways, so lines are not compared but checked one by one."""
    count = histogram.get_total_count()
    below, seen = {}, 0
    steps = histogram.get_recorded_iterator()
    for step in steps:
        rank, seen = seen, seen + steps.count_at_this_value
        below[histogram.get_highest_equivalent_value(step.value_iterated_to)] = (rank, seen)
    lines = [line.split() for line in open(path, encoding="utf-8")]
    assert lines[0] == ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"], lines[0]
    rows = [line for line in lines[1:] if line and not line[0].startswith("#")]
    last = -1.0
    for value, share, total, *inverse in rows:
        share, total = float(share), int(total)
        rank, upto = below[int(float(value))]
        assert total == upto, f"{total} values up to {value}: there are {upto}"
        assert rank <= math.ceil(share * count) <= upto, f"{share} is not the share of {value}"
        assert share > last or share == 1.0, f"{share} behind {last}"
        if share < 1.0:
            assert abs(float(inverse[0]) * (1.0 - share) - 1.0) < 0.01, f"{inverse} at {share}"
        last = share
    assert last == 1.0 and int(rows[-1][2]) == count, rows[-1]
    notes = " ".join(word for line in lines for word in line if line and line[0].startswith("#"))
    assert f"Total count = {count}]" in notes, notes
    assert f"Mean = {histogram.get_mean_value():.3f}, StdDeviation = {histogram.get_stddev():.3f}]" in notes, notes
    return len(rows)


def main():
    sums = read(sys.argv[1])
    if sys.argv[2:3] == ["--hgrm"]:
        print(check_hgrm(sums[sys.argv[3]], sys.argv[4]))
    else:
        json.dump({tag: percentiles(sums[tag]) for tag in sums}, sys.stdout)


if __name__ == "__main__":
    main()
