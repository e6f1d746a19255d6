//! TLS of a venue: a certificate from files, or one made here together with the authority that signed it.
//!
//! With it every connection of the port is TLS. Certificates that a client must refuse are made on command.

mod made;
mod wire;

pub use made::Flaw;
pub(crate) use wire::wrap;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a venue cannot speak TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or written, or is no PEM.
    #[error("{}: {what} cannot be used: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was looked for in it.
        what: &'static str,
        /// What was wrong.
        reason: String,
    },
    /// The certificate and its key do not go together, or the library has no use for them.
    #[error("the certificate and its key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
    /// No certificate could be made.
    #[error("no certificate could be made: {0}")]
    Made(#[from] rcgen::Error),
}

/// What a venue shows to those who connect. Cheap to clone.
#[derive(Clone)]
pub struct Identity {
    config: Arc<ServerConfig>,
    authority: Option<Arc<str>>,
}

impl Identity {
    /// A certificate (its chain behind it) and its key, both PEM.
    pub fn from_files(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let wrong = |path: &Path, what, reason: &dyn fmt::Display| TlsError::File {
            path: path.to_path_buf(),
            what,
            reason: reason.to_string(),
        };
        let chain = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| wrong(certificate, "the certificate", &error))?;
        if chain.is_empty() {
            return Err(wrong(certificate, "the certificate", &"it holds none"));
        }
        let key = PrivateKeyDer::from_pem_file(key)
            .map_err(|error| wrong(key, "the key of the certificate", &error))?;
        Self::new(chain, key, None)
    }

    /// A new authority and a certificate of it for `names` (host names and addresses).
    ///
    /// With a flaw, those who trust the authority must still refuse the certificate.
    pub fn made(names: &[String], flaw: Option<Flaw>) -> Result<Self, TlsError> {
        let made = made::make(names, flaw)?;
        Self::new(made.chain, made.key, Some(made.authority))
    }

    /// What lies in a directory, or else what is made and put there: `ca.pem`, `cert.pem` and `key.pem`.
    pub fn kept(dir: &Path, names: &[String]) -> Result<Self, TlsError> {
        let [ca, certificate, key] = ["ca.pem", "cert.pem", "key.pem"].map(|name| dir.join(name));
        let wrong = |path: &Path, what, error: std::io::Error| TlsError::File {
            path: path.to_path_buf(),
            what,
            reason: error.to_string(),
        };
        if certificate.exists() && key.exists() {
            let mut identity = Self::from_files(&certificate, &key)?;
            let authority = std::fs::read_to_string(&ca);
            let authority = authority.map_err(|error| wrong(&ca, "the authority", error))?;
            identity.authority = Some(Arc::from(authority));
            return Ok(identity);
        }
        let made = made::make(names, None)?;
        std::fs::create_dir_all(dir).map_err(|error| wrong(dir, "the directory", error))?;
        for (path, pem) in [
            (&ca, &made.authority),
            (&certificate, &made.certificate_pem),
            (&key, &made.key_pem),
        ] {
            std::fs::write(path, pem).map_err(|error| wrong(path, "what is kept", error))?;
        }
        Self::new(made.chain, made.key, Some(made.authority))
    }

    fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        authority: Option<String>,
    ) -> Result<Self, TlsError> {
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        Ok(Self {
            config: Arc::new(config),
            authority: authority.map(Arc::from),
        })
    }

    /// The authority that clients have to trust, as PEM; `None` if the certificate came from files.
    pub fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
