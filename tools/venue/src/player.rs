//! The playback: one position in the capture for everybody, and each message to whoever subscribed.

use crate::clients::{Data, Item, Pushed, Route};
use crate::derive::Maker;
use crate::faults::StreamFault;
use crate::settings::{AtEnd, Speed, Start};
use crate::shared::{Shared, lock};
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// How long a wait lasts before the venue is looked at again.
const LOOK: Duration = Duration::from_millis(50);

pub(crate) fn run(shared: &Shared) {
    let mut player = Player {
        shared,
        maker: Maker::default(),
        late: VecDeque::new(),
        origin: None,
    };
    player.wait_for_start();
    while !shared.is_stopped() {
        let position = shared.position();
        if position == shared.recording.len() {
            if !player.end() {
                break;
            }
            continue;
        }
        if player.is_due(position) {
            shared.set_position(position + 1);
            player.play(position);
        }
    }
}

/// A message that a fault holds back.
struct Late {
    route: Route,
    item: Item,
    /// Messages of its stream that go before it.
    behind: u64,
}

struct Player<'a> {
    shared: &'a Shared,
    maker: Maker,
    late: VecDeque<Late>,
    /// When the playback started, and with which receive time.
    origin: Option<(Instant, i64)>,
}

impl Player<'_> {
    fn wait_for_start(&self) {
        let shared = self.shared;
        if let Start::Clients(count) = shared.settings.start {
            self.wait(|| lock(&shared.hub).subscribers() >= count);
        }
        if !shared.is_stopped() {
            shared.start();
        }
    }

    /// Waits until something is so, or the venue stops.
    fn wait(&self, is_so: impl Fn() -> bool) {
        while !self.shared.is_stopped() && !is_so() {
            self.pause(LOOK);
        }
    }

    fn pause(&self, time: Duration) {
        let hub = lock(&self.shared.hub);
        if !self.shared.is_stopped() {
            let waited = self.shared.changed.wait_timeout(hub, time);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Waits for the moment of the next message; false if something happened instead.
    fn is_due(&mut self, position: usize) -> bool {
        let shared = self.shared;
        let ts = shared.recording.ts(position).0;
        match shared.settings.speed {
            Speed::Max => {
                let nobody = lock(&shared.hub).subscribers() == 0;
                if nobody {
                    self.pause(LOOK);
                }
                !nobody
            }
            Speed::Times(times) => {
                let (started, first) = *self.origin.get_or_insert((Instant::now(), ts));
                let since = Duration::from_nanos((ts - first).unsigned_abs());
                let due = since.div_f64(times);
                match due.checked_sub(started.elapsed()) {
                    Some(left) if !left.is_zero() => {
                        // The wait for a change ends early; the time is looked at again.
                        self.pause(left.min(LOOK));
                        false
                    }
                    _ => true,
                }
            }
        }
    }

    fn play(&mut self, event: usize) {
        let shared = self.shared;
        let base = shared.recording.stream_at(event);
        let routes = lock(&shared.hub).routes(base);
        if routes.is_empty() {
            return;
        }
        // A name is judged once, however many clients have it, and what is made of the event is made once.
        let is_sound = lock(&shared.faults).is_empty();
        let mut made = Vec::new();
        let mut judged: Vec<(Arc<str>, usize, Option<StreamFault>)> = Vec::new();
        for route in routes.iter() {
            let items: Vec<Data> = match route.derived {
                None => vec![Data::Recorded(u32::try_from(event).unwrap_or(u32::MAX))],
                Some(derived) => {
                    let known = made.iter().position(|(of, _)| *of == derived);
                    let at = known.unwrap_or_else(|| {
                        let (recording, books) = (&shared.recording, &shared.books);
                        let texts = self.maker.make(recording, books, derived, event);
                        made.push((derived, texts));
                        made.len() - 1
                    });
                    made[at].1.iter().cloned().map(Data::Made).collect()
                }
            };
            for (number, data) in items.into_iter().enumerate() {
                if is_sound {
                    self.deliver(route, data, None);
                    continue;
                }
                let known = judged
                    .iter()
                    .find(|(name, at, _)| *name == route.name && *at == number);
                let fault = if let Some((_, _, fault)) = known {
                    *fault
                } else {
                    let now = shared.recording.ts(event).0;
                    let fault = lock(&shared.faults).on_stream(&route.name, event, now);
                    judged.push((Arc::clone(&route.name), number, fault));
                    fault
                };
                self.deliver(route, data, fault);
            }
        }
    }

    fn deliver(&mut self, route: &Route, data: Data, fault: Option<StreamFault>) {
        let harm = match fault {
            Some(StreamFault::Harm(harm)) => Some(harm),
            _ => None,
        };
        let item = Item::Send {
            name: Arc::clone(&route.name),
            data,
            harm,
        };
        match fault {
            Some(StreamFault::Drop) => {}
            Some(StreamFault::Cut) => {
                self.silence(route);
                route.client.cut();
                return;
            }
            Some(StreamFault::Close(code)) => {
                self.push(route, Item::Close(code));
                self.silence(route);
                return;
            }
            Some(StreamFault::Late(behind)) => {
                self.late.push_back(Late {
                    route: route.clone(),
                    item,
                    behind,
                });
                return;
            }
            Some(StreamFault::Duplicate) => {
                self.push(route, item.clone());
                self.push(route, item);
            }
            Some(StreamFault::Harm(_)) | None => self.push(route, item),
        }
        self.release(Some(route));
    }

    /// Lets go what has been held back long enough: one message more of this route went, or with `None` the end came.
    fn release(&mut self, of: Option<&Route>) {
        let mut due = Vec::new();
        self.late.retain_mut(|late| {
            let fits = of.is_none_or(|route| {
                route.client.id == late.route.client.id && route.name == late.route.name
            });
            late.behind -= u64::from(fits);
            let goes = fits && (late.behind == 0 || of.is_none());
            if goes {
                due.push((late.route.clone(), late.item.clone()));
            }
            !goes
        });
        for (route, item) in due {
            self.push(&route, item);
        }
    }

    /// A client that gets nothing more does not count as a listener either.
    fn silence(&mut self, route: &Route) {
        let id = route.client.id;
        self.late.retain(|late| late.route.client.id != id);
        lock(&self.shared.hub).silence(&route.client);
    }

    fn push(&self, route: &Route, item: Item) {
        let lossless = self.shared.settings.speed == Speed::Max;
        if route.client.outbox.push(item, lossless) == Pushed::TooSlow {
            self.shared.counts.too_slow.fetch_add(1, Ordering::Relaxed);
            lock(&self.shared.hub).silence(&route.client);
            route.client.cut();
        }
    }

    /// The capture has been played. False if the venue is to end.
    fn end(&mut self) -> bool {
        let shared = self.shared;
        if !shared.is_finished() {
            self.release(None);
            shared.set_finished(true);
            if matches!(shared.settings.at_end, AtEnd::Close | AtEnd::Exit) {
                let clients: Vec<_> = lock(&shared.hub).clients().cloned().collect();
                for client in &clients {
                    client.outbox.push(Item::Shutdown, true);
                    client.outbox.push(Item::Close(1001), true);
                }
            }
        }
        match shared.settings.at_end {
            AtEnd::Hold | AtEnd::Close => self.pause(LOOK),
            AtEnd::Exit => {
                self.wait(|| lock(&shared.hub).clients().next().is_none());
                shared.stop();
                return false;
            }
            AtEnd::Loop => {
                shared.rewind();
                self.maker.clear();
                self.origin = None;
            }
        }
        true
    }
}
