//! A client of the same library, and what it says to each certificate.

use super::*;
use rustls::pki_types::ServerName;
use rustls::{CertificateError, ClientConfig, ClientConnection, Error, RootCertStore};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

/// What a client that trusts `authority` alone hears from somebody with this identity.
fn heard(identity: &Identity, authority: &str) -> Result<String, Error> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    let shown = identity.clone();
    let server = std::thread::spawn(move || {
        let (tcp, _) = listener.accept().unwrap();
        let mut wire = wrap(tcp, Some(&shown)).unwrap();
        let mut word = [0; 5];
        if wire.read_exact(&mut word).is_ok() {
            wire.write_all(&word).unwrap();
            wire.flush().unwrap();
        }
    });
    let mut roots = RootCertStore::empty();
    let pem = CertificateDer::from_pem_slice(authority.as_bytes()).unwrap();
    roots.add(pem).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let mut session = ClientConnection::new(Arc::new(config), name)?;
    let mut tcp = TcpStream::connect(addr).unwrap();
    let told = session.complete_io(&mut tcp).map_err(|error| {
        let inner = error.into_inner().unwrap();
        *inner.downcast::<Error>().unwrap()
    });
    let answer = told.map(|_| {
        let mut stream = rustls::Stream::new(&mut session, &mut tcp);
        stream.write_all(b"hello").unwrap();
        let mut word = [0; 5];
        stream.read_exact(&mut word).unwrap();
        String::from_utf8_lossy(&word).into_owned()
    });
    drop(tcp);
    server.join().unwrap();
    answer
}

fn names() -> Vec<String> {
    vec!["localhost".to_owned(), "127.0.0.1".to_owned()]
}

#[test]
fn who_trusts_the_authority_is_answered() {
    let identity = Identity::made(&names(), None).unwrap();
    let authority = identity.authority().unwrap();
    assert_eq!(heard(&identity, authority).unwrap(), "hello");
    let another = Identity::made(&names(), None).unwrap();
    let refused = heard(&identity, another.authority().unwrap()).unwrap_err();
    assert!(matches!(refused, Error::InvalidCertificate(_)), "{refused}");
}

#[test]
fn each_flaw_is_refused_for_what_it_is() {
    let refused = |flaw| {
        let identity = Identity::made(&names(), Some(flaw)).unwrap();
        match heard(&identity, identity.authority().unwrap()) {
            Err(Error::InvalidCertificate(error)) => error,
            other => panic!("{flaw:?}: {other:?}"),
        }
    };
    let expired = refused(Flaw::Expired);
    assert!(
        matches!(expired, CertificateError::ExpiredContext { .. }),
        "{expired:?}"
    );
    let elsewhere = refused(Flaw::WrongName);
    assert!(
        matches!(elsewhere, CertificateError::NotValidForNameContext { .. }),
        "{elsewhere:?}"
    );
    let untrusted = refused(Flaw::Untrusted);
    assert!(
        matches!(
            untrusted,
            CertificateError::UnknownIssuer | CertificateError::BadSignature
        ),
        "{untrusted:?}"
    );
}

#[test]
fn files_are_read_and_named_when_they_are_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let (certificate, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    let made = rcgen::generate_simple_self_signed(names()).unwrap();
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let identity = Identity::from_files(&certificate, &key).unwrap();
    assert_eq!(identity.authority(), None);
    assert_eq!(heard(&identity, &made.cert.pem()).unwrap(), "hello");

    let missing = Identity::from_files(&dir.path().join("none.pem"), &key).unwrap_err();
    assert!(
        missing.to_string().contains("none.pem: the certificate"),
        "{missing}"
    );
    let swapped = Identity::from_files(&key, &key).unwrap_err();
    assert!(swapped.to_string().contains("it holds none"), "{swapped}");
    let no_key = Identity::from_files(&certificate, &certificate).unwrap_err();
    assert!(
        no_key.to_string().contains("the key of the certificate"),
        "{no_key}"
    );
    let kept = dir.path().join("kept");
    let first = Identity::kept(&kept, &names()).unwrap();
    let again = Identity::kept(&kept, &[]).unwrap();
    assert_eq!(first.authority(), again.authority());
    assert_eq!(heard(&again, first.authority().unwrap()).unwrap(), "hello");

    let other = rcgen::KeyPair::generate().unwrap();
    std::fs::write(&key, other.serialize_pem()).unwrap();
    let apart = Identity::from_files(&certificate, &key).unwrap_err();
    assert!(matches!(apart, TlsError::Unusable(_)), "{apart}");
}
