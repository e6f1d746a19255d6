//! Whom we trust: the roots of the web, and what an extra file adds to them.

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, ClientConnection, RootCertStore};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::cause::Cause;

/// How TLS connections are made: one configuration for sockets and requests. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tls {
    config: Arc<ClientConfig>,
}

/// Why no TLS configuration could be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file of extra roots cannot be read.
    #[error("{}: the file of extra certificate authorities cannot be read: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        error: std::io::Error,
    },
    /// The file of extra roots is not PEM.
    #[error("{}: certificate {number} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which certificate of the file, from 1.
        number: usize,
        /// What is wrong.
        reason: String,
    },
    /// The file of extra roots holds none.
    #[error(
        "{}: holds no certificate; a PEM file with at least one `BEGIN CERTIFICATE` is needed",
        path.display()
    )]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The library refused its own defaults.
    #[error("TLS cannot be set up: {0}")]
    Library(#[from] rustls::Error),
}

impl Tls {
    /// Trusts the roots of the web (as Mozilla lists them), and the certificates in `extra`, a PEM file, if given.
    pub fn new(extra: Option<&Path>) -> Result<Self, TlsError> {
        let mut roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        if let Some(path) = extra {
            add(&mut roots, path)?;
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            config: Arc::new(config),
        })
    }

    /// The client's side of a session with `host`; nothing is sent yet.
    pub(super) fn client(&self, host: &str) -> Result<ClientConnection, rustls::Error> {
        // an IPv6 address stands in brackets in a URL
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(bare.to_owned())
            .map_err(|_| rustls::Error::General(format!("\"{host}\" is no host name")))?;
        ClientConnection::new(Arc::clone(&self.config), name)
    }
}

fn add(roots: &mut RootCertStore, path: &Path) -> Result<(), TlsError> {
    let pem = fs::read(path).map_err(|error| TlsError::Unreadable {
        path: path.to_path_buf(),
        error,
    })?;
    let mut number = 0;
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        number += 1;
        let damaged = |reason: String| TlsError::Damaged {
            path: path.to_path_buf(),
            number,
            reason,
        };
        let certificate = certificate.map_err(|error| damaged(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| damaged(error.to_string()))?;
    }
    if number == 0 {
        return Err(TlsError::Empty {
            path: path.to_path_buf(),
        });
    }
    Ok(())
}

/// What was wrong with a TLS handshake.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TlsFault {
    /// The certificate is for another name.
    Name,
    /// The certificate is not valid any more, or not yet.
    Expired,
    /// Nobody we trust has signed the certificate.
    Untrusted,
    /// Anything else: no TLS at all, no version in common, a damaged certificate.
    Other,
}

impl TlsFault {
    /// What it is counted as.
    pub fn cause(self) -> Cause {
        match self {
            Self::Name => Cause::TlsName,
            Self::Expired => Cause::TlsExpired,
            Self::Untrusted => Cause::TlsUntrusted,
            Self::Other => Cause::Tls,
        }
    }

    /// What to do about it.
    pub(super) fn advice(self) -> &'static str {
        match self {
            Self::Name => "; write the address with the name that the certificate is for",
            Self::Expired => "; the venue must renew it, unless the clock of this machine is wrong",
            Self::Untrusted => "; name the authority's file as ca_file if it is to be trusted",
            Self::Other => "",
        }
    }

    /// Sorts an error of the library.
    pub(super) fn of(error: &rustls::Error) -> Self {
        let rustls::Error::InvalidCertificate(certificate) = error else {
            return Self::Other;
        };
        match certificate {
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Self::Name
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => Self::Expired,
            CertificateError::UnknownIssuer
            | CertificateError::BadSignature
            | CertificateError::Revoked => Self::Untrusted,
            _ => Self::Other,
        }
    }
}

/// The TLS error inside an error of the system, where there is one: that is how handshakes report it.
pub(super) fn inside(error: &std::io::Error) -> Option<&rustls::Error> {
    let inner: &(dyn Error + 'static) = error.get_ref()?;
    inner.downcast_ref()
}
