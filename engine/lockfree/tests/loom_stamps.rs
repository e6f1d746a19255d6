//! A stamp is there for whoever got the message that it belongs to.
#![cfg(loom)]

use loom::thread;
use pitlane_lockfree::stamps::stamp_table;
use pitlane_lockfree::sync::{AtomicU64, Ordering};
use std::sync::Arc;

#[test]
fn the_edge_orders_the_stamp() {
    loom::model(|| {
        let (mut writer, reader) = stamp_table(2);
        // The ring's cursor, which publishes with release and is read with acquire.
        let cursor = Arc::new(AtomicU64::new(0));
        let sent = Arc::clone(&cursor);
        let sequencer = thread::spawn(move || {
            for sequence in 1..=2 {
                writer.write(sequence, sequence * 100);
                sent.store(sequence, Ordering::Release);
            }
        });
        let got = cursor.load(Ordering::Acquire);
        for sequence in 1..=got {
            assert_eq!(reader.read(sequence), sequence * 100);
        }
        sequencer.join().unwrap();
    });
}
