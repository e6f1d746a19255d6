//! Which module may touch which part of the world.
//!
//! Every outside facility has one home, or a few with different jobs; a module elsewhere that reaches for it is
//! doing another owner's work. Tests may touch what they need.

use crate::Finding;
use crate::source;

/// A part of the world and the modules that may touch it.
struct Facility {
    name: &'static str,
    /// Modules of `std`, as in `std::fs`.
    std: &'static [&'static str],
    /// Crates and types whose very name gives the use away.
    names: &'static [&'static str],
    /// Modules: the file of that name and all files in the folder of that name.
    homes: &'static [&'static str],
}

const FACILITIES: [Facility; 9] = [
    Facility {
        name: "unsafe code",
        std: &[],
        names: &["unsafe"],
        homes: &["engine/lockfree/src", "engine/runtime/src/os"],
    },
    Facility {
        name: "shared mappings",
        std: &[],
        names: &["memmap2"],
        homes: &["engine/lockfree/src/region"],
    },
    Facility {
        name: "system calls",
        std: &[],
        names: &["libc", "rustix", "core_affinity"],
        homes: &[
            "engine/lockfree/src/region",
            "engine/lockfree/src/files",
            "engine/lockfree/src/tick/file",
            "engine/runtime/src/os",
            "engine/runtime/src/clock",
        ],
    },
    Facility {
        name: "threads",
        std: &["thread"],
        names: &[],
        homes: &[
            "engine/lockfree/src/sync",
            "engine/lockfree/src/wake",
            "engine/runtime/src",
            // frames are written where nobody waits for the disk
            "engine/edges/src/capture/record",
            // closing the database waits for who holds it
            "engine/edges/src/storage/writer",
            // what waits for the network does so on threads of its own
            "engine/edges/src/live",
            // the command waits for the engine
            "tools/pitlane/src/play",
            // and looks again after a while
            "tools/pitlane/src/commands/top",
            "tools/pitlane/src/top/terminal",
            // waits for signals
            "tools/pitlane/src/signals",
            // a thread a connection, far from any market
            "tools/venue/src",
            "tools/pitlane/src/commands/venue",
        ],
    },
    Facility {
        name: "clocks",
        std: &[],
        names: &["Instant", "SystemTime", "quanta"],
        homes: &[
            "engine/lockfree/src/tick",
            "engine/runtime/src",
            // how long a stranger may take
            "engine/edges/src/live",
            "tools/venue/src",
            // whether a wish is the same again
            "tools/pitlane/src/signals",
        ],
    },
    Facility {
        name: "files",
        std: &["fs"],
        names: &[],
        homes: &[
            "engine/lockfree/src/region",
            "engine/lockfree/src/files",
            "engine/lockfree/src/counters",
            "engine/lockfree/src/tick",
            "engine/runtime/src",
            "engine/edges/src",
            "engine/app/src",
            "tools",
        ],
    },
    Facility {
        name: "sockets",
        std: &["net"],
        names: &["mio", "tungstenite", "rustls", "ureq"],
        homes: &[
            "engine/edges/src/live",
            "tools/venue/src",
            // the address to listen on, as typed
            "tools/pitlane/src/cli/venue",
            "tools/pitlane/src/commands/venue",
        ],
    },
    Facility {
        name: "SQLite",
        std: &[],
        names: &["rusqlite"],
        homes: &["engine/edges/src/storage"],
    },
    Facility {
        name: "processes and signals",
        std: &["process"],
        names: &["signal_hook"],
        // the counters page names the process that writes it
        homes: &[
            "engine/lockfree/src/counters/page",
            "engine/app/src/engine",
            "engine/runtime/src/os",
            "tools",
        ],
    },
];

/// Uses of a facility outside its homes.
pub fn strangers(path: &str, text: &str) -> Vec<Finding> {
    if source::is_test(path) {
        return Vec::new();
    }
    let code = source::production(text);
    let mut findings = Vec::new();
    for facility in &FACILITIES {
        if facility.homes.iter().any(|home| is_in(path, home)) {
            continue;
        }
        let modules = source::paths(&code, "std")
            .into_iter()
            .filter(|(_, module)| facility.std.contains(&module.as_str()))
            .map(|(line, _)| line);
        let names = code.lines().enumerate().flat_map(|(at, line)| {
            source::identifiers(line)
                .filter(|(_, word)| facility.names.contains(word))
                .map(move |_| at + 1)
        });
        for line in modules.chain(names) {
            let what = format!("{} belong elsewhere: {:?}", facility.name, facility.homes);
            findings.push(Finding::new(path, line, what));
        }
    }
    findings
}

fn is_in(path: &str, home: &str) -> bool {
    let Some(rest) = path.strip_prefix(home) else {
        return false;
    };
    rest == ".rs" || rest.starts_with('/')
}

#[cfg(test)]
mod tests;
