//! Resources given back in order: from the highest number to the lowest, one after the other.

use std::fmt;

type Step<C> = Box<dyn FnOnce(&mut C) -> Result<(), String> + Send>;

/// What has to be given back, and in which order. `C` is what the steps work on.
pub struct ReleaseList<C> {
    steps: Vec<(u32, &'static str, &'static str, Step<C>)>,
    releasing: bool,
}

/// One resource that was given back, or was not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Released {
    /// Its order number.
    pub order: u32,
    /// What it was.
    pub resource: &'static str,
    /// Who registered it.
    pub owner: &'static str,
    /// Why it failed, if it did; the steps after it ran all the same.
    pub failure: Option<String>,
}

impl<C> ReleaseList<C> {
    /// An empty list.
    pub fn new() -> Self {
        Self {
            steps: Vec::new(),
            releasing: false,
        }
    }

    /// Puts a resource on the list; a second time has no effect, nor has it after the release.
    pub fn register(
        &mut self,
        order: u32,
        resource: &'static str,
        owner: &'static str,
        step: impl FnOnce(&mut C) -> Result<(), String> + Send + 'static,
    ) {
        let known = self
            .steps
            .iter()
            .any(|(_, r, o, _)| (*r, *o) == (resource, owner));
        if !known && !self.releasing {
            self.steps.push((order, resource, owner, Box::new(step)));
        }
    }

    /// Number of resources that are still held.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether the release has begun.
    pub fn is_releasing(&self) -> bool {
        self.releasing
    }

    /// Gives everything back; a second call has nothing left to do. Equal numbers go in the order of registration.
    pub fn release(&mut self, context: &mut C) -> Vec<Released> {
        self.releasing = true;
        let mut steps = std::mem::take(&mut self.steps);
        steps.sort_by_key(|(order, ..)| std::cmp::Reverse(*order));
        steps
            .into_iter()
            .map(|(order, resource, owner, step)| Released {
                order,
                resource,
                owner,
                failure: step(context).err(),
            })
            .collect()
    }
}

impl<C> Default for ReleaseList<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C> fmt::Debug for ReleaseList<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = self.steps.iter().map(|(order, r, o, _)| (order, r, o));
        f.debug_list().entries(steps).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_the_highest_number_to_the_lowest() {
        let mut list = ReleaseList::<Vec<u32>>::new();
        for (order, owner) in [(10, "a"), (60, "b"), (30, "c"), (60, "d"), (60, "b")] {
            list.register(order, "r", owner, move |log| {
                log.push(order);
                (order != 30).then_some(()).ok_or_else(|| "stuck".into())
            });
        }
        assert_eq!(list.len(), 4);
        assert!(!list.is_releasing());
        let mut log = Vec::new();
        let released = list.release(&mut log);
        assert_eq!(log, [60, 60, 30, 10]);
        assert_eq!(released.iter().map(|r| r.owner).collect::<String>(), "bdca");
        assert_eq!(released[2].failure.as_deref(), Some("stuck"));
        assert_eq!(released.iter().filter(|r| r.failure.is_some()).count(), 1);
        list.register(1, "late", "e", |_| Ok(()));
        assert!(list.is_empty() && list.is_releasing());
        assert!(list.release(&mut log).is_empty());
    }
}
