//! The command line of `pitlane venue`.

use clap::{Args, ValueEnum};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// What stands behind the options in the help.
pub const HELP: &str = "Faults, given with --fault or sent while it runs with POST /venue/faults?add=FAULT, are KIND or
KIND:key=value,key=value. Kinds, with keys of their own:
  of streams      drop, duplicate, reorder, delay (by=10 messages), truncate (keep=BYTES), stale (needs for=),
                  cut (ends the connection), close (code=1011), malformed, wrong-types, binary, compressed,
                  torn, not-text, huge (bytes=67108864 of blanks)
  of REST         429 and 418 (retry=5 seconds), 500 to 599, slow (ms=1000),
                  wrong-snapshot (how=crossed, old or quantity), html, endless, endless-head,
                  bad-body (how=malformed, wrong-types, binary, compressed, truncate or huge)
  of handshakes   those of REST with on=handshake
  of connections  refuse
Keys of all kinds:
  on=     a stream or its kind (btcusdt@trade, depth), a path or its end (/api/v3/depth, depth),
          of one symbol (depth?symbol=BTCUSDT)
  p=      probability of each; by the seed, so the same again        every=  each so many-th
  after=  lets so many pass first                                    times=  at most so often
  for=    goes on over so many events, or a time such as 30s

Also on its port: GET /venue/status, GET and DELETE /venue/faults, POST /venue/restart?pause=1

Exit codes: 0 ended by SIGTERM or --at-end exit, 1 failure, 2 usage, 130 interrupted.

Examples:
  pitlane venue
  pitlane venue day1.plcap day2.plcap --speed 10x --port 8080
  pitlane venue --json --at-end exit > urls.json
  pitlane venue --fault drop:on=depth,p=0.001 --fault cut:every=50000 --seed 7
  pitlane venue --fault drop:on=btcusdt@trade,after=1000,times=1,for=10
  pitlane venue --fault html:on=handshake,times=3 --fault bad-body:on=depth,how=wrong-types,times=1
  pitlane venue --config-out live.toml     # then, in another terminal: pitlane run -c live.toml
  pitlane venue --copies 200 --speed 10x --config-out load.toml
  pitlane venue --tls self --tls-ca-out ca.pem
  curl -X POST 'http://127.0.0.1:8080/venue/faults?add=429:on=depth,retry=7,times=1'";

