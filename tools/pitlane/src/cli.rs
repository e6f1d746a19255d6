//! The command line as data: what can be typed, its help and its examples.

mod capture;
mod venue;

pub use capture::{CaptureArgs, RotateAt};
pub use venue::{AtEnd, Certificate, VenueArgs};

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// A lock-free, low-latency order-flow engine.
#[derive(Parser, Debug)]
#[command(name = "pitlane", version, propagate_version = true, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 all inputs accounted for, 1 failure, 2 usage, 78 configuration, 130 interrupted.";

const DOCTOR: &str =
    "Exit codes: 0 no line fails, 1 a line fails, 78 the core map cannot be used, 130 interrupted.

Examples:
  pitlane doctor
  pitlane doctor --config configs/isolated.toml
  pitlane doctor --config configs/isolated.toml --seconds 60 --json > host.json
  pitlane doctor --cores 2-5 --fixes";

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Run the engine with a configuration, on live data or on captures, until its source ends or it is told to stop
    #[command(
        after_help = "Examples:\n  pitlane run -c configs/live.toml\n  pitlane run day1.plcap day2.plcap --config configs/local.toml\n  pitlane run -c my.toml --json > report.json"
    )]
    Run(RunArgs),
    /// Play captures through the whole engine and report; without arguments, the bundled real sample
    #[command(after_help = "Examples:
  pitlane replay
  pitlane replay day1.plcap day2.plcap --out results
  pitlane replay --from binance-jsonl btcusdt_20240808.gz --speed 10x
  pitlane replay results/ticks --json
  pitlane replay --core-map folded")]
    Replay(ReplayArgs),
    /// Record what venues send, raw and with receive times, into captures that can be replayed
    #[command(after_help = capture::HELP)]
    Capture(CaptureArgs),
    /// Print, plot or compare the stats dumps of runs: ended, killed or still running
    #[command(after_help = "Examples:
  pitlane stats results/stats
  pitlane stats monday/stats tuesday/stats --json
  pitlane stats results/stats --stage latency.market --hgrm > market.hgrm
  pitlane stats results/stats --stage latency. --plot latency.svg
  pitlane stats results/stats --compare before/stats")]
    Stats(StatsArgs),
    /// Watch an engine that runs, hangs or was killed, by its counters page alone
    #[command(after_help = "Examples:
  pitlane top
  pitlane top results
  pitlane top --pid 1234 --delay 500ms
  pitlane top /dev/shm/pitlane --once --sort work
  pitlane top results --json | jq .health")]
    Top(TopArgs),
    /// Play captures as a venue on this machine, for any client of Binance's market data; without arguments, the sample
    #[command(after_help = venue::HELP)]
    Venue(VenueArgs),
    /// Turn public data formats into a capture
    #[command(after_help = "Examples:
  pitlane import --from binance-jsonl btcusdt_20240808.gz btcusdt_20240809.gz --out btcusdt.plcap
  pitlane import --from binance-aggtrades-csv BTCUSDT-aggTrades-2024-01-01.zip --out trades.plcap
  pitlane import --from itch50 AAPL_20191230.itch50.zst --day 2019-12-30 --out aapl.plcap")]
    Import(ImportArgs),
    /// Write the records of a tick store as CSV, JSON lines or numpy arrays
    #[command(after_help = "Examples:
  pitlane export results/ticks --to csv --out ticks.csv
  pitlane export results/ticks --to jsonl --kind trade > trades.jsonl
  pitlane export results/ticks --to npy --out ticks.npy --from-sequence 1000")]
    Export(ExportArgs),
    /// Say whether this host is fit for a core map: measured first, then explained
    #[command(after_help = DOCTOR)]
    Doctor(DoctorArgs),
    /// Check a configuration, or print one
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the completions of a shell
    #[command(after_help = "Example:\n  pitlane completions bash > /etc/bash_completion.d/pitlane")]
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

/// `pitlane run`.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// Captures to play, instead of source.paths in the configuration
    #[arg(value_name = "CAPTURE")]
    pub captures: Vec<PathBuf>,
    /// Configuration file
    #[arg(short, long, default_value = "configs/local.toml", value_name = "FILE")]
    pub config: PathBuf,
    /// Print the closing report as one JSON object
    #[arg(long)]
    pub json: bool,
    /// Say nothing but the report
    #[arg(short, long)]
    pub quiet: bool,
}

