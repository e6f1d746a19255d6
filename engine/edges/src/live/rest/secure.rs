//! TLS under a request, with the same configuration as under a socket.
//!
//! The library can take roots only as whole certificates, which the list of the web's roots does not hold; so its
//! interface for other transports is used. That interface may change with any version of the library.

use rustls::{ClientConnection, StreamOwned};
use std::fmt;
use std::io::{Read, Write};
use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport,
    TransportAdapter,
};

use crate::live::tls::Tls;

/// Puts TLS over the stream below, where the URL says so.
#[derive(Debug)]
pub(super) struct Secure {
    tls: Tls,
}

impl Secure {
    pub fn new(tls: Tls) -> Self {
        Self { tls }
    }
}

impl<In: Transport> Connector<In> for Secure {
    type Out = Either<In, Secured>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        below: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        let Some(below) = below else {
            return Ok(None);
        };
        if !details.needs_tls() {
            return Ok(Some(Either::A(below)));
        }
        let host = details.uri.host().unwrap_or_default();
        let mut session = self
            .tls
            .client(host)
            .map_err(|error| Error::Io(std::io::Error::other(error)))?;
        let below: Box<dyn Transport> = Box::new(below);
        let mut below = TransportAdapter::new(below, details.current_time.clone());
        below.set_timeout(details.timeout);
        while session.is_handshaking() {
            session.complete_io(&mut below)?;
        }
        let config = details.config;
        Ok(Some(Either::B(Secured {
            buffers: LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size()),
            stream: StreamOwned::new(session, below),
        })))
    }
}

/// A stream under TLS.
pub(super) struct Secured {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl Transport for Secured {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.stream.sock.set_timeout(timeout);
        self.stream.write_all(&self.buffers.output()[..amount])?;
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.stream.sock.set_timeout(timeout);
        let read = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(read);
        Ok(read > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.sock.get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl fmt::Debug for Secured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secured").finish_non_exhaustive()
    }
}
