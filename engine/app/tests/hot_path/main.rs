//! What the hot agents never do once they are warm: ask the allocator, fault, or call the system beyond a list.
//!
//! An engine plays frames of the sample, each hot agent on a thread of its own. It is held at a gate, looked at, let
//! through a window of frames, and looked at again. `docs/life-of-a-tick.md` holds the list.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

mod allocator;
mod frames;
mod rig;
mod strace;

use pitlane_runtime::idle::IdleKind;
use rig::{HOT, Input, Look, Rig};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use strace::Strace;

#[global_allocator]
static ALLOCATOR: allocator::Counting = allocator::Counting;

/// Records that the recorder makes ready in one step: at the end of a segment nothing is left to be made ready.
const READY: u64 = 1 << 14;

#[test]
fn hot_threads_neither_allocate_nor_fault() {
    let rig = Rig::start(Input::Memory, IdleKind::Park);
    // The recorder makes pages present itself, and the kernel counts that as its faults. Here it has none to make.
    rig.play_to_end_of_segment(READY - 1_000);
    let warm = HOT.map(|name| rig.look(name));
    rig.watch(true);
    rig.play_to_end_of_segment(1_000);
    let mut found = changes(&warm, &rig);
    // Beyond, over some segments, the recorder takes files and pages for the others.
    rig.play_to(rig.frames() * 9 / 10);
    rig.watch(false);
    let others = warm.iter().copied().filter(|look| look.name != "recorder");
    found += &changes(&others.collect::<Vec<_>>(), &rig);
    rig.end();
    assert!(found.is_empty(), "{found}");
}

/// What was done since those looks that should not have been.
fn changes(before: &[Look], rig: &Rig) -> String {
    let mut found = String::new();
    for before in before {
        let after = rig.look(before.name);
        let (calls, faults) = (after.calls - before.calls, after.faults - before.faults);
        if calls > 0 {
            let places = allocator::places(before.thread);
            let _ = writeln!(
                found,
                "\n{}: {calls} calls of the allocator, from\n{places}",
                before.name
            );
        }
        if faults > 0 {
            let _ = writeln!(found, "\n{}: {faults} page faults", before.name);
        }
    }
    found
}

/// To take the next segment of the tick store and to make pages present, ahead of need.
const SEGMENTS: [&str; 10] = [
    "openat",
    "fallocate",
    "fcntl",
    "ftruncate",
    "mmap",
    "madvise",
    "munmap",
    "rename",
    "close",
    "futex",
];
/// To rest when there is nothing to do, and to wake who rests. A rest that strace interrupted is restarted.
const REST: [&str; 3] = ["futex", "sched_yield", "restart_syscall"];
/// To read the next block of a capture.
const FILE: [&str; 2] = ["lseek", "read"];

#[test]
fn spinning_threads_call_the_system_for_segments_only() {
    system_calls(Input::Memory, IdleKind::Spin, |name| match name {
        // It wakes the storage, which rests.
        "recorder" => SEGMENTS.to_vec(),
        _ => Vec::new(),
    });
}

#[test]
fn parking_threads_call_the_system_to_rest_and_to_wake() {
    system_calls(Input::Capture, IdleKind::Park, |name| match name {
        "feed" => [REST.as_slice(), &FILE].concat(),
        "recorder" => [REST.as_slice(), &SEGMENTS].concat(),
        _ => REST.to_vec(),
    });
}

/// Follows the hot threads through a window; `listed` says which calls each may make.
fn system_calls(input: Input, idle: IdleKind, listed: impl Fn(&str) -> Vec<&'static str>) {
    let rig = Rig::start(input, idle);
    rig.play_to(rig.frames() / 4);
    let looks = HOT.map(|name| rig.look(name));
    let strace = match Strace::attach(&looks.map(|look| look.thread)) {
        Ok(strace) => strace,
        Err(reason) => {
            eprintln!("skipped: {reason}");
            return rig.end();
        }
    };
    rig.play_to(rig.frames() * 9 / 10);
    let called = strace.detach();
    rig.end();
    assert!(
        !called.is_empty(),
        "the recorder took segments, and strace saw nothing"
    );
    for look in looks {
        let listed = BTreeSet::from_iter(listed(look.name));
        let called = called.get(&look.thread).into_iter().flatten();
        let strange: Vec<_> = called
            .filter(|call| !listed.contains(call.as_str()))
            .collect();
        assert!(
            strange.is_empty(),
            "{}: {strange:?} beyond {listed:?}",
            look.name
        );
    }
}
