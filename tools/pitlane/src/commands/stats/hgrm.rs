//! The percentile distribution as text, `.hgrm`: the form the usual plotters of HDR histograms read.

use hdrhistogram::Histogram;
use std::fmt::Write;

/// Steps to every halving of the distance to 100 %, as the reference implementation has them by default.
const STEPS: u32 = 5;

/// The distribution in nanoseconds.
#[expect(
    clippy::cast_precision_loss,
    reason = "the format has three decimals of whole nanoseconds"
)]
pub fn text(histogram: &Histogram<u64>) -> String {
    let mut text = String::new();
    let mut line = |args: std::fmt::Arguments<'_>| {
        text.write_fmt(args)
            .expect("writing to a String cannot fail");
    };
    line(format_args!(
        "{:>12} {:>14} {:>10} {:>14}\n\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    ));
    let mut seen = 0;
    for step in histogram.iter_quantiles(STEPS) {
        seen += step.count_since_last_iteration();
        let (value, share) = (step.value_iterated_to() as f64, step.quantile_iterated_to());
        line(format_args!("{value:>12.3} {share:.12} {seen:>10}"));
        if share < 1.0 {
            line(format_args!(" {:>14.2}", 1.0 / (1.0 - share)));
        }
        line(format_args!("\n"));
    }
    // As many linear steps as tell two values of that many figures apart.
    let sub_buckets = (2 * 10_u64.pow(histogram.sigfig().into())).next_power_of_two();
    let (mean, deviation) = (histogram.mean(), histogram.stdev());
    line(format_args!(
        "#[Mean    = {mean:>12.3}, StdDeviation   = {deviation:>12.3}]\n"
    ));
    line(format_args!(
        "#[Max     = {:>12.3}, Total count    = {:>12}]\n",
        histogram.max() as f64,
        histogram.len()
    ));
    line(format_args!(
        "#[Buckets = {:>12}, SubBuckets     = {sub_buckets:>12}]\n",
        histogram.buckets()
    ));
    text
}
