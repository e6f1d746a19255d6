//! Latency by percentile as a picture: SVG, one line a stage, no fonts and no scripts inside.
//!
//! The horizontal axis is `1 / (1 - p)` on a logarithmic scale, so that every further nine has the same width.

use hdrhistogram::Histogram;
use pitlane_app::report::{duration, thousands};
use pitlane_runtime::stats::Percentiles;
use std::fmt::Write;

/// One line of the picture.
pub struct Line<'a> {
    /// What the legend calls it.
    pub name: String,
    /// What it shows.
    pub histogram: &'a Histogram<u64>,
    /// Which colour it has: lines of one stage share theirs.
    pub colour: usize,
    /// It belongs to the dump that is compared with.
    pub dashed: bool,
}

/// How latencies are laid out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scale {
    /// Every factor of ten has the same height.
    Log,
    /// From nothing to the largest.
    Linear,
}

/// Eight colours that people with any sight tell apart (Okabe and Ito, 2008; black for the last).
const COLOURS: [&str; 8] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31", "#000000",
];
const LEFT: f64 = 84.0;
const TOP: f64 = 56.0;
const WIDTH: f64 = 720.0;
const BOTTOM: f64 = 64.0;
/// From the frame to the words of the legend.
const LEGEND_TEXT: f64 = 54.0;
/// Width of a letter of the legend, rather too much.
const LETTER: f64 = 6.6;
const LEGEND_ROW: f64 = 36.0;
/// Steps to every halving of the distance to 100 %: fine enough for a smooth line.
const STEPS: u32 = 10;

/// The picture. There is at least one line, and none is empty.
#[expect(clippy::cast_precision_loss, reason = "places in a picture")]
pub fn svg(title: &str, lines: &[Line<'_>], scale: Scale) -> String {
    let axes = Axes::of(lines, scale);
    let letters = lines
        .iter()
        .flat_map(|line| [line.name.chars().count(), figures(line).len()]);
    let width = LEFT + WIDTH + LEGEND_TEXT + LETTER * letters.max().unwrap_or(0) as f64;
    let height = TOP + axes.height + BOTTOM;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n\
         <text x=\"{LEFT}\" y=\"24\" font-size=\"16\" font-weight=\"bold\">Latency by percentile</text>\n\
         <text x=\"{LEFT}\" y=\"43\" fill=\"#666\">{}</text>\n",
        escaped(title)
    );
    axes.draw(&mut out);
    for line in lines {
        draw_line(&mut out, &axes, line);
    }
    draw_legend(&mut out, lines);
    out.push_str("</svg>\n");
    out
}

