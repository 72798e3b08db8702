//! The certificate of a simulated authority, signed by an authority of its own that is made for it alone.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The certificate could not be made.
    #[error("cannot make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// The certificate cannot be served.
    #[error("cannot serve the certificate")]
    Serving(#[from] rustls::Error),
    /// The key has no form that can be served.
    #[error("cannot serve the key: {0}")]
    Key(&'static str),
}

/// What a simulated authority needs for TLS.
#[derive(Clone)]
pub struct Identity {
    ca_pem: String,
    certificate_pem: String,
    acceptor: TlsAcceptor,
}

impl Identity {
    /// Makes a certificate authority and a certificate for these names.
    pub fn generate(names: &[&str]) -> Result<Self, Error> {
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.distinguished_name.push(DnType::CommonName, "simulated certificate authority");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let authority_key = KeyPair::generate()?;
        let ca_pem = authority.self_signed(&authority_key)?.pem();
        let issuer = Issuer::new(authority, authority_key);

        let mut serving =
            CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())?;
        serving.distinguished_name.push(DnType::CommonName, "simulated authority");
        // Python's TLS refuses a certificate that does not say who signed it.
        serving.use_authority_key_identifier_extension = true;
        serving.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        serving.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = serving.signed_by(&key, &issuer)?;

        let private = PrivateKeyDer::try_from(key.serialize_der()).map_err(Error::Key)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)?;
        Ok(Self { ca_pem, certificate_pem: certificate.pem(), acceptor: TlsAcceptor::from(Arc::new(config)) })
    }

    /// Who signed it, for those who are to trust it.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The certificate itself.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.clone()
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Identity").finish_non_exhaustive()
    }
}
