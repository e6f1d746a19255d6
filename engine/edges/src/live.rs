//! The network: WebSocket connections to venues, and requests to their REST interfaces.
//!
//! Whatever can wait for a stranger (name look-up, connecting, handshakes, requests, sleeping until bytes arrive) happens on
//! cold threads; the thread that reads frames calls [`Connection::read`], which never waits.
//! Nothing here knows what a frame says, and nothing here decides when to connect or to ask.
//!
//! # How a thread that parks reads many connections
//!
//! An [`Ear`] sleeps in the kernel until a socket has something, marks the connection and wakes the reader
//! with the [`Waker`](pitlane_lockfree::wake::Waker) its runner gave it. The reader asks each connection
//! [`Connection::is_ready`], one load, and reads those that are until [`Event::Idle`].
//! A thread that spins needs no ear: a connection that was never given to one is always ready, and reading it
//! when it is silent costs one system call.

pub mod cause;
pub mod dial;
pub mod ear;
pub mod listing;
pub mod rest;
pub mod session;
pub mod socket;
pub mod tls;
mod wire;

pub use cause::{Cause, Causes, Place};
pub use dial::{DialError, DialReply, DialRequest, Dialer};
pub use ear::Ear;
pub use rest::{Rest, RestError, RestKind, RestReply, RestRequest};
pub use socket::{Closed, Connection, Event, Refused, SendError};
pub use tls::{Tls, TlsError, TlsFault};

#[cfg(test)]
mod tests;