/// From percentiles and nanoseconds to places.
struct Axes {
    scale: Scale,
    height: f64,
    /// Powers of ten of `1 / (1 - p)` that are shown.
    nines: u32,
    /// Lowest and highest value shown: powers of ten, or nanoseconds.
    low: f64,
    high: f64,
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "places in a picture"
)]
impl Axes {
    fn of(lines: &[Line<'_>], scale: Scale) -> Self {
        let most = lines.iter().map(|line| line.histogram.len()).max();
        let largest = lines.iter().map(|line| line.histogram.max()).max();
        // Nothing at all has no place on a logarithmic scale; it stands at the foot.
        let smallest = lines.iter().map(|line| line.histogram.min_nz()).min();
        let largest = largest.unwrap_or(1).max(2) as f64;
        let smallest = smallest.unwrap_or(1).max(1) as f64;
        let (low, high) = match scale {
            Scale::Log => {
                let low = smallest.log10().floor();
                (low, largest.log10().ceil().max(low + 1.0))
            }
            Scale::Linear => (0.0, largest * 1.05),
        };
        Self {
            scale,
            height: (LEGEND_ROW * lines.len() as f64).max(420.0),
            nines: (most.unwrap_or(1).max(10) as f64).log10().ceil() as u32,
            low,
            high,
        }
    }

    /// Where `1 / (1 - p)` stands.
    fn x(&self, inverse: f64) -> f64 {
        LEFT + WIDTH * (inverse.log10() / f64::from(self.nines)).clamp(0.0, 1.0)
    }

    fn y(&self, ns: f64) -> f64 {
        let at = match self.scale {
            Scale::Log => ns.max(1.0).log10(),
            Scale::Linear => ns,
        };
        let share = (at - self.low) / (self.high - self.low);
        TOP + self.height * (1.0 - share.clamp(0.0, 1.0))
    }

    fn draw(&self, out: &mut String) {
        let (right, foot) = (LEFT + WIDTH, TOP + self.height);
        let mut grid = |ns: f64, main: bool| {
            let y = self.y(ns);
            let colour = if main { "#ccc" } else { "#eee" };
            let _ = writeln!(
                out,
                "<path d=\"M{LEFT} {y:.1}H{right}\" stroke=\"{colour}\"/>"
            );
            if main {
                let _ = writeln!(
                    out,
                    "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                    LEFT - 8.0,
                    y + 4.0,
                    tick(ns)
                );
            }
        };
        match self.scale {
            Scale::Log => {
                for power in self.low as i32..=self.high as i32 {
                    let decade = 10_f64.powi(power);
                    grid(decade, true);
                    if power < self.high as i32 {
                        (2..10).for_each(|step| grid(decade * f64::from(step), false));
                    }
                }
            }
            Scale::Linear => {
                let step = round_step(self.high / 8.0);
                let mut ns = 0.0;
                while ns <= self.high {
                    grid(ns, true);
                    ns += step;
                }
            }
        }
        for nine in 0..=self.nines {
            let x = self.x(10_f64.powi(nine.cast_signed()));
            let _ = writeln!(
                out,
                "<path d=\"M{x:.1} {TOP}V{foot}\" stroke=\"#ccc\"/>\n\
                 <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                foot + 18.0,
                percentile(nine)
            );
        }
        let _ = writeln!(
            out,
            "<rect x=\"{LEFT}\" y=\"{TOP}\" width=\"{WIDTH}\" height=\"{}\" fill=\"none\" stroke=\"#888\"/>\n\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">percentile; each further nine has the same width, \
             1 / (1 - p) on a logarithmic scale</text>\n\
             <text transform=\"translate(18 {:.1}) rotate(-90)\" text-anchor=\"middle\">latency, {} scale</text>",
            self.height,
            LEFT + WIDTH / 2.0,
            foot + 42.0,
            TOP + self.height / 2.0,
            match self.scale {
                Scale::Log => "logarithmic",
                Scale::Linear => "linear",
            }
        );
    }
}

#[expect(clippy::cast_precision_loss, reason = "places in a picture")]
fn draw_line(out: &mut String, axes: &Axes, line: &Line<'_>) {
    let last = line.histogram.len() as f64;
    let mut points = String::new();
    for step in line.histogram.iter_quantiles(STEPS) {
        let share = step.quantile_iterated_to();
        // The largest value stands where the last of so many values has its share.
        let inverse = if share < 1.0 {
            (1.0 / (1.0 - share)).min(last)
        } else {
            last
        };
        let (x, y) = (axes.x(inverse), axes.y(step.value_iterated_to() as f64));
        let _ = write!(points, "{x:.1},{y:.1} ");
    }
    let _ = writeln!(
        out,
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\" stroke-linejoin=\"round\"{}>\
         <title>{}</title></polyline>",
        points.trim_end(),
        COLOURS[line.colour % COLOURS.len()],
        dash(line),
        escaped(&line.name)
    );
}

#[expect(clippy::cast_precision_loss, reason = "places in a picture")]
fn draw_legend(out: &mut String, lines: &[Line<'_>]) {
    let x = LEFT + WIDTH + 20.0;
    for (at, line) in lines.iter().enumerate() {
        let y = TOP + 12.0 + LEGEND_ROW * at as f64;
        let _ = writeln!(
            out,
            "<path d=\"M{x} {y}h26\" stroke=\"{}\" stroke-width=\"3\"{}/>\n\
             <text x=\"{:.1}\" y=\"{:.1}\">{}</text>\n\
             <text x=\"{:.1}\" y=\"{:.1}\" fill=\"#666\" font-size=\"11\">{}</text>",
            COLOURS[line.colour % COLOURS.len()],
            dash(line),
            x - 20.0 + LEGEND_TEXT,
            y + 4.0,
            escaped(&line.name),
            x - 20.0 + LEGEND_TEXT,
            y + 18.0,
            figures(line)
        );
    }
}

/// What the legend says of a line.
fn figures(line: &Line<'_>) -> String {
    let p = Percentiles::of(line.histogram);
    format!(
        "n {}, p50 {}, p99 {}, max {}",
        thousands(p.count),
        duration(p.p50),
        duration(p.p99),
        duration(p.max)
    )
}

/// Colours come again after eight lines; then the line is dotted.
fn dash(line: &Line<'_>) -> &'static str {
    match (line.dashed, line.colour >= COLOURS.len()) {
        (true, _) => " stroke-dasharray=\"7 4\"",
        (false, true) => " stroke-dasharray=\"2 3\"",
        (false, false) => "",
    }
}

/// `1 / (1 - p)` of that power of ten, as a percentile.
fn percentile(nine: u32) -> String {
    match nine {
        0 => "0 %".to_owned(),
        1 => "90 %".to_owned(),
        2 => "99 %".to_owned(),
        more => format!("99.{} %", "9".repeat(more as usize - 2)),
    }
}

/// A round number of nanoseconds with its unit.
fn tick(ns: f64) -> String {
    let (value, unit) = match ns {
        ns if ns < 1e3 => (ns, "ns"),
        ns if ns < 1e6 => (ns / 1e3, "us"),
        ns if ns < 1e9 => (ns / 1e6, "ms"),
        ns => (ns / 1e9, "s"),
    };
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text} {unit}")
}

/// The round number, 1, 2 or 5 of a power of ten, that is not below `step`.
fn round_step(step: f64) -> f64 {
    let decade = 10_f64.powf(step.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * decade)
        .find(|round| *round >= step)
        .unwrap_or(10.0 * decade)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