/// `pitlane replay`.
#[derive(Args, Debug)]
pub struct ReplayArgs {
    /// Captures, files of a format given by --from, or one tick store directory
    #[arg(value_name = "CAPTURE|TICKSTORE")]
    pub inputs: Vec<PathBuf>,
    /// Format of the inputs; recognised by content where that is unambiguous
    #[arg(long, value_name = "FORMAT")]
    pub from: Option<String>,
    /// max, or a multiple of recorded time such as 1x or 10x
    #[arg(long, default_value = "max", value_name = "SPEED")]
    pub speed: String,
    /// Configuration with the instruments, rings and core map. The source and the folders in it are not used: results go
    /// to --out, or to a temporary directory that is removed
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// shared: threads that yield and park; folded: all agents on one thread
    #[arg(long, value_name = "PROFILE")]
    pub core_map: Option<Profile>,
    /// Pin the threads to these cores in turn, such as 0 or 0,1
    #[arg(long, value_name = "CORES", value_delimiter = ',')]
    pub cores: Option<Vec<u32>>,
    /// Keep the tick store, database, log and stats here; if it holds an interrupted run of the same input, go on
    #[arg(short, long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Venue of the inputs where the format does not say: binance-spot, binance-usdm, binance-coinm
    #[arg(long, value_name = "VENUE")]
    pub venue: Option<String>,
    /// Symbol of the inputs where neither format nor file name says
    #[arg(long, value_name = "SYMBOL")]
    pub symbol: Option<String>,
    /// Day of the inputs where the format has only the time of day
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub day: Option<String>,
    /// Fail also on rejected frames, gaps and refused lines, which otherwise are only counted
    #[arg(long)]
    pub strict: bool,
    /// Print the report as one JSON object
    #[arg(long)]
    pub json: bool,
    /// Show no progress
    #[arg(short, long)]
    pub quiet: bool,
}

/// Core maps that need no file.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Profile {
    /// Threads that yield and park.
    Shared,
    /// All agents on one thread.
    Folded,
}

/// `pitlane stats`.
#[derive(Args, Debug)]
pub struct StatsArgs {
    /// Directories of stats dumps, or interval logs (.hlog) by themselves; several are summed up
    #[arg(value_name = "DUMP", required = true)]
    pub dumps: Vec<PathBuf>,
    /// Print one JSON object
    #[arg(long, conflicts_with = "hgrm")]
    pub json: bool,
    /// Only what has PATTERN in its name; with * for anything, what is called so as a whole
    #[arg(long, value_name = "PATTERN")]
    pub stage: Option<String>,
    /// Write percentile distributions as the plotters of HDR histograms read them: that of the one stage chosen by
    /// --stage to standard output, or each into a file in DIR
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = "-")]
    pub hgrm: Option<PathBuf>,
    /// Draw latency by percentile as SVG, one line a stage; of agents, where --stage says nothing else
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,
    /// Latency on a linear scale in the picture
    #[arg(long, requires = "plot")]
    pub linear: bool,
    /// Show another dump beside this one, with the ratio at each percentile
    #[arg(long, value_name = "OTHER", conflicts_with = "hgrm")]
    pub compare: Option<PathBuf>,
}

/// `pitlane top`.
#[derive(Args, Debug)]
pub struct TopArgs {
    /// Stats folder of an engine, the folder given to --out, or a counters page; without it, the engine that runs
    #[arg(value_name = "DIR", conflicts_with = "pid")]
    pub place: Option<PathBuf>,
    /// Process of the engine
    #[arg(long, value_name = "PID")]
    pub pid: Option<u32>,
    /// Print everything as text after one interval and leave; at once when the engine is dead. As usual where there is no
    /// terminal
    #[arg(long)]
    pub once: bool,
    /// Print JSON: one object with --once, else one a line for each interval
    #[arg(long)]
    pub json: bool,
    /// Time between two looks, such as 500ms, 2s or 1m
    #[arg(long, default_value = "1s", value_name = "TIME", value_parser = delay)]
    pub delay: Duration,
    /// Column to sort by, such as work, p99 or depth; a wrong one lists all
    #[arg(long, value_name = "COLUMN")]
    pub sort: Option<String>,
    /// No colours; `NO_COLOR` in the environment does the same
    #[arg(long)]
    pub no_color: bool,
}

