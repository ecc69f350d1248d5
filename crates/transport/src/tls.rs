//! Who a node is, and that it is one of the cluster: certificates.
//!
//! A cluster has a certificate authority of its own. Every node has a certificate of it, whose DNS
//! names are the node's name and [`CLUSTER_NAME`]; the latter is what a dialler asks for, since it
//! knows an address and no name yet. That the name in a peer's hello is in its certificate is
//! checked when the hello is read. TLS 1.3 only; both sides show a certificate.

use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    server::WebPkiClientVerifier,
    version::TLS13,
};
use std::{
    fmt, fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A DNS name that the certificate of every node has, beside the node's own.
pub const CLUSTER_NAME: &str = "ais-node";

/// What both sides say they speak.
const PROTOCOL: &[u8] = b"ais/1";
/// No file of certificates is longer.
const BYTES_MAX: u64 = 1 << 20;

/// A certificate or a key that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// It cannot be read.
    #[error("{}: {error}", file.display())]
    Read {
        /// Which file.
        file: PathBuf,
        /// The system's error.
        error: io::Error,
    },
    /// It is not what it should be.
    #[error("{}: {problem}", file.display())]
    Wrong {
        /// Which file.
        file: PathBuf,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// It is somebody else's.
    #[error("the certificate is for {certified}, and this is node {name:?}: use its own")]
    Name {
        /// The node.
        name: String,
        /// For whom it is.
        certified: String,
    },
}

/// A node's certificate, and the authority that it trusts.
#[derive(Clone)]
pub struct Tls {
    pub(crate) client: Arc<ClientConfig>,
    pub(crate) server: Arc<ServerConfig>,
    names: Vec<String>,
}

/// The files of a node's [`Tls`], in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate of the cluster's authority.
    pub ca: PathBuf,
    /// The certificate of the node.
    pub cert: PathBuf,
    /// Its private key, which only its owner may read.
    pub key: PathBuf,
}

impl TlsFiles {
    /// Reads them, and sees that they fit together.
    ///
    /// # Errors
    /// [`TlsError`], which names the file.
    pub fn load(&self) -> Result<Tls, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let roots = Arc::new(roots(&self.ca)?);
        let chain = certificates(&self.cert)?;
        let key = self.private_key()?;
        let wrong = |file: &Path, problem: String| TlsError::Wrong { file: file.into(), problem };

        verify(roots.clone(), &chain).map_err(|error| {
            let ca = self.ca.display();
            let problem = format!("it is not good by the authority {ca}: {error}; make another");
            wrong(&self.cert, problem)
        })?;
        let names = names(&chain[0]);

        let clients = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone());
        let clients = clients.build().map_err(|error| wrong(&self.ca, error.to_string()))?;
        let server = server_builder(provider.clone()).with_client_cert_verifier(clients);
        let mismatch = |error: rustls::Error| {
            wrong(&self.key, format!("it is not the key of {}: {error}", self.cert.display()))
        };
        let server = server.with_single_cert(chain.clone(), key.clone_key()).map_err(mismatch)?;
        let client = client_builder(provider).with_root_certificates(roots);
        let client = client.with_client_auth_cert(chain, key).map_err(mismatch)?;
        Ok(Tls::new(client, server, names))
    }

    fn private_key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        let text = read(&self.key)?;
        let failed = |error| TlsError::Read { file: self.key.clone(), error };
        let mode = fs::metadata(&self.key).map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            let problem = "others may read the key: chmod 600 it".to_owned();
            return Err(TlsError::Wrong { file: self.key.clone(), problem });
        }
        PrivateKeyDer::from_pem_slice(&text).map_err(|error| {
            let problem = format!("there is no private key in it: {error}");
            TlsError::Wrong { file: self.key.clone(), problem }
        })
    }
}

impl Tls {
    fn new(mut client: ClientConfig, mut server: ServerConfig, names: Vec<String>) -> Self {
        client.alpn_protocols = vec![PROTOCOL.to_vec()];
        server.alpn_protocols = vec![PROTOCOL.to_vec()];
        // Sessions are few and long: nothing is resumed.
        client.resumption = rustls::client::Resumption::disabled();
        server.send_tls13_tickets = 0;
        Self { client: Arc::new(client), server: Arc::new(server), names }
    }

