use super::plot::{Line, Scale, svg};
use super::{compare, hgrm, matches};
use hdrhistogram::Histogram;

fn histogram(values: impl IntoIterator<Item = u64>) -> Histogram<u64> {
    let mut histogram = Histogram::new(3).unwrap();
    for value in values {
        histogram.record(value).unwrap();
    }
    histogram
}

#[test]
fn a_pattern_is_a_part_of_a_name_or_has_stars() {
    let name = "market/latency.market";
    for yes in [
        "market",
        "latency.",
        "market/*",
        "*market",
        "*latency*",
        "m*/*.m*t",
        "*",
    ] {
        assert!(matches(name, yes), "{yes}");
    }
    for no in ["feed", "latency*", "*latency", "*feed*", "market/*x"] {
        assert!(!matches(name, no), "{no}");
    }
}

#[test]
fn a_small_ratio_keeps_its_figures() {
    for (ratio, text) in [
        (12.345, "12.35"),
        (1.0, "1.00"),
        (0.5, "0.50"),
        (0.053, "0.053"),
        (0.002_786, "0.0028"),
        (0.0, "0.00"),
    ] {
        assert_eq!(compare::two_figures(ratio), text);
    }
}

/// The form of the reference implementation, `outputPercentileDistribution` with a scaling ratio of 1.
#[test]
fn a_distribution_is_written_as_plotters_read_it() {
    let text = hgrm::text(&histogram([1, 2, 3, 4, 5, 6, 7, 8, 9, 2000]));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[..4],
        [
            "       Value     Percentile TotalCount 1/(1-Percentile)",
            "",
            "       1.000 0.000000000000          1           1.00",
            "       1.000 0.100000000000          1           1.11",
        ]
    );
    let tail = &lines[lines.len() - 4..];
    assert_eq!(tail[0], "    2000.000 1.000000000000         10");
    assert!(
        tail[1].starts_with("#[Mean    =      204.500, StdDeviation   ="),
        "{}",
        tail[1]
    );
    assert_eq!(
        tail[2],
        "#[Max     =     2000.000, Total count    =           10]"
    );
    assert!(
        tail[3].ends_with("SubBuckets     =         2048]"),
        "{}",
        tail[3]
    );
}

const LONG: &str = "thread/a-name-that-is-as-long-as-a-name-may-be/and-more/cycle_ns, compared";

#[test]
fn a_picture_has_a_line_and_a_legend_for_each_stage_and_stays_within_its_frame() {
    let (fast, slow) = (
        histogram(1..=5_000),
        histogram((1..=900).map(|n| n * n * 1000)),
    );
    for scale in [Scale::Log, Scale::Linear] {
        let line = |name: &str, histogram, colour, dashed| Line {
            name: name.to_owned(),
            histogram,
            colour,
            dashed,
        };
        let text = svg(
            "a <dump> & another",
            &[line("fast", &fast, 0, false), line(LONG, &slow, 9, true)],
            scale,
        );
        assert_eq!(text.matches("<polyline").count(), 2);
        assert!(text.contains("a &lt;dump&gt; &amp; another"));
        assert!(text.contains(">99.99 %<") && text.contains("n 5,000, p50 "));
        // A letter of the legend is about 6 wide.
        let wide: f64 = text
            .split_once(" width=\"")
            .and_then(|(_, rest)| rest.split_once('"')?.0.parse().ok())
            .unwrap();
        let letters = u32::try_from(LONG.len()).unwrap();
        assert!(wide > 858.0 + 6.0 * f64::from(letters), "{wide}");
        for points in text.split("points=\"").skip(1) {
            let (points, _) = points.split_once('"').unwrap();
            let mut last = 0.0;
            for point in points.split(' ') {
                let (x, y) = point.split_once(',').unwrap();
                let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
                assert!(
                    (84.0..=804.0).contains(&x) && (56.0..=476.0).contains(&y),
                    "{point}"
                );
                assert!(x >= last, "percentiles grow to the right: {point}");
                last = x;
            }
        }
        assert!(!text.contains("NaN") && !text.contains("inf"));
    }
}
