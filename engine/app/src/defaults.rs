//! Core maps that need no file.

use crate::topology::roles;
use pitlane_runtime::core_map::CoreMap;
use pitlane_runtime::idle::IdleKind;

/// Threads that share cores: the way of a tick on one, each of those who write to disk on its own, service on a fourth.
pub fn shared() -> CoreMap {
    CoreMap::shared(&[
        ("hot", &["feed", "sequencer", "market"]),
        ("record", &["recorder"]),
        ("storage", &["storage"]),
        ("service", &["logger", "supervisor"]),
    ])
}

/// All agents on one thread.
pub fn folded() -> CoreMap {
    CoreMap::folded(&roles())
}

/// The same map with its threads pinned to the given cores in turn.
#[must_use]
pub fn pinned(mut map: CoreMap, cores: &[u32]) -> CoreMap {
    for (thread, core) in map.threads.iter_mut().zip(cores.iter().cycle()) {
        thread.core = usize::try_from(*core).ok();
        thread.idle = IdleKind::Park;
    }
    map
}
