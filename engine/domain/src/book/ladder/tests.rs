use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn check(changes: &[(i64, i64)]) -> Ladder {
    let mut side = Ladder::new();
    let mut model = BTreeMap::new();
    for (step, &(key, qty)) in changes.iter().enumerate() {
        side.set(key, qty);
        if qty == 0 {
            model.remove(&key);
        } else {
            model.insert(key, qty);
        }
        assert_eq!(
            side.best(),
            model.last_key_value().map(|(&k, &q)| (k, q)),
            "step {step}"
        );
        assert_eq!(side.get(key), qty, "step {step}");
        assert_eq!(side.len(), model.len(), "step {step}");
    }
    for (&key, &qty) in &model {
        assert_eq!(side.get(key), qty);
        assert_eq!(
            side.get(key - 1),
            model.get(&(key - 1)).copied().unwrap_or(0)
        );
    }
    let expected: Vec<_> = model.iter().rev().map(|(&k, &q)| (k, q)).collect();
    assert_eq!(side.iter().collect::<Vec<_>>(), expected);
    side
}

#[test]
fn a_step_and_a_billion_steps_away() {
    check(&[
        (1, 5),
        (1_000_000_000, 6),
        (1_000_000_000, 0),
        (1, 0),
        (7, 1),
    ]);
    check(&[
        (KEY_MAX, 1),
        (-KEY_MAX, 2),
        (KEY_MAX, 0),
        (0, 4),
        (-KEY_MAX, 0),
        (0, 0),
    ]);
    check(&[(-KEY_MAX, 1), (KEY_MAX, 2), (-KEY_MAX, 0), (KEY_MAX, 0)]);
}

#[test]
fn the_edges_of_the_window_and_of_its_words() {
    for edge in [
        63,
        64,
        65,
        SPAN / 8 - 1,
        SPAN / 8,
        SPAN / 4,
        SPAN / 4 + 1,
        SPAN - 1,
        SPAN,
        SPAN + 64,
    ] {
        let walk = |sign: i64| -> Vec<_> {
            let up = (0..40).map(|step| (sign * step * edge, step + 1));
            let back = (0..40).map(|step| (sign * step * edge, 0));
            up.chain(back).collect()
        };
        check(&walk(1));
        check(&walk(-1));
    }
}

#[test]
fn too_many_far_levels_lose_the_deepest_and_the_horizon_moves_in() {
    let levels = 3 + i64::try_from(FAR_LEVELS_MAX).expect("small");
    let mut side = Ladder::new();
    side.set(1 << 40, 1);
    side.set_floor(i64::MIN);
    for key in (1..levels).rev() {
        side.set(key, 9);
    }
    assert_eq!(
        (side.forgotten(), side.floor(), side.get(2), side.get(3)),
        (2, 3, 0, 9)
    );
    assert_eq!(side.len(), FAR_LEVELS_MAX + 1);
    assert_eq!(side.iter().last(), Some((3, 9)));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]
    #[test]
    fn same_as_a_tree(changes in prop::collection::vec((
        prop_oneof![
            4 => -300_i64..300,
            2 => -40_000_i64..40_000,
            1 => -1_000_000_000_i64..1_000_000_000,
            1 => -KEY_MAX..=KEY_MAX,
        ],
        prop_oneof![2 => Just(0_i64), 3 => 1_i64..1000],
    ), 0..600)) {
        check(&changes);
    }

    /// A touch that wanders, with levels around it, as markets do: the window slides both ways.
    #[test]
    fn same_as_a_tree_while_the_touch_wanders(steps in prop::collection::vec((-9000_i64..9000, 0_i64..6000, 0_i64..4), 0..400)) {
        let mut touch = 1_000_000;
        let mut changes = Vec::new();
        for (step, depth, qty) in steps {
            touch += step;
            // What stands above the new touch is taken away first, as a falling market does.
            let above: Vec<_> = changes.iter().map(|&(key, _)| key).filter(|&key| key > touch).collect();
            changes.extend(above.into_iter().rev().take(8).map(|key| (key, 0)));
            changes.push((touch - depth, qty));
            changes.push((touch, 1));
        }
        check(&changes);
    }
}
