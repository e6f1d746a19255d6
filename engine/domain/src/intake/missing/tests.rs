use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// The same as a plain map: whether an id was told and whether it was given up.
type Model = BTreeMap<u64, (bool, bool)>;

fn said(missing: &Missing) -> Model {
    let mut model = Model::new();
    let mut before = None;
    for part in &missing.parts {
        let TradeGap { first_id, last_id } = part.ids;
        assert!(first_id <= last_id && before.is_none_or(|id| id < first_id));
        before = Some(last_id);
        model.extend((first_id..=last_id).map(|id| (id, (part.told, part.given_up))));
    }
    let told = missing.parts.iter().take_while(|part| part.told).count();
    assert_eq!(told, missing.told);
    assert!(missing.parts[told..].iter().all(|part| !part.told));
    model
}

#[derive(Clone, Debug)]
enum Step {
    Push(u64, u64),
    Take(u64),
    Tell,
    GiveUp(u64, u64),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (1..4_u64, 0..9_u64).prop_map(|(hole, span)| Step::Push(hole, span)),
        6 => (0..80_u64).prop_map(Step::Take),
        1 => Just(Step::Tell),
        2 => (0..80_u64, 0..20_u64).prop_map(|(from, span)| Step::GiveUp(from, from + span)),
    ]
}

proptest! {
    #[test]
    fn it_is_a_map_of_ids(steps in vec(any_step(), 0..60)) {
        let (mut missing, mut model, mut end) = (Missing::default(), Model::new(), 0_u64);
        for step in steps {
            match step {
                Step::Push(hole, span) => {
                    let first_id = end + hole;
                    end = first_id + span;
                    missing.push(Part::new(TradeGap { first_id, last_id: end }, WallNs(1)));
                    model.extend((first_id..=end).map(|id| (id, (false, false))));
                }
                Step::Take(id) => {
                    let told = model.remove(&id).map(|(told, _)| told);
                    prop_assert_eq!(missing.take(id), told);
                }
                Step::Tell => {
                    let part = missing.first_untold();
                    prop_assert_eq!(missing.tell_first(), part.map(|part| part.ids));
                    if let Some(part) = part {
                        for id in part.ids.first_id..=part.ids.last_id {
                            model.get_mut(&id).expect("it is missing").0 = true;
                        }
                    }
                }
                Step::GiveUp(first_id, last_id) => {
                    let mut gone = Vec::new();
                    missing.give_up(TradeGap { first_id, last_id }, |ids| {
                        gone.extend(ids.first_id..=ids.last_id);
                    });
                    let range = model.range_mut(first_id..=last_id);
                    let mut expected = Vec::new();
                    for (id, (_, given_up)) in range.filter(|(_, (_, given_up))| !given_up) {
                        expected.push(*id);
                        *given_up = true;
                    }
                    prop_assert_eq!(gone, expected);
                }
            }
            prop_assert_eq!(said(&missing), model.clone());
            let wanted = missing.wanted();
            let open = |(_, (told, given_up)): (&u64, &(bool, bool))| !told && !given_up;
            let first = model.iter().find(|&entry| open(entry));
            let first = first.or_else(|| model.iter().find(|(_, (_, given_up))| !given_up));
            prop_assert_eq!(wanted.map(|ids| ids.first_id), first.map(|(id, _)| *id));
        }
    }
}
