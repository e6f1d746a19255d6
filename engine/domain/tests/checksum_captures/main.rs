//! Real captures of venues that send a checksum of their book: every one of them is that of the reconstructed book.
//!
//! The captures are not part of the repository. Each test is skipped, and says so, where they are absent.

#![expect(
    clippy::unwrap_used,
    reason = "a capture that cannot be read fails the test"
)]

mod captured;
mod lines;

use captured::{Capture, Checked, OKEX, play};
use pitlane_domain::instrument::Venue;

#[track_caller]
fn check(venue: Venue, file: &str, verified: u64) {
    let Some(capture) = Capture::read(venue, &[file]) else {
        return;
    };
    let played = play(&capture, &capture.lines);
    let expected = Checked {
        verified,
        failed: 0,
        skipped: 0,
    };
    assert_eq!(played.checked(), expected, "{file}");
    assert_eq!(played.intake.counts().rejected_total(), 0, "{file}");
    assert_eq!(
        played.market.counts().book_gaps.iter().sum::<u64>(),
        0,
        "{file}"
    );
}

#[test]
fn every_checksum_of_kraken_is_that_of_the_book() {
    // 14,506 frames of books; the ten snapshots among them carry none.
    check(Venue::Kraken, "KRAKEN.20210405T2347.txt.zst", 14_496);
}

#[test]
fn every_checksum_of_okx_is_that_of_the_book() {
    check(Venue::Okx, "OKX.ws.1.20220513T1627.txt.zst", 290);
    for (file, verified) in OKEX.iter().zip([1504, 1446, 1422]) {
        check(Venue::Okx, file, verified);
    }
}

#[test]
fn every_checksum_of_ftx_is_that_of_the_book() {
    check(Venue::Ftx, "FTX.ws.1.20210722T2245.txt.zst", 971);
}

#[test]
fn a_lost_update_is_found_by_the_checksum() {
    let venues = [
        (Venue::Kraken, "KRAKEN.20210405T2347.txt.zst"),
        (Venue::Okx, OKEX[0]),
        (Venue::Ftx, "FTX.ws.1.20210722T2245.txt.zst"),
    ];
    for (venue, file) in venues {
        let Some(capture) = Capture::read(venue, &[file]) else {
            return;
        };
        // Each instrument loses its third update, and the next of its checksums that differs from the lost one tells.
        let mut lines = capture.lines.clone();
        let mut seen = std::collections::BTreeMap::<String, usize>::new();
        lines.retain(|line| {
            if !line.is_update() {
                return true;
            }
            let count = seen.entry(line.instrument()).or_default();
            *count += 1;
            *count != 3
        });
        let whole = play(&capture, &capture.lines).checked();
        let played = play(&capture, &lines);
        let checked = played.checked();
        assert!(checked.failed >= 3, "{file}: {checked:?}");
        let lost = (capture.lines.len() - lines.len()) as u64;
        let all = checked.verified + checked.failed + checked.skipped;
        assert_eq!(all, whole.verified - lost, "{file}");
        // From a failure on the book is out of step, so nothing is verified twice.
        assert_eq!(
            played.market.counts().book_gaps.last(),
            Some(&checked.failed),
            "{file}"
        );
    }
}
