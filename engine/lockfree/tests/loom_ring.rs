//! The ring under a lossless edge, in every interleaving.
#![cfg(loom)]

use loom::thread;
use pitlane_lockfree::ring::{EdgeCounters, line_ring, ring};

type Message = [u64; 3];

/// A message whose words say the same, so that one that is torn shows.
fn message(number: u64) -> Message {
    [number, number, number]
}

#[test]
fn messages_arrive_whole_and_in_order_over_several_laps() {
    loom::model(|| {
        let (mut writer, mut reader) = line_ring::<Message>(2);
        let sender = thread::spawn(move || {
            let mut sent = 0;
            while sent < 3 {
                if writer.write(&message(sent)) {
                    sent += 1;
                } else {
                    thread::yield_now();
                }
            }
        });
        let mut expected = 0;
        while expected < 3 {
            let taken = reader.drain(2, |it| {
                assert_eq!(*it, message(expected));
                expected += 1;
            });
            if taken == 0 {
                thread::yield_now();
            }
        }
        sender.join().unwrap();
        assert!(reader.is_abandoned() && reader.is_empty());
    });
}

#[test]
fn a_slot_is_written_again_only_when_it_was_read() {
    loom::model(|| {
        let (mut writer, mut reader) = line_ring::<Message>(1);
        assert!(writer.write(&message(1)));
        let receiver = thread::spawn(move || {
            let mut seen = Vec::new();
            for _ in 0..2 {
                let _ = reader.drain(1, |it| seen.push(*it));
            }
            (reader, seen)
        });
        let second = writer.write(&message(2));
        let (mut reader, mut seen) = receiver.join().unwrap();
        let _ = reader.drain(2, |it| seen.push(*it));
        let all = [message(1), message(2)];
        assert_eq!(seen, all[..1 + usize::from(second)]);
    });
}

#[test]
fn who_sees_the_writer_gone_sees_all_it_wrote() {
    loom::model(|| {
        let (mut writer, mut reader) = line_ring::<Message>(2);
        let sender = thread::spawn(move || {
            assert!(writer.write(&message(1)));
        });
        if reader.is_abandoned() {
            let mut seen = 0;
            assert_eq!(reader.drain(2, |it| seen = it[2]), 1);
            assert_eq!(seen, 1);
        }
        sender.join().unwrap();
    });
}

#[test]
fn what_is_counted_as_waiting_can_be_taken() {
    loom::model(|| {
        let (mut tx, mut rx) = ring::<Message>(2, EdgeCounters::private());
        let sender = thread::spawn(move || {
            tx.push(message(1));
            tx.push(message(2));
        });
        let waiting = rx.len();
        assert!(waiting <= 2);
        let taken = rx.drain(2, |it| assert_eq!(it[0], it[2])).count() as usize;
        assert!(taken >= waiting);
        sender.join().unwrap();
    });
}
