//! Sleeps for the reader: waits in the kernel until a socket has something, marks it, wakes the reader.

use mio::event::Source;
use mio::{Events, Interest, Poll, Registry, Token};
use pitlane_lockfree::wake::Waker;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// Most connections an ear listens to at once: a venue allows 1024 streams on each, so this is far away.
pub const CONNECTIONS_MAX: usize = 256;

/// The token of the ear's own bell; connections have those below.
const BELL: Token = Token(CONNECTIONS_MAX);

/// The thread that sleeps. Dropping it ends the thread; connections that it heard then stay silent.
#[derive(Debug)]
pub struct Ear {
    shared: Arc<Shared>,
    bell: mio::Waker,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    registry: Registry,
    /// How often each connection was heard; written by the ear's thread alone.
    heard: Box<[AtomicU64]>,
    /// Places in `heard` that no connection has. Locked when a connection comes or goes.
    free: Mutex<Vec<usize>>,
    stop: AtomicBool,
}

/// A connection's place at an ear; leaves it when dropped.
#[derive(Debug)]
pub(super) struct Place {
    shared: Arc<Shared>,
    index: usize,
    /// How often the reader knows it was heard.
    seen: u64,
}

impl Ear {
    /// Starts the thread. `waker` wakes the thread that reads the connections, if it parks.
    pub fn start(waker: Option<Waker>) -> io::Result<Self> {
        let poll = Poll::new()?;
        let bell = mio::Waker::new(poll.registry(), BELL)?;
        let shared = Arc::new(Shared {
            registry: poll.registry().try_clone()?,
            heard: (0..CONNECTIONS_MAX).map(|_| AtomicU64::new(0)).collect(),
            free: Mutex::new((0..CONNECTIONS_MAX).rev().collect()),
            stop: AtomicBool::new(false),
        });
        let listener = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("ear".to_owned())
            .spawn(move || listen(poll, &listener, waker.as_ref()))?;
        Ok(Self {
            shared,
            bell,
            thread: Some(thread),
        })
    }

    /// Listens to `source` from now on. What has already arrived is heard at once.
    pub(super) fn place(&self, source: &mut impl Source) -> io::Result<Place> {
        let index = self.shared.free().pop().ok_or_else(|| {
            io::Error::other(format!(
                "no more than {CONNECTIONS_MAX} connections at once"
            ))
        })?;
        let place = Place {
            shared: Arc::clone(&self.shared),
            index,
            seen: self.shared.heard[index].load(Ordering::Relaxed),
        };
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.shared
            .registry
            .register(source, Token(index), interest)?;
        Ok(place)
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        // PAIRS: the load in listen; the bell is rung behind it.
        self.shared.stop.store(true, Ordering::Release);
        if self.bell.wake().is_ok()
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn free(&self) -> std::sync::MutexGuard<'_, Vec<usize>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Whether something was heard since the last call.
    #[inline]
    pub fn heard(&mut self) -> bool {
        // PAIRS: the store in listen. Whoever sees the number finds the bytes in the socket.
        let heard = self.shared.heard[self.index].load(Ordering::Acquire);
        let new = heard != self.seen;
        self.seen = heard;
        new
    }

    /// Not to be heard any more.
    pub fn leave(self, source: &mut impl Source) {
        // Closing the socket ends it as well; an error changes nothing.
        let _ = self.shared.registry.deregister(source);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.free().push(self.index);
    }
}

fn listen(mut poll: Poll, shared: &Shared, waker: Option<&Waker>) {
    let mut events = Events::with_capacity(CONNECTIONS_MAX + 1);
    loop {
        if let Err(error) = poll.poll(&mut events, None) {
            // The only error the kernel has for a poll that was set up right.
            assert!(
                error.kind() == io::ErrorKind::Interrupted,
                "sockets cannot be waited for: {error}"
            );
            continue;
        }
        // PAIRS: the store in Ear's drop.
        if shared.stop.load(Ordering::Acquire) {
            return;
        }
        for event in &events {
            if let Some(heard) = shared.heard.get(event.token().0) {
                let count = heard.load(Ordering::Relaxed);
                // PAIRS: the load in Place::heard.
                heard.store(count + 1, Ordering::Release);
            }
        }
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
