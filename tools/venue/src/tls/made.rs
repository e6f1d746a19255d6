//! An authority and a certificate, made for one run.

use super::TlsError;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// What is wrong with a certificate that a client must refuse.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flaw {
    /// It was valid in 2020 only.
    Expired,
    /// It is for `elsewhere.invalid`.
    WrongName,
    /// The authority that is given out is not the one that signed it.
    Untrusted,
}

/// What clients need and what the venue shows.
pub(super) struct Made {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
    pub(super) authority: String,
    pub(super) certificate_pem: String,
    pub(super) key_pem: String,
}

pub(super) fn make(names: &[String], flaw: Option<Flaw>) -> Result<Made, TlsError> {
    let (authority, signer) = authority()?;
    let given_out = match flaw {
        Some(Flaw::Untrusted) => self::authority()?.0,
        _ => authority,
    };
    let names = match flaw {
        Some(Flaw::WrongName) => vec!["elsewhere.invalid".to_owned()],
        _ => names.to_vec(),
    };
    let mut params = CertificateParams::new(names)?;
    params
        .distinguished_name
        .push(DnType::CommonName, "pitlane venue");
    // Strict readers ask for what ties a certificate to its authority.
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    if flaw == Some(Flaw::Expired) {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2020, 12, 31);
    }
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &signer)?;
    Ok(Made {
        chain: vec![certificate.der().clone()],
        key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        authority: given_out,
        certificate_pem: certificate.pem(),
        key_pem: key.serialize_pem(),
    })
}

/// A new authority: its PEM, and what signs in its name.
fn authority() -> Result<(String, Issuer<'static, KeyPair>), TlsError> {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "pitlane venue authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate()?;
    let pem = params.self_signed(&key)?.pem();
    Ok((pem, Issuer::new(params, key)))
}
