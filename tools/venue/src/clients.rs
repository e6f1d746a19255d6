//! Who is connected and subscribed, and the bounded queue between the playback and each connection.

use crate::derive::Derived;
use crate::faults::Harm;
use crate::recording::Recording;
use crate::shared::lock;
use crate::streams::{Target, resolve};
use pitlane_domain::instrument::Venue;
use std::collections::{BTreeMap, VecDeque};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Messages that wait for one client; at full speed the playback waits for room.
const QUEUE: usize = 1024;
/// Messages that wait for one client at a paced speed, before it is dropped as too slow.
const QUEUE_PACED: usize = 65_536;

/// Where the bytes of a message are.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    /// In the recording.
    Recorded(u32),
    /// Made for the occasion.
    Made(Arc<[u8]>),
}

/// Something for a connection to do.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    /// Send a message of a stream.
    Send {
        name: Arc<str>,
        data: Data,
        /// What a fault does to its bytes.
        harm: Option<Harm>,
    },
    /// Say that the venue closes.
    Shutdown,
    /// Close with a code.
    Close(u16),
}

/// What became of an item.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Pushed {
    Done,
    /// Nobody takes items any more.
    Closed,
    /// No room, and nobody waits for it.
    TooSlow,
}

#[derive(Debug, Default)]
struct Queue {
    items: VecDeque<Item>,
    /// Taken by the connection, which comes for more when they are written.
    in_hand: usize,
    is_closed: bool,
}

/// The queue of one connection.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    filled: Condvar,
    emptied: Condvar,
}

impl Outbox {
    /// Puts an item in; `lossless` waits for room.
    pub(crate) fn push(&self, item: Item, lossless: bool) -> Pushed {
        let mut queue = lock(&self.queue);
        if lossless {
            queue = self
                .emptied
                .wait_while(queue, |queue| {
                    !queue.is_closed && queue.items.len() >= QUEUE
                })
                .unwrap_or_else(PoisonError::into_inner);
        }
        if queue.is_closed {
            return Pushed::Closed;
        }
        if queue.items.len() >= QUEUE_PACED {
            return Pushed::TooSlow;
        }
        queue.items.push_back(item);
        if queue.items.len() == 1 {
            self.filled.notify_one();
        }
        Pushed::Done
    }

    /// Takes up to `most` items; waits for the first no longer than `patience`. Those taken before are done.
    pub(crate) fn take(&self, into: &mut Vec<Item>, most: usize, patience: Duration) {
        let mut queue = lock(&self.queue);
        queue.in_hand = 0;
        let (mut queue, _) = self
            .filled
            .wait_timeout_while(queue, patience, |queue| {
                queue.items.is_empty() && !queue.is_closed
            })
            .unwrap_or_else(PoisonError::into_inner);
        let count = queue.items.len().min(most);
        into.extend(queue.items.drain(..count));
        queue.in_hand = count;
        if count > 0 {
            self.emptied.notify_all();
        }
    }

    /// Takes nothing any more and lets go whoever waits.
    pub(crate) fn close(&self) {
        lock(&self.queue).is_closed = true;
        self.filled.notify_all();
        self.emptied.notify_all();
    }

    /// Items that are not written yet.
    fn waiting(&self) -> usize {
        let queue = lock(&self.queue);
        queue.items.len() + queue.in_hand
    }
}

/// One WebSocket connection.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) id: u64,
    pub(crate) venue: Venue,
    pub(crate) outbox: Outbox,
    pub(crate) sent: AtomicU64,
    tcp: TcpStream,
}

impl Client {
    pub(crate) fn new(id: u64, venue: Venue, tcp: TcpStream) -> Self {
        Self {
            id,
            venue,
            outbox: Outbox::default(),
            sent: AtomicU64::new(0),
            tcp,
        }
    }

    /// Ends the connection without a word.
    pub(crate) fn cut(&self) {
        self.outbox.close();
        self.tcp.shutdown(Shutdown::Both).ok();
    }

    /// Whether everything meant for it has been written.
    pub(crate) fn is_drained(&self) -> bool {
        self.outbox.waiting() == 0
    }
}

/// One subscription: events of a base stream to a client, under the name it asked for.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) client: Arc<Client>,
    pub(crate) name: Arc<str>,
    pub(crate) derived: Option<Derived>,
}

/// Everybody who is connected, and who gets what.
#[derive(Debug)]
pub(crate) struct Hub {
    clients: BTreeMap<u64, Arc<Client>>,
    /// By base stream. Replaced as a whole, so that the playback takes one without copying.
    routes: Vec<Arc<[Route]>>,
    /// Clients that get anything.
    subscribers: usize,
}

impl Hub {
    pub(crate) fn new(recording: &Recording) -> Self {
        let none: Arc<[Route]> = Arc::from([]);
        Self {
            clients: BTreeMap::new(),
            routes: vec![none; recording.streams().len()],
            subscribers: 0,
        }
    }

    pub(crate) fn join(&mut self, client: &Arc<Client>) {
        self.clients.insert(client.id, Arc::clone(client));
    }

    pub(crate) fn leave(&mut self, client: &Client) {
        self.clients.remove(&client.id);
        self.silence(client);
    }

    /// Sends it nothing more; it stays until its connection ends.
    pub(crate) fn silence(&mut self, client: &Client) {
        for routes in &mut self.routes {
            if routes.iter().any(|route| route.client.id == client.id) {
                *routes = without(routes, |route| route.client.id == client.id);
            }
        }
        self.count();
    }

    /// Subscribes; a name the capture cannot answer for is silent, as at the venue.
    pub(crate) fn subscribe(&mut self, recording: &Recording, client: &Arc<Client>, name: &str) {
        let Some(Target { base, derived }) = resolve(recording, client.venue, name) else {
            return;
        };
        let routes = &mut self.routes[base];
        let is_known = |route: &Route| route.client.id == client.id && *route.name == *name;
        if !routes.iter().any(is_known) {
            let new = Route {
                client: Arc::clone(client),
                name: Arc::from(name),
                derived,
            };
            *routes = routes.iter().cloned().chain([new]).collect();
        }
        self.count();
    }

    pub(crate) fn unsubscribe(&mut self, client: &Client, name: &str) {
        for routes in &mut self.routes {
            let gone = |route: &Route| route.client.id == client.id && *route.name == *name;
            if routes.iter().any(gone) {
                *routes = without(routes, gone);
            }
        }
        self.count();
    }

    pub(crate) fn routes(&self, base: usize) -> Arc<[Route]> {
        Arc::clone(&self.routes[base])
    }

    pub(crate) fn clients(&self) -> impl Iterator<Item = &Arc<Client>> {
        self.clients.values()
    }

    /// Streams that are subscribed to, each as often as there are clients for it.
    pub(crate) fn subscriptions(&self) -> usize {
        self.routes.iter().map(|routes| routes.len()).sum()
    }

    /// Clients that get anything.
    pub(crate) fn subscribers(&self) -> usize {
        self.subscribers
    }

    fn count(&mut self) {
        let mut ids: Vec<_> = self
            .routes
            .iter()
            .flat_map(|routes| routes.iter())
            .map(|route| route.client.id)
            .collect();
        ids.sort_unstable();
        ids.dedup();
        self.subscribers = ids.len();
    }
}

fn without(routes: &[Route], gone: impl Fn(&Route) -> bool) -> Arc<[Route]> {
    routes
        .iter()
        .filter(|route| !gone(route))
        .cloned()
        .collect()
}
