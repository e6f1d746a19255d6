//! A connection, with TLS or without.

use super::Identity;
use crate::http::Wire;
use rustls::{ServerConnection, StreamOwned};
use std::io;
use std::net::TcpStream;
use std::sync::Arc;

impl Wire for StreamOwned<ServerConnection, TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref()
    }
}

/// What is spoken over `tcp`. TLS shakes hands with the first read.
pub(crate) fn wrap(tcp: TcpStream, identity: Option<&Identity>) -> io::Result<Box<dyn Wire>> {
    let Some(identity) = identity else {
        return Ok(Box::new(tcp));
    };
    let session = ServerConnection::new(Arc::clone(&identity.config)).map_err(io::Error::other)?;
    Ok(Box::new(StreamOwned::new(session, tcp)))
}
