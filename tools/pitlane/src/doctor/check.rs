//! One line of the page: what was found, how bad it is, and what mends it.

use serde::Serialize;
use std::fmt;

/// How a check ended, from best to worst.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As the profile needs it.
    Ok,
    /// Could not be read.
    Unknown,
    /// Works, and costs time now and then.
    Warn,
    /// The profile cannot hold what it promises.
    Fail,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
        })
    }
}

/// A check that was made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Check {
    /// What it is about, a stable name.
    pub topic: &'static str,
    /// Its stable name.
    pub id: &'static str,
    /// What was found.
    #[serde(flatten)]
    pub found: Finding,
}

impl Check {
    pub fn new(topic: &'static str, id: &'static str, found: Finding) -> Self {
        Self { topic, id, found }
    }
}

/// What was read and what it means.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub state: State,
    /// What is the case.
    #[serde(rename = "finding")]
    pub what: String,
    /// What that costs; empty if it is good.
    pub why: String,
    /// Where it was read.
    pub evidence: Vec<Evidence>,
    /// What mends it; empty if it is good.
    pub fixes: Vec<Fix>,
}

/// A file and what it said.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Evidence {
    /// The file.
    pub file: String,
    /// Its content, or the part that counts.
    pub value: String,
}

/// Something a person can do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Fix {
    /// Write a value into files of the kernel; `was` is what each of them holds now.
    Set {
        /// The files.
        files: Vec<String>,
        /// What to write.
        value: String,
        /// What undoes it, in the order of the files.
        was: Vec<String>,
    },
    /// Run a command as root.
    Run {
        /// The command.
        command: String,
        /// What undoes it, if something does.
        undo: Option<String>,
    },
    /// Words for the kernel's command line; they hold from the next boot on.
    Boot {
        /// The words.
        words: String,
    },
    /// Something to change in the configuration.
    Config {
        /// What.
        text: String,
    },
    /// Something no command here can do.
    Hint {
        /// What.
        text: String,
    },
}

impl Finding {
    /// Nothing to do.
    pub fn ok(what: impl Into<String>) -> Self {
        Self {
            state: State::Ok,
            what: what.into(),
            why: String::new(),
            evidence: Vec::new(),
            fixes: Vec::new(),
        }
    }

    /// Something to do.
    pub fn bad(state: State, what: impl Into<String>, why: &str) -> Self {
        Self {
            state,
            why: why.to_owned(),
            ..Self::ok(what)
        }
    }

    /// Not readable, and why.
    pub fn unknown(why: String) -> Self {
        Self {
            state: State::Unknown,
            ..Self::ok(why)
        }
    }

    /// Where it was read.
    pub fn seen(mut self, file: impl Into<String>, value: impl Into<String>) -> Self {
        self.evidence.push(Evidence {
            file: file.into(),
            value: value.into(),
        });
        self
    }

    /// What mends it; nothing is mended that is good.
    pub fn fix(self, fix: Fix) -> Self {
        self.fixes([fix])
    }

    /// Several things that mend it.
    pub fn fixes(mut self, fixes: impl IntoIterator<Item = Fix>) -> Self {
        if self.state != State::Ok {
            self.fixes.extend(fixes);
        }
        self
    }
}

impl Fix {
    /// One file, one value.
    pub fn set(file: impl Into<String>, value: impl Into<String>, was: impl Into<String>) -> Self {
        Self::Set {
            files: vec![file.into()],
            value: value.into(),
            was: vec![was.into()],
        }
    }

    /// Words of the kernel's command line.
    pub fn boot(words: impl Into<String>) -> Self {
        Self::Boot {
            words: words.into(),
        }
    }

    /// Something to change in the configuration.
    pub fn config(text: impl Into<String>) -> Self {
        Self::Config { text: text.into() }
    }

    /// Something no command here can do.
    pub fn hint(text: impl Into<String>) -> Self {
        Self::Hint { text: text.into() }
    }

    /// What kind of thing it is, in a word.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Set { .. } | Self::Run { .. } => "run",
            Self::Boot { .. } => "boot",
            Self::Config { .. } => "config",
            Self::Hint { .. } => "do",
        }
    }
}

impl fmt::Display for Fix {
    /// As it can be typed by someone who may become root.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Set { files, value, .. } => match files.as_slice() {
                [file] if file.starts_with("/proc/sys/") => {
                    write!(f, "sudo sysctl -w {}={value}", sysctl(file))
                }
                files => write!(f, "echo {value} | sudo tee {}", braces(files)),
            },
            Self::Run { command, .. } => write!(f, "sudo {command}"),
            Self::Boot { words } => f.write_str(words),
            Self::Config { text } | Self::Hint { text } => f.write_str(text),
        }
    }
}

/// `vm.swappiness` of `/proc/sys/vm/swappiness`.
pub fn sysctl(file: &str) -> String {
    file.trim_start_matches("/proc/sys/").replace('/', ".")
}

/// Several files as a shell writes them: `/a/cpu{2,3}/b`.
fn braces(files: &[String]) -> String {
    let [first, rest @ ..] = files else {
        return String::new();
    };
    if rest.is_empty() {
        return first.clone();
    }
    let shared = |a: &str, b: &str| a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let head = rest
        .iter()
        .map(|file| shared(first, file))
        .min()
        .unwrap_or(0);
    let backwards = |text: &str| text.bytes().rev().collect::<Vec<u8>>();
    let tail = rest
        .iter()
        .map(|file| {
            let (a, b) = (backwards(&first[head..]), backwards(&file[head..]));
            a.iter().zip(&b).take_while(|(a, b)| a == b).count()
        })
        .min()
        .unwrap_or(0);
    let middles: Vec<&str> = files
        .iter()
        .map(|file| &file[head..file.len() - tail])
        .collect();
    format!(
        "{}{{{}}}{}",
        &first[..head],
        middles.join(","),
        &first[first.len() - tail..]
    )
}
