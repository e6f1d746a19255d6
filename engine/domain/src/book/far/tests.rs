use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn check(changes: &[(i64, i64)]) {
    let mut far = Far::default();
    let mut model = BTreeMap::new();
    for &(key, qty) in changes {
        let before = model.get(&key).copied();
        let expected = match (before, qty) {
            (None, 0) => Change::Absent,
            (None, _) => Change::Added,
            (Some(_), 0) => Change::Removed,
            (Some(_), _) => Change::Kept,
        };
        if qty == 0 {
            model.remove(&key);
        } else {
            model.insert(key, qty);
        }
        assert_eq!(far.set(key, qty), expected, "{key} {qty}");
        assert_eq!(far.get(key), qty);
        assert_eq!(far.len(), model.len());
        assert_eq!(far.last(), model.last_key_value().map(|(&k, &q)| (k, q)));
        assert_eq!(far.first(), model.first_key_value().map(|(&k, &q)| (k, q)));
    }
    let expected: Vec<_> = model.iter().rev().map(|(&k, &q)| (k, q)).collect();
    assert_eq!(far.iter_down().collect::<Vec<_>>(), expected);
    // Memory follows the levels: a block in use is a quarter full on average, or it is the only one.
    assert!(
        far.slots.len() <= 1 + 8 * far.len() / BLOCK,
        "{} blocks for {}",
        far.slots.len(),
        far.len()
    );
    far.clear();
    assert_eq!((far.len(), far.last(), far.get(1)), (0, None, 0));
}

#[test]
fn ascending_descending_and_emptied_again() {
    let up: Vec<_> = (0..1000).map(|key| (key, key + 1)).collect();
    let down: Vec<_> = (0..1000)
        .rev()
        .map(|key| (key * 1_000_000_007, 5))
        .collect();
    check(&up);
    check(&down);
    let emptied = |levels: &[(i64, i64)]| -> Vec<_> {
        levels
            .iter()
            .copied()
            .chain(levels.iter().map(|&(key, _)| (key, 0)))
            .collect()
    };
    check(&emptied(&up));
    check(&emptied(&down));
}

#[test]
fn a_book_that_was_this_deep_before_takes_no_new_memory() {
    let mut far = Far::default();
    let fill = |far: &mut Far| {
        for key in 0..5000 {
            far.set(key * 7919 % 10_007, 1);
        }
    };
    fill(&mut far);
    let blocks = far.pool.len();
    for _ in 0..5 {
        far.clear();
        fill(&mut far);
    }
    assert_eq!(far.pool.len(), blocks);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
    #[test]
    fn same_as_a_tree(changes in prop::collection::vec(
        (prop_oneof![0_i64..200, 0_i64..5000, any::<i32>().prop_map(i64::from)], prop_oneof![Just(0_i64), 1_i64..1000]), 0..3000)) {
        check(&changes);
    }

    #[test]
    fn same_as_a_tree_while_it_drains(keys in prop::collection::vec(0_i64..400, 0..600), drain in prop::collection::vec(0_i64..400, 0..3000)) {
        let changes: Vec<_> = keys.iter().map(|&key| (key, 1)).chain(drain.iter().map(|&key| (key, 0))).collect();
        check(&changes);
    }
}
