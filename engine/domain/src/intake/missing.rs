//! Which trade ids of an instrument are missing.

use crate::message::TradeGap;
use crate::units::WallNs;

/// Most runs of ids that are remembered for an instrument.
pub(super) const MISSING_MAX: usize = 4096;

/// A run of missing ids.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Part {
    pub(super) ids: TradeGap,
    /// When that was noticed.
    pub(super) since: WallNs,
    /// It has been told, and newer trades have gone on.
    pub(super) told: bool,
    /// The venue does not have them.
    pub(super) given_up: bool,
}

impl Part {
    pub(super) fn new(ids: TradeGap, since: WallNs) -> Self {
        Self {
            ids,
            since,
            told: false,
            given_up: false,
        }
    }
}

/// Runs of ids, ascending, none meeting another; those that were told stand before the others.
#[derive(Clone, Default, Debug)]
pub(super) struct Missing {
    parts: Vec<Part>,
    told: usize,
}

impl Missing {
    pub(super) fn is_full(&self) -> bool {
        // A part in the middle of which an id is found becomes two.
        self.parts.len() + 1 >= MISSING_MAX
    }

    /// Ids behind all others.
    pub(super) fn push(&mut self, part: Part) {
        self.parts.push(part);
    }

    /// The first run that has not been told.
    pub(super) fn first_untold(&self) -> Option<Part> {
        self.parts.get(self.told).copied()
    }

    /// Marks it as told.
    pub(super) fn tell_first(&mut self) -> Option<TradeGap> {
        let part = self.parts.get_mut(self.told)?;
        part.told = true;
        self.told += 1;
        Some(part.ids)
    }

    /// Forgets the oldest run, which must have been told; answers how many ids it had.
    pub(super) fn forget_first(&mut self) -> u64 {
        let part = self.parts.remove(0);
        debug_assert!(part.told, "what is forgotten was told");
        self.told -= 1;
        (part.ids.last_id - part.ids.first_id).saturating_add(1)
    }

    /// Takes an id out; answers whether it had been told as missing, `None` if it is not missing.
    pub(super) fn take(&mut self, id: u64) -> Option<bool> {
        let at = self.parts.partition_point(|part| part.ids.last_id < id);
        let part = *self.parts.get(at).filter(|part| part.ids.first_id <= id)?;
        let TradeGap { first_id, last_id } = part.ids;
        let before = (first_id < id).then(|| part.of(first_id, id - 1));
        let behind = (id < last_id).then(|| part.of(id + 1, last_id));
        self.replace(at, [before, behind, None]);
        Some(part.told)
    }

    /// What to ask the venue for: what others wait for first.
    pub(super) fn wanted(&self) -> Option<TradeGap> {
        let (told, untold) = self.parts.split_at(self.told);
        let mut parts = untold.iter().chain(told);
        Some(parts.find(|part| !part.given_up)?.ids)
    }

    /// Marks what is missing of those ids as not to be had, and says each run of it that was not so marked before.
    pub(super) fn give_up(&mut self, ids: TradeGap, mut say: impl FnMut(TradeGap)) {
        let mut at = self
            .parts
            .partition_point(|part| part.ids.last_id < ids.first_id);
        while let Some(part) = self.parts.get(at).copied() {
            if part.ids.first_id > ids.last_id {
                break;
            }
            if part.given_up {
                at += 1;
                continue;
            }
            let first_id = part.ids.first_id.max(ids.first_id);
            let last_id = part.ids.last_id.min(ids.last_id);
            let gone = part.of(first_id, last_id);
            say(gone.ids);
            let before =
                (part.ids.first_id < first_id).then(|| part.of(part.ids.first_id, first_id - 1));
            let behind =
                (last_id < part.ids.last_id).then(|| part.of(last_id + 1, part.ids.last_id));
            let given_up = true;
            at += self.replace(at, [before, Some(Part { given_up, ..gone }), behind]);
        }
    }

    /// Puts up to three parts in the place of one; answers how many.
    fn replace(&mut self, at: usize, by: [Option<Part>; 3]) -> usize {
        let count = by.iter().flatten().count();
        if at < self.told {
            self.told = self.told + count - 1;
        }
        match (count, by[0].or(by[1]).or(by[2])) {
            // The usual cases, without moving the rest about.
            (1, Some(part)) => self.parts[at] = part,
            _ => drop(self.parts.splice(at..=at, by.into_iter().flatten())),
        }
        count
    }
}

impl Part {
    fn of(self, first_id: u64, last_id: u64) -> Self {
        Self {
            ids: TradeGap { first_id, last_id },
            ..self
        }
    }
}

#[cfg(test)]
mod tests;