    /// Whether it is this node's.
    ///
    /// # Errors
    /// [`TlsError::Name`]
    pub fn is_for(&self, name: &str) -> Result<(), TlsError> {
        if self.names.iter().any(|it| it == name) {
            return Ok(());
        }
        Err(TlsError::Name { name: name.to_owned(), certified: own_names(&self.names) })
    }

    /// Encryption without knowing with whom: QUIC wants certificates where there are none. Good for
    /// nothing but a host's own loopback.
    pub(crate) fn throw_away() -> Result<Self, String> {
        let made = rcgen::generate_simple_self_signed([CLUSTER_NAME.to_owned()]);
        let made = made.map_err(|error| error.to_string())?;
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der())?;
        let provider = Arc::new(ring::default_provider());
        let anybody = Arc::new(Anybody(provider.clone()));
        let server = server_builder(provider.clone()).with_no_client_auth();
        let server = server.with_single_cert(vec![made.cert.der().clone()], key);
        let server = server.map_err(|error| error.to_string())?;
        let client = client_builder(provider).dangerous().with_custom_certificate_verifier(anybody);
        Ok(Self::new(client.with_no_client_auth(), server, Vec::new()))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("names", &self.names).finish_non_exhaustive()
    }
}

type ServerBuilder = rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier>;
type ClientBuilder = rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>;

fn server_builder(provider: Arc<CryptoProvider>) -> ServerBuilder {
    let builder = ServerConfig::builder_with_provider(provider);
    builder.with_protocol_versions(&[&TLS13]).expect("the provider has TLS 1.3")
}

fn client_builder(provider: Arc<CryptoProvider>) -> ClientBuilder {
    let builder = ClientConfig::builder_with_provider(provider);
    builder.with_protocol_versions(&[&TLS13]).expect("the provider has TLS 1.3")
}

fn read(file: &Path) -> Result<Vec<u8>, TlsError> {
    let read = || {
        if fs::metadata(file)?.len() > BYTES_MAX {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        fs::read(file)
    };
    read().map_err(|error| TlsError::Read { file: file.to_owned(), error })
}

/// At least one.
fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = |problem: String| TlsError::Wrong { file: file.to_owned(), problem };
    let text = read(file)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let all = all.map_err(|error| wrong(format!("it cannot be read as certificates: {error}")))?;
    if all.is_empty() { Err(wrong("there is no certificate in it".to_owned())) } else { Ok(all) }
}

fn roots(file: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots.add(certificate).map_err(|error| {
            let problem = format!("it is not the certificate of an authority: {error}");
            TlsError::Wrong { file: file.to_owned(), problem }
        })?;
    }
    Ok(roots)
}

/// Whether a certificate is good by the authority whose certificate this is, in PEM; if not, why.
pub(crate) fn good_by(authority: &str, certificate: &CertificateDer<'_>) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(authority.as_bytes());
    roots.add(root.map_err(|error| error.to_string())?).map_err(|error| error.to_string())?;
    verify(Arc::new(roots), std::slice::from_ref(certificate))
}

/// Whether this chain is good by these authorities; if not, why.
fn verify(roots: Arc<RootCertStore>, chain: &[CertificateDer<'_>]) -> Result<(), String> {
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, provider).build();
    let verifier = verifier.map_err(|error| error.to_string())?;
    let shared = ServerName::try_from(CLUSTER_NAME).expect("it is a name");
    verifier
        .verify_server_cert(&chain[0], &chain[1..], &shared, &[], UnixTime::now())
        .map(drop)
        .map_err(|error| error.to_string())
}

/// The DNS names of a certificate.
pub(crate) fn names(certificate: &CertificateDer<'_>) -> Vec<String> {
    match webpki::EndEntityCert::try_from(certificate) {
        Ok(certificate) => certificate.valid_dns_names().map(str::to_owned).collect(),
        Err(_) => Vec::new(),
    }
}

/// For whom a certificate with these names is.
pub(crate) fn own_names(names: &[String]) -> String {
    let own: Vec<&str> =
        names.iter().map(String::as_str).filter(|it| *it != CLUSTER_NAME).collect();
    if own.is_empty() { "nobody".to_owned() } else { own.join(", ") }
}

/// Takes every certificate.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
