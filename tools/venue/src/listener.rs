//! Takes connections and gives each a thread: requests until one of them becomes a WebSocket.

use crate::clients::Item;
use crate::http::{self, Reply};
use crate::shared::{Shared, lock};
use crate::{rest, session, tls};
use std::io::Write;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a connection may say nothing between two requests.
const IDLE: Duration = Duration::from_secs(75);
/// How long clients have to take their last messages when the venue closes.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long the port may stay taken when the venue opens again.
const REBIND: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(5);

pub(crate) fn run(listener: TcpListener, shared: &Arc<Shared>) {
    let mut listener = Some(listener);
    while !shared.is_stopped() {
        let Some(open) = &listener else { break };
        let accepted = open.accept();
        if shared.is_stopped() {
            break;
        }
        if let Some(pause) = shared.take_restart() {
            listener = None;
            shared.cut_all();
            listener = reopen(shared, pause).or(listener);
            continue;
        }
        match accepted {
            Ok((tcp, _)) => take(tcp, shared),
            // Out of descriptors, or a client that has gone already.
            Err(_) => std::thread::sleep(LOOK),
        }
    }
    drop(listener);
    farewell(shared);
}

/// Listens again on the same port after a pause.
fn reopen(shared: &Shared, pause: Duration) -> Option<TcpListener> {
    let from = Instant::now();
    while from.elapsed() < pause && !shared.is_stopped() {
        std::thread::sleep(LOOK.min(pause));
    }
    while from.elapsed() < pause + REBIND && !shared.is_stopped() {
        match TcpListener::bind(shared.addr) {
            Ok(listener) => return Some(listener),
            Err(_) => std::thread::sleep(LOOK),
        }
    }
    // Nobody can reach it any more, so it ends.
    shared.stop();
    None
}

fn take(mut tcp: TcpStream, shared: &Arc<Shared>) {
    if lock(&shared.faults).on_connect(Instant::now()) {
        tcp.shutdown(Shutdown::Both).ok();
        return;
    }
    let Some(id) = shared.enter(&tcp) else {
        let reply = Reply::error(503, -1008, "Too many connections.");
        http::write(&mut tcp, &reply, false).ok();
        return;
    };
    let entered = Entered(Arc::clone(shared), id);
    let spawned = std::thread::Builder::new()
        .name(format!("client-{id}"))
        .spawn(move || {
            let Entered(shared, id) = &entered;
            // A client that goes away is no news.
            serve(tcp, shared, *id).ok();
        });
    drop(spawned);
}

/// A connection that is forgotten when its thread ends, however that happens.
struct Entered(Arc<Shared>, u64);

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.forget(self.1);
    }
}

fn serve(tcp: TcpStream, shared: &Arc<Shared>, id: u64) -> std::io::Result<()> {
    tcp.set_nodelay(true)?;
    tcp.set_read_timeout(Some(IDLE))?;
    tcp.set_write_timeout(Some(shared.settings.pong_within))?;
    let mut wire = tls::wrap(tcp, shared.settings.tls.as_ref())?;
    let mut buffer = Vec::new();
    while let Some(request) = http::read(&mut wire, &mut buffer)? {
        if request.upgrade.is_some() {
            return session::run(wire, buffer, &request, shared, id);
        }
        let reply = rest::answer(shared, &request);
        let written = http::write(&mut wire, &reply, request.keep_alive);
        if let Some(pause) = reply.restart {
            shared.restart(pause);
        }
        written?;
        if !request.keep_alive {
            break;
        }
    }
    wire.flush()
}

/// Says that the venue closes, lets clients take what is theirs, and ends all connections.
fn farewell(shared: &Shared) {
    let clients: Vec<_> = lock(&shared.hub).clients().cloned().collect();
    for client in &clients {
        client.outbox.push(Item::Shutdown, false);
        client.outbox.push(Item::Close(1001), false);
    }
    let until = Instant::now() + FAREWELL;
    let waits = |shared: &Shared| lock(&shared.hub).clients().next().is_some();
    while Instant::now() < until && waits(shared) {
        std::thread::sleep(LOOK);
    }
    shared.cut_all();
    while Instant::now() < until + FAREWELL && shared.connections() > 0 {
        std::thread::sleep(LOOK);
    }
}
