//! A cluster's certificate authority: it makes the certificates of the nodes.

use crate::tls::{CLUSTER_NAME, good_by, names};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use std::{
    fmt,
    time::{Duration, SystemTime},
};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Why no certificate was made.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// A certificate cannot carry this name.
    #[error(
        "{0:?} is no name for a certificate: use letters, digits and '-', with '.' between, as in a \
         host name"
    )]
    Name(String),
    /// The authority's certificate or key is not one.
    #[error("this is not the certificate and the key of an authority: {0}")]
    NotAnAuthority(String),
    /// It did not work.
    #[error("the certificate could not be made: {0}")]
    Failed(String),
}

impl From<rcgen::Error> for AuthorityError {
    fn from(error: rcgen::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// A certificate and its private key, in PEM.
#[derive(Clone)]
pub struct Certified {
    /// Anybody may read it.
    pub certificate: String,
    /// Nobody but its owner may read it.
    pub key: String,
}

impl fmt::Debug for Certified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certified").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

/// A new authority for a cluster, good for so many days.
///
/// # Errors
/// [`AuthorityError::Failed`]
pub fn new_authority(days: u32) -> Result<Certified, AuthorityError> {
    let params = authority(days)?;
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?.pem();
    Ok(Certified { certificate, key: key.serialize_pem() })
}

/// All authorities have the same name; they differ in their keys.
fn authority(days: u32) -> Result<CertificateParams, AuthorityError> {
    let mut params = params("AIS cluster authority", days, Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

impl Certified {
    /// As an authority: a certificate for a node, good for so many days.
    ///
    /// # Errors
    /// [`AuthorityError`]
    pub fn issue(&self, node: &str, days: u32) -> Result<Self, AuthorityError> {
        let wrong = |error: rcgen::Error| AuthorityError::NotAnAuthority(error.to_string());
        let key = KeyPair::from_pem(&self.key).map_err(wrong)?;
        let issuer = Issuer::new(authority(days)?, key);
        let mut params = params(node, days, vec![CLUSTER_NAME.to_owned(), node.to_owned()])?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &issuer)?;
        if node == CLUSTER_NAME || !names(certificate.der()).iter().any(|it| it == node) {
            return Err(AuthorityError::Name(node.to_owned()));
        }
        good_by(&self.certificate, certificate.der()).map_err(AuthorityError::NotAnAuthority)?;
        Ok(Self { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

#[expect(clippy::disallowed_methods, reason = "certificates carry the time of the wall")]
fn params(name: &str, days: u32, names: Vec<String>) -> Result<CertificateParams, AuthorityError> {
    let failed = |_| AuthorityError::Name(name.to_owned());
    let mut params = CertificateParams::new(names).map_err(failed)?;
    params.distinguished_name.push(DnType::CommonName, name);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    // Clocks of nodes need not agree to the hour.
    params.not_before = date_time_ymd(1970, 1, 1) + now.saturating_sub(DAY);
    params.not_after = params.not_before + DAY * (days.min(36_500) + 1);
    Ok(params)
}
