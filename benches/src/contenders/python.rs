//! A rival that is a Python program: it is started once, and plays one round for each line it is sent.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A program of `benches/rivals` that is ready.
pub struct Python {
    child: Child,
    ask: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Python {
    /// Starts it and waits until it has prepared itself. The error says why it is not there.
    pub fn start(python: &Path, name: &str, trades: &Path) -> Result<Self, String> {
        if !python.exists() {
            return Err("its environment was not made; scripts/bench makes it".to_owned());
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("rivals/replay_trades.py");
        let mut child = Command::new(python)
            .arg(script)
            .arg(name)
            .arg(trades)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let (Some(ask), Some(said)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("no pipes".to_owned());
        };
        let mut started = Self {
            child,
            ask: Some(ask),
            answers: BufReader::new(said),
        };
        // libraries may greet before
        while let Some(line) = started.line() {
            if line == "ready" {
                return Ok(started);
            }
        }
        Err(started.last_words())
    }

    /// Nanoseconds per trade of one more round; not a number if it has ended.
    pub fn round(&mut self) -> f64 {
        let asked = self.ask.as_mut().map(|ask| writeln!(ask));
        if !matches!(asked, Some(Ok(()))) {
            return f64::NAN;
        }
        let answer = self.line().and_then(|line| line.parse().ok());
        answer.unwrap_or(f64::NAN)
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.answers.read_line(&mut line) {
            Ok(bytes) if bytes > 0 => Some(line.trim().to_owned()),
            _ => None,
        }
    }

    fn last_words(&mut self) -> String {
        let lines = self.child.stderr.take().map(BufReader::new);
        let last = lines.and_then(|it| it.lines().map_while(Result::ok).last());
        last.unwrap_or_else(|| "it ended without a word".to_owned())
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // the end of its input is its end
        self.ask = None;
        let _ = self.child.wait();
    }
}
