//! Every interleaving of a writer and readers of the latest-value table.
//! Run: `RUSTFLAGS="--cfg loom" cargo test -p pitlane-lockfree --release --test 'loom*'`.
#![cfg(loom)]

use loom::thread;
use pitlane_lockfree::conflate::conflate;
use pitlane_lockfree::latest::{Look, latest_table};
use pitlane_lockfree::ring::EdgeCounters;

#[test]
fn a_reader_never_sees_half_a_value() {
    // Without the bound all interleavings pass as well; they take six minutes.
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let (mut writer, reader) = latest_table::<2>(1);
        let looking = thread::spawn(move || {
            let mut last = 0;
            for _ in 0..2 {
                if let Look::Value([a, b], version) = reader.look(0) {
                    assert_eq!((a, b), (version, version * 10));
                    assert!(version >= last);
                    last = version;
                }
            }
        });
        writer.write(0, &[1, 10]);
        writer.write(0, &[2, 20]);
        looking.join().unwrap();
    });
}

#[test]
fn a_value_that_was_handed_over_is_there() {
    loom::model(|| {
        let (mut writer, reader) = latest_table::<1>(1);
        let writing = thread::spawn(move || writer.write(0, &[7]));
        writing.join().unwrap();
        assert_eq!(reader.read(0), Some([7]));
    });
}

#[test]
fn a_conflating_edge_delivers_the_last_value_and_accounts_for_all() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let (mut tx, mut rx) = conflate::<1>(1, EdgeCounters::private());
        let producer = thread::spawn(move || {
            tx.put(0, &[1]);
            tx.put(0, &[2]);
        });
        let mut seen = Vec::new();
        let _ = rx.drain(|_, value| seen.push(value[0]));
        producer.join().unwrap();
        let _ = rx.drain(|_, value| seen.push(value[0]));
        assert!(seen == [2] || seen == [1, 2], "{seen:?}");
        assert_eq!(seen.len() as u64 + rx.replaced(), 2);
    });
}
