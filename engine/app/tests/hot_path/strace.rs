//! The system calls of some threads, as strace sees them.

use rustix::process::{Pid, Signal, kill_process};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};

/// strace, attached.
pub struct Strace {
    child: Child,
    /// Kept open: what it says when it lets go has to go somewhere.
    _words: BufReader<ChildStderr>,
    folder: tempfile::TempDir,
}

impl Strace {
    /// Attaches to threads of this process; the reason if that cannot be done here.
    pub fn attach(threads: &[u32]) -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("strace");
        command.arg("-o").arg(folder.path().join("calls"));
        for thread in threads {
            command.args(["-p", &thread.to_string()]);
        }
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .map_err(|error| format!("strace cannot be started ({error}): install it"))?;
        let mut words = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        for _ in threads {
            let before = said.len();
            words.read_line(&mut said).unwrap();
            if !said[before..].contains("attached") {
                // It ends by itself: there is nothing that it could follow.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("strace may not attach here: {}", said.trim()));
            }
        }
        Ok(Self {
            child,
            _words: words,
            folder,
        })
    }

    /// Detaches; the names of the calls of each thread.
    pub fn detach(mut self) -> BTreeMap<u32, BTreeSet<String>> {
        let id = i32::try_from(self.child.id()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), Signal::INT).unwrap();
        self.child.wait().unwrap();
        let calls: PathBuf = self.folder.path().join("calls");
        let mut found: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
        for line in std::fs::read_to_string(calls).unwrap().lines() {
            // "4711 futex(0x...", "4711 <... futex resumed>", "4711 --- SIGINT ---", "4711 +++ exited"
            let (thread, call) = line.split_once(' ').unwrap();
            if let Some((name, _)) = call.trim_start().split_once('(')
                && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')
            {
                let calls = found.entry(thread.parse().unwrap()).or_default();
                calls.insert(name.to_owned());
            }
        }
        found
    }
}
