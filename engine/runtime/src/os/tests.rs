use super::*;
use std::thread;

#[test]
fn a_pinned_thread_reads_its_core_back() {
    // In a thread of its own: the affinity of a test thread must not leak into other tests.
    thread::spawn(|| {
        let core = *affinity()
            .expect("own affinity")
            .iter()
            .next()
            .expect("one core at least");
        pin(core).expect("an allowed core");
        assert_eq!(affinity().expect("own affinity"), BTreeSet::from([core]));
        assert_eq!(current_core(), core);
    })
    .join()
    .expect("the pinned thread");
}

#[test]
fn a_core_that_does_not_exist_is_refused_with_the_kernels_words() {
    thread::spawn(|| {
        assert_eq!(pin(MAX_CORES), Err(PinError::OutOfRange(MAX_CORES)));
        assert_eq!(pin(usize::MAX), Err(PinError::OutOfRange(usize::MAX)));
        let error = pin(MAX_CORES - 1).expect_err("no machine here has so many cores");
        assert!(matches!(error, PinError::Refused { .. }), "{error}");
        assert!(error.to_string().contains("1023"), "{error}");
    })
    .join()
    .expect("the pinning thread");
}

#[test]
fn cpu_time_grows_with_work() {
    let before = thread_cpu_ns();
    let mut x = 1_u64;
    while thread_cpu_ns() - before < 1_000_000 {
        x = std::hint::black_box(x.wrapping_mul(3));
    }
    let sample = task(thread_id()).expect("this thread lives");
    assert_eq!(sample.state, 'R');
}

#[test]
fn a_thread_that_is_not_there_is_not_found() {
    assert_eq!(task(u32::MAX), None);
}

#[test]
fn the_stat_line_survives_odd_names() {
    let line = "42 (a) (b c)) S 1 2 3 4 5 6 7 8 9 10 111 22 0 0";
    assert_eq!(parse_stat(line), Some(('S', 133)));
    assert_eq!(parse_stat("42 (x) S 1 2"), None);
    assert_eq!(parse_stat(""), None);
    assert_eq!(parse_schedstat("100 250 3\n"), Some((100, 250)));
    assert_eq!(parse_schedstat("100"), None);
}

#[test]
fn the_machine_has_a_kernel() {
    let machine = Machine::read();
    assert!(!machine.kernel.is_empty());
    assert!(machine.memory_kib > 0);
}

#[test]
fn this_process_is_seen_as_any_other() {
    let own = std::process::id();
    let seen = process::process(own).expect("this process lives");
    assert!(seen.lives(), "{seen:?}");
    let now = crate::clock::Clock::new().anchor().wall_ns;
    assert!(seen.started_wall_ns <= now, "{seen:?} at {now}");
    let (_, core) = process::task_of(own, thread_id()).expect("this thread lives");
    assert!(core < MAX_CORES);
    let placement = process::placement(own, thread_id()).expect("this thread lives");
    assert!(!placement.allowed.is_empty(), "{placement:?}");
    let before = placement.left;
    thread::sleep(std::time::Duration::from_millis(1));
    let after = process::placement(own, thread_id()).expect("this thread lives");
    assert!(after.left > before, "a sleep leaves the core: {after:?}");
    assert_eq!(process::placement(own, u32::MAX), None);
    assert!(process::processes().contains(&own));
    assert_eq!(process::process(u32::MAX), None);
}

#[test]
fn a_mapped_file_is_found_by_its_number_until_it_is_unmapped() {
    use pitlane_lockfree::counters::{CountersPage, PageOptions, PageReader};
    use std::os::unix::fs::MetadataExt;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a page");
    let page = CountersPage::create(&path, PageOptions::default()).expect("a page");
    let inode = fs::metadata(&path).expect("its file").ino();
    let mapped = |writes: bool| {
        let files = process::mapped_files(std::process::id()).expect("our own mappings");
        files
            .into_iter()
            .find(|file| file.inode == inode && file.writes == writes)
    };
    let found = mapped(true).expect("the page is mapped");
    assert_eq!(std::path::Path::new(&found.path), path);
    drop(page);
    assert_eq!(mapped(true), None);
    let reader = PageReader::open(&path).expect("the page in its file");
    assert!(mapped(false).is_some());
    drop(reader);
}

#[test]
fn a_thread_that_sleeps_leaves_its_core_of_its_own_will() {
    let before = switches().expect("Linux tells");
    thread::sleep(std::time::Duration::from_millis(1));
    let after = switches().expect("Linux tells");
    assert!(after.voluntary > before.voluntary, "{before:?} {after:?}");
    let text = "Name:\tx\nvoluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t2\n";
    let read = Switches {
        voluntary: 7,
        involuntary: 2,
    };
    assert_eq!(parse_switches(text), Some(read));
    assert_eq!(parse_switches("Name:\tx\n"), None);
}

#[test]
fn a_folder_of_our_own_has_room() {
    let dir = tempfile::tempdir().expect("a folder");
    let room = room(dir.path()).expect("it exists");
    assert!(room.writable);
    assert!(room.free_bytes > 0);
    assert!(super::room(&dir.path().join("missing")).is_err());
}