/// `pitlane venue`.
#[derive(Args, Debug)]
pub struct VenueArgs {
    /// Captures, or files of a format given by --from; played in the order of their receive times
    #[arg(value_name = "CAPTURE")]
    pub inputs: Vec<PathBuf>,
    /// Format of the inputs; recognised by content where that is unambiguous
    #[arg(long, value_name = "FORMAT")]
    pub from: Option<String>,
    /// max: as fast as the slowest client takes it, and only while one listens; or a multiple such as 1x or 10x
    #[arg(long, default_value = "max", value_name = "SPEED")]
    pub speed: String,
    /// Port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    pub port: u16,
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    pub bind: IpAddr,
    /// Each symbol so many times: BTCUSDT, BTCUSDT002, BTCUSDT003 and so on, a moment apart. Each takes the memory of the
    /// capture again
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = copies)]
    pub copies: usize,
    /// When the playback starts: now, first-client, or a number of clients with a subscription. Without it with the first,
    /// or with as many as the configuration of --config-out has connections
    #[arg(long, value_name = "WHEN", value_parser = start)]
    pub start: Option<usize>,
    /// Begin behind this many frames, as a venue that is started again in the middle of its day
    #[arg(long, default_value_t = 0, value_name = "FRAMES")]
    pub skip: usize,
    /// What happens at the end of the capture
    #[arg(long, default_value = "hold", value_name = "WHAT")]
    pub at_end: AtEnd,
    /// Something that goes wrong; see below. May be given several times
    #[arg(long, value_name = "FAULT")]
    pub fault: Vec<pitlane_venue::faults::Rule>,
    /// Speak TLS with a certificate made for this run: self, or one that clients must refuse
    #[arg(long, value_name = "WHICH", conflicts_with = "tls_cert")]
    pub tls: Option<Certificate>,
    /// Where to write the authority (PEM) that clients of --tls have to trust
    #[arg(long, value_name = "FILE", requires = "tls")]
    pub tls_ca_out: Option<PathBuf>,
    /// Keep what --tls self makes in this directory, and take it from there the next time
    #[arg(long, value_name = "DIR", requires = "tls")]
    pub tls_dir: Option<PathBuf>,
    /// Speak TLS with this certificate, its chain behind it (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The key of --tls-cert (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Seed of faults that happen by chance
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// Request weight a minute; beyond it 429, then 418
    #[arg(long, default_value_t = 6000, value_name = "WEIGHT")]
    pub weight_limit: u32,
    /// Time between two ping frames
    #[arg(long, default_value = "20s", value_name = "TIME", value_parser = time)]
    pub ping_every: Duration,
    /// How long a client may take to answer a ping
    #[arg(long, default_value = "60s", value_name = "TIME", value_parser = time)]
    pub pong_within: Duration,
    /// Longest life of a connection
    #[arg(long, default_value = "24h", value_name = "TIME", value_parser = time)]
    pub lifetime: Duration,
    /// Most messages a client may send within a second
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub messages_per_second: usize,
    /// Most WebSocket connections opened within five minutes
    #[arg(long, default_value_t = 300, value_name = "N")]
    pub connects: usize,
    /// Venue of the inputs where the format does not say: binance-spot, binance-usdm, binance-coinm
    #[arg(long, value_name = "VENUE")]
    pub venue: Option<String>,
    /// Symbol of the inputs where neither format nor file name says
    #[arg(long, value_name = "SYMBOL")]
    pub symbol: Option<String>,
    /// Day of the inputs where the format has only the time of day
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub day: Option<String>,
    /// Write a configuration with which pitlane run listens to this venue
    #[arg(long, value_name = "FILE")]
    pub config_out: Option<PathBuf>,
    /// Print the base addresses as one JSON object
    #[arg(long)]
    pub json: bool,
    /// Show no progress
    #[arg(short, long)]
    pub quiet: bool,
}

/// What a venue does at the end of its capture.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum AtEnd {
    /// The market stands still.
    Hold,
    /// Streams are closed; REST goes on.
    Close,
    /// Streams are closed and the command ends.
    Exit,
    /// It begins again, with the same ids.
    Loop,
}

/// A certificate made for one run.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Certificate {
    /// A good one, by an authority of its own.
    #[value(name = "self")]
    Good,
    /// One that was valid in 2020 only.
    Expired,
    /// One for another host.
    WrongName,
    /// One by another authority than is given out.
    Untrusted,
}

fn copies(text: &str) -> Result<usize, String> {
    let most = pitlane_venue::copies::COPIES_MAX;
    let count = text.parse().ok().filter(|count| (1..=most).contains(count));
    count.ok_or_else(|| format!("a number from 1 to {most}"))
}

/// How many clients the playback waits for.
fn start(text: &str) -> Result<usize, String> {
    match text {
        "now" => Ok(0),
        "first-client" => Ok(1),
        _ => text
            .parse()
            .ok()
            .filter(|count| *count > 0)
            .ok_or_else(|| "now, first-client, or a number of clients".to_owned()),
    }
}

/// A time with a unit, or in seconds without.
fn time(text: &str) -> Result<Duration, String> {
    let wrong = || "a time such as 500ms, 20s, 5m or 24h".to_owned();
    let unit = text.find(|c: char| c.is_ascii_alphabetic());
    let (number, unit) = text.split_at(unit.unwrap_or(text.len()));
    let scale = match unit {
        "ms" => 1,
        "" | "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let ms = number.checked_mul(scale).filter(|ms| *ms > 0);
    ms.map(Duration::from_millis).ok_or_else(wrong)
}
