//! What the threads of a venue share.

use crate::books::Books;
use crate::clients::{Client, Hub};
use crate::faults::Faults;
use crate::recording::Recording;
use crate::session::Connects;
use crate::settings::Settings;
use crate::status::Status;
use crate::weights::Weights;
use pitlane_domain::units::WallNs;
use std::collections::BTreeMap;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Locks; a thread that panicked while it held the lock left nothing half done that matters here.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is counted for the status.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) connections: AtomicU64,
    pub(crate) clients: AtomicU64,
    pub(crate) requests: AtomicU64,
    pub(crate) refused_requests: AtomicU64,
    pub(crate) too_slow: AtomicU64,
    pub(crate) rounds: AtomicU64,
    /// Messages sent by name of the stream.
    pub(crate) sent: Mutex<BTreeMap<Arc<str>, u64>>,
    /// Requests by path.
    pub(crate) asked: Mutex<BTreeMap<String, u64>>,
}

/// See the module's own words.
pub(crate) struct Shared {
    pub(crate) recording: Recording,
    pub(crate) settings: Settings,
    pub(crate) addr: SocketAddr,
    pub(crate) hub: Mutex<Hub>,
    /// Somebody came, left, subscribed, or the venue stops.
    pub(crate) changed: Condvar,
    pub(crate) books: Mutex<Books>,
    pub(crate) faults: Mutex<Faults>,
    pub(crate) weights: Mutex<Weights>,
    pub(crate) connects: Mutex<Connects>,
    pub(crate) counts: Counts,
    /// Frames that have been played.
    position: AtomicUsize,
    started: AtomicBool,
    finished: AtomicBool,
    stopped: AtomicBool,
    restart: Mutex<Option<Duration>>,
    next_id: AtomicU64,
    /// Every open connection, so that it can be cut.
    sockets: Mutex<BTreeMap<u64, TcpStream>>,
}

impl Shared {
    pub(crate) fn new(recording: Recording, settings: Settings, addr: SocketAddr) -> Self {
        let now = Instant::now();
        Self {
            hub: Mutex::new(Hub::new(&recording)),
            books: Mutex::new(Books::new(&recording)),
            faults: Mutex::new(Faults::new(settings.seed, settings.faults.clone(), now)),
            weights: Mutex::new(Weights::new(settings.weight_limit, settings.ban, now)),
            connects: Mutex::new(Connects::default()),
            changed: Condvar::new(),
            counts: Counts::default(),
            position: AtomicUsize::new(settings.skip.min(recording.len())),
            started: AtomicBool::new(false),
            finished: AtomicBool::new(false),
            stopped: AtomicBool::new(false),
            restart: Mutex::new(None),
            next_id: AtomicU64::new(1),
            sockets: Mutex::new(BTreeMap::new()),
            recording,
            settings,
            addr,
        }
    }

    /// Frames played so far: those before this one can be seen.
    pub(crate) fn position(&self) -> usize {
        // PAIRS: `set_position`; what was sent before is seen as played.
        self.position.load(Ordering::Acquire)
    }

    pub(crate) fn set_position(&self, position: usize) {
        // PAIRS: `position`.
        self.position.store(position, Ordering::Release);
    }

    /// The venue's time: that of the last frame played, or of the first if none was.
    pub(crate) fn now(&self) -> WallNs {
        self.recording.ts(self.position().saturating_sub(1))
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    pub(crate) fn is_started(&self) -> bool {
        self.started.load(Ordering::Relaxed)
    }

    pub(crate) fn start(&self) {
        self.started.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.finished.load(Ordering::Relaxed)
    }

    pub(crate) fn set_finished(&self, finished: bool) {
        self.finished.store(finished, Ordering::Relaxed);
    }

    /// The playback begins again.
    pub(crate) fn rewind(&self) {
        let mut books = lock(&self.books);
        *books = Books::new(&self.recording);
        self.set_position(0);
        drop(books);
        self.set_finished(false);
        self.counts.rounds.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a message sent.
    pub(crate) fn sent(&self, name: &Arc<str>) {
        let mut sent = lock(&self.counts.sent);
        match sent.get_mut(name) {
            Some(count) => *count += 1,
            None => drop(sent.insert(Arc::clone(name), 1)),
        }
    }

    /// Asks every thread to end in order.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        // Under the lock, so that nobody misses it between a look and a wait.
        drop(lock(&self.hub));
        self.changed.notify_all();
        self.wake_listener();
    }

    pub(crate) fn restart(&self, pause: Duration) {
        *lock(&self.restart) = Some(pause);
        self.wake_listener();
    }

    pub(crate) fn take_restart(&self) -> Option<Duration> {
        lock(&self.restart).take()
    }

    fn wake_listener(&self) {
        TcpStream::connect_timeout(&self.addr, Duration::from_millis(200)).ok();
    }

    /// Enters a connection among the open ones, unless there are too many.
    pub(crate) fn enter(&self, tcp: &TcpStream) -> Option<u64> {
        let mut sockets = lock(&self.sockets);
        if sockets.len() >= self.settings.connections_max {
            return None;
        }
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        sockets.insert(id, tcp.try_clone().ok()?);
        self.counts.connections.fetch_add(1, Ordering::Relaxed);
        Some(id)
    }

    pub(crate) fn forget(&self, id: u64) {
        lock(&self.sockets).remove(&id);
    }

    pub(crate) fn connections(&self) -> usize {
        lock(&self.sockets).len()
    }

    /// Ends every connection without a word.
    pub(crate) fn cut_all(&self) {
        for client in lock(&self.hub).clients() {
            client.cut();
        }
        for socket in lock(&self.sockets).values() {
            socket.shutdown(Shutdown::Both).ok();
        }
    }

    pub(crate) fn leave(&self, client: &Client) {
        client.outbox.close();
        lock(&self.hub).leave(client);
        self.changed.notify_all();
    }

    pub(crate) fn status(&self) -> Status {
        Status::of(self)
    }
}
