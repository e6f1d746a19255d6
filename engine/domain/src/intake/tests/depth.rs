//! Depth frames and snapshots: what is said of a book, and in which order.

use super::*;

#[test]
fn a_snapshot_is_told_before_what_waited_for_it() {
    let none = Levels::default();
    let desk = check(
        InstrumentOptions::default(),
        SPOT,
        &[
            (diff(150, 155), levels(&[(1, 1)], &[])),
            (diff(156, 160), levels(&[(2, 2)], &[])),
            (diff(161, 165), levels(&[(5, 0), (4, 7)], &[(9, 1)])),
            (diff(166, 166), none.clone()),
            (snapshot(158), levels(&[(5, 1), (3, 1)], &[(8, 2)])),
            (diff(166, 166), none.clone()),
            (diff(166, 170), levels(&[], &[(8, 3)])),
            (diff(172, 175), levels(&[(1, 1)], &[])),
        ],
        &expect![[r#"
            -
            -
            -
            -
            snapshot Bid 5x1 158-158 @47/50; snapshot Bid 3x1 158-158 @47/50; snapshot Ask 8x2 158-158 last @47/50; synced 158 @47/50; Bid 2x2 156-160 last @17/50; Bid 5x0 161-165 @27/50; Bid 4x7 161-165 @27/50; Ask 9x1 161-165 last @27/50; Bid 0x0 166-166 empty last @37/50
            -
            Ask 8x3 166-170 last @67/70
            reset Gap 171 172
        "#]],
    );
    let counts = desk.intake.counts();
    let diffs = |fate| counts.total.of(FactKind::DepthDiff, fate);
    assert_eq!(diffs(Fate::Emitted), 4);
    assert_eq!(diffs(Fate::Covered), 1);
    assert_eq!(diffs(Fate::Duplicate), 1);
    assert_eq!(diffs(Fate::Buffered), 1);
    assert_eq!(counts.total.overlaps, 1);
    assert_eq!(counts.total.resets(ResetReason::Gap), 1);
    assert_eq!(counts.total.book_gaps(), 1);
    let status = desk.intake.book_status(SPOT).unwrap();
    assert_eq!(
        (status.state, status.book_id, status.buffered),
        (SyncState::Buffering, None, 1)
    );
    assert!(status.wants_snapshot);
}

#[test]
fn a_gap_among_what_waited_is_told_behind_the_part_before_it() {
    check(
        InstrumentOptions::default(),
        PERP,
        &bare(vec![
            diff_after(140, 150, 158),
            diff_after(158, 157, 162),
            diff_after(176, 180, 185),
            diff_after(185, 186, 187),
            snapshot(160),
            snapshot(184),
            snapshot(170),
            snapshot(187),
        ]),
        &expect![[r#"
            -
            -
            -
            -
            snapshot Bid 1x1 160-160 last @47/50; synced 160 @47/50; Bid 1x1 157-162 last @17/50; reset Gap 162 176
            snapshot Bid 1x1 184-184 last @57/60; synced 184 @57/60; Bid 1x1 180-185 last @27/60; Bid 1x1 186-187 last @37/60
            -
            reset Refreshed 187 187; snapshot Bid 1x1 187-187 last @77/80; synced 187 @77/80
        "#]],
    );
}

#[test]
fn snapshots_that_cannot_be_used_are_stale() {
    let desk = check(
        InstrumentOptions::default(),
        SPOT,
        &bare(vec![
            diff(161, 165),
            snapshot(150),
            diff(170, 171),
            snapshot(167),
            snapshot(169),
            snapshot(160),
        ]),
        &expect![[r#"
            -
            -
            -
            -
            snapshot Bid 1x1 169-169 last @47/50; synced 169 @47/50; Bid 1x1 170-171 last @27/50
            -
        "#]],
    );
    let total = &desk.intake.counts().total;
    assert_eq!(total.snapshots_used, 1);
    assert_eq!(total.snapshots_too_old, 1);
    assert_eq!(total.snapshots_unbridged, 1);
    assert_eq!(total.snapshots_stale, 1);
    assert_eq!(total.of(FactKind::DepthSnapshot, Fate::Stale), 3);
}

#[test]
fn depth_that_overflows_or_runs_backwards_is_discarded() {
    let mut desk = Desk::new(InstrumentOptions::default());
    let none = Levels::default();
    for id in 1..=10_000 {
        assert_eq!(desk.take(SPOT, diff(id, id), &none), "-");
    }
    let told = desk.take(SPOT, diff(10_001, 10_001), &none);
    assert_eq!(told, "reset Overflow 1 10001");
    assert_eq!(desk.take(SPOT, diff(8, 7), &none), "-");
    desk.take(SPOT, snapshot(10_001), &none);
    assert_eq!(desk.take(SPOT, diff(8, 7), &none), "reset BadRange 10002 8");
    let total = &desk.intake.counts().total;
    assert_eq!(total.fate(Fate::Discarded), 10_002);
    assert_eq!(total.of(FactKind::DepthDiff, Fate::Covered), 1);
    assert_eq!(total.fate(Fate::Buffered), 0);
}

#[test]
fn a_refused_depth_event_with_ids_that_run_backwards_is_a_gap() {
    let mut desk = Desk::new(InstrumentOptions::default());
    let none = Levels::default();
    let refused = Reject {
        reason: Reason::BadRange,
        at: 40,
        instrument: Some(SPOT),
        trade: None,
    };
    assert_eq!(desk.take(SPOT, diff(9, 10), &none), "-");
    assert_eq!(desk.refuse(refused), "-");
    assert_eq!(desk.intake.book_status(SPOT).unwrap().buffered, 1);
    desk.take(SPOT, snapshot(10), &none);
    assert_eq!(desk.refuse(refused), "reset BadRange 10 0");
    assert_eq!(desk.take(SPOT, diff(11, 11), &none), "-");
    // A refused trade says nothing about the book.
    desk.take(SPOT, snapshot(11), &none);
    let trade = Some((TradeStream::Single, 3));
    assert_eq!(desk.refuse(Reject { trade, ..refused }), "-");
}

#[test]
fn partial_depth_is_the_book_until_a_diff_comes() {
    let desk = check(
        InstrumentOptions::default(),
        SPOT,
        &bare(vec![
            partial(10),
            partial(10),
            partial(9),
            partial(12),
            diff(13, 14),
            partial(15),
            snapshot(13),
        ]),
        &expect![[r#"
            snapshot Bid 1x1 10-10 last @7/10; synced 10 @7/10
            -
            -
            snapshot Bid 1x1 12-12 last @37/40
            reset Refreshed 12 13
            -
            snapshot Bid 1x1 13-13 last @67/70; synced 13 @67/70; Bid 1x1 13-14 last @47/70
        "#]],
    );
    let partials = |fate| desk.intake.counts().total.of(FactKind::DepthPartial, fate);
    assert_eq!(partials(Fate::Emitted), 2);
    assert_eq!(partials(Fate::Duplicate), 1);
    assert_eq!(partials(Fate::Stale), 1);
    assert_eq!(partials(Fate::Superseded), 1);
}

#[test]
fn a_snapshot_among_partial_frames_does_not_hold_up_the_diffs() {
    check(
        InstrumentOptions::default(),
        SPOT,
        &bare(vec![
            partial(10),
            snapshot(12),
            partial(11),
            partial(12),
            snapshot(11),
            diff(13, 14),
            snapshot(14),
        ]),
        &expect![[r#"
            snapshot Bid 1x1 10-10 last @7/10; synced 10 @7/10
            snapshot Bid 1x1 12-12 last @17/20; synced 12 @17/20
            -
            snapshot Bid 1x1 12-12 last @37/40
            -
            reset Refreshed 12 13
            snapshot Bid 1x1 14-14 last @67/70; synced 14 @67/70
        "#]],
    );
}

#[test]
fn the_depth_choice_is_kept() {
    for (choice, answer) in [
        (
            DepthChoice::Diff,
            expect![[r#"
                -
                -
                snapshot Bid 1x1 13-13 last @27/30; synced 13 @27/30; Bid 1x1 13-14 last @17/30
                -
            "#]],
        ),
        (
            DepthChoice::Partial,
            expect![[r#"
                snapshot Bid 1x1 10-10 last @7/10; synced 10 @7/10
                -
                -
                snapshot Bid 1x1 15-15 last @37/40
            "#]],
        ),
    ] {
        let options = InstrumentOptions {
            depth: choice,
            ..InstrumentOptions::default()
        };
        let facts = bare(vec![partial(10), diff(13, 14), snapshot(13), partial(15)]);
        let desk = check(options, SPOT, &facts, &answer);
        assert_eq!(desk.intake.counts().total.fate(Fate::Superseded), 2);
    }
}