/// A time with a unit, or in seconds without.
fn delay(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.find(|letter: char| letter.is_ascii_alphabetic()) {
        Some(at) => text.split_at(at),
        None => (text, "s"),
    };
    let scale = match unit.trim() {
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        _ => return Err("a unit is ms, s or m, as in 500ms, 2s or 1m".to_owned()),
    };
    let seconds: f64 = number
        .trim()
        .parse()
        .map_err(|_| "not a time such as 500ms, 2s or 1m".to_owned())?;
    let limits = DELAY_LIMITS.map(|limit| limit.as_secs_f64());
    if !(limits[0]..=limits[1]).contains(&(seconds * scale)) {
        return Err("from 10ms to 60m".to_owned());
    }
    Ok(Duration::from_secs_f64(seconds * scale))
}

/// Shortest and longest time between two looks.
const DELAY_LIMITS: [Duration; 2] = [Duration::from_millis(10), Duration::from_hours(1)];

/// `pitlane import`.
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// Files to read, merged by receive time
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// binance-jsonl, cryptofeed, binance-aggtrades-csv, binance-klines-csv, fx-csv, lobster, itch50 or mbo-csv
    #[arg(long, value_name = "FORMAT")]
    pub from: Option<String>,
    /// Capture to write; must not exist
    #[arg(short, long, value_name = "CAPTURE")]
    pub out: PathBuf,
    /// Venue, where the format does not say: binance-spot, binance-usdm, binance-coinm
    #[arg(long, value_name = "VENUE")]
    pub venue: Option<String>,
    /// Symbol, where neither format nor file name says
    #[arg(long, value_name = "SYMBOL")]
    pub symbol: Option<String>,
    /// Day, where the format has only the time of day
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub day: Option<String>,
    /// Hours east of UTC of the times in the file, where the format does not say
    #[arg(long, value_name = "HOURS", allow_hyphen_values = true)]
    pub utc_offset: Option<i32>,
    /// Stop at the first bad line instead of counting and skipping it
    #[arg(long)]
    pub strict: bool,
    /// Print the report as one JSON object
    #[arg(long)]
    pub json: bool,
    /// Show no progress
    #[arg(short, long)]
    pub quiet: bool,
}

/// `pitlane export`.
#[derive(Args, Debug)]
pub struct ExportArgs {
    /// Directory of a tick store
    #[arg(value_name = "DIR")]
    pub store: PathBuf,
    /// Format to write
    #[arg(long, value_name = "FORMAT")]
    pub to: ExportFormat,
    /// File to write; standard output if absent or -
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Only records of this kind, such as trade or quote; may be given several times
    #[arg(long, value_name = "KIND")]
    pub kind: Vec<String>,
    /// Only records from this sequence number on
    #[arg(long, value_name = "N")]
    pub from_sequence: Option<u64>,
    /// Only records from this UTC time on, such as 2024-08-09T00:00:00Z
    #[arg(long, value_name = "TIME")]
    pub from_time: Option<String>,
}

/// What a tick store can be written as.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExportFormat {
    /// One line a record; columns for every payload field.
    Csv,
    /// One JSON object a record.
    Jsonl,
    /// A numpy array of 64-byte records.
    Npy,
}

/// `pitlane doctor`.
#[derive(Args, Debug)]
pub struct DoctorArgs {
    /// Configuration whose core map and folders are judged; without it, the built-in defaults
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Judge these cores, such as 2-5, as if a thread of profile isolated spun on each
    #[arg(long, value_name = "CORES")]
    pub cores: Option<String>,
    /// How long to measure; 0 to read the settings only
    #[arg(long, default_value = "3", value_name = "SECONDS", value_parser = seconds)]
    pub seconds: f64,
    /// Print one JSON object
    #[arg(long, conflicts_with = "fixes")]
    pub json: bool,
    /// Print what mends the host as a shell script; nothing is measured or changed
    #[arg(long)]
    pub fixes: bool,
    /// Show no progress
    #[arg(short, long)]
    pub quiet: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.0..=3600.0).contains(&seconds) => Ok(seconds),
        _ => Err("a number of seconds from 0 to 3600".to_owned()),
    }
}

/// `pitlane config`.
#[derive(Subcommand, Debug)]
pub enum ConfigCommand {
    /// Check a file, also against this machine; every fault is listed with file, line and key
    #[command(after_help = "Example:\n  pitlane config check configs/local.toml")]
    Check {
        /// Configuration file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Print a complete configuration with every key, its default and what it means
    #[command(after_help = "Example:\n  pitlane config print --defaults > my.toml")]
    Print {
        /// The defaults
        #[arg(long, required = true)]
        defaults: bool,
    },
}
