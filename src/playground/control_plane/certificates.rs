//! The keys and certificates of one control plane: made anew for each, so that none is ever worth stealing.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyPair, KeyUsagePurpose,
};

use super::error::Error;

/// Names under which the API server is called, inside and outside of a cluster.
const API_SERVER_NAMES: [&str; 4] =
    ["127.0.0.1", "localhost", "kubernetes.default.svc", "kubernetes.default"];

/// Everything that is written into the certificates directory: file name and PEM text.
pub(super) struct Certificates {
    files: Vec<(String, String)>,
}

impl Certificates {
    /// Makes a certificate authority, the API server's serving certificate, client certificates of an administrator and of the
    /// controller manager, and the key pair that signs service account tokens.
    pub(super) fn generate() -> Result<Self, Error> {
        let mut files = Vec::new();

        let mut authority = CertificateParams::new(Vec::new())?;
        authority.distinguished_name = distinguished_name("codeupgrade-simulator", None);
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let authority_key = KeyPair::generate()?;
        files.push(("ca.crt".to_owned(), authority.self_signed(&authority_key)?.pem()));
        let issuer = Issuer::new(authority, authority_key);

        let mut serving = CertificateParams::new(API_SERVER_NAMES.map(str::to_owned))?;
        serving.distinguished_name = distinguished_name("kube-apiserver", None);
        serving.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        push(&mut files, "apiserver", sign(serving, &issuer)?);
        push(&mut files, "admin", sign(client("admin", Some("system:masters"))?, &issuer)?);
        let controller_manager = client("system:kube-controller-manager", None)?;
        push(&mut files, "controller-manager", sign(controller_manager, &issuer)?);

        let tokens = KeyPair::generate()?;
        files.push(("service-accounts.key".to_owned(), tokens.serialize_pem()));
        files.push(("service-accounts.pub".to_owned(), tokens.public_key_pem()));
        Ok(Self { files })
    }

    /// Writes all files into `directory`, each readable by its owner only.
    pub(super) fn write(&self, directory: &Path) -> Result<(), Error> {
        self.files.iter().try_for_each(|(name, text)| write_private(&directory.join(name), text))
    }
}

/// Writes a file that only its owner may read, whatever the umask is.
pub(super) fn write_private(path: &Path, text: &str) -> Result<(), Error> {
    let open = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    open.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|source| Error::file("write", path, source))
}

/// In a client certificate the common name is the user and the organization its group.
fn distinguished_name(common_name: &str, organization: Option<&str>) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    if let Some(organization) = organization {
        name.push(DnType::OrganizationName, organization);
    }
    name
}

fn client(user: &str, group: Option<&str>) -> Result<CertificateParams, Error> {
    let mut parameters = CertificateParams::new(Vec::new())?;
    parameters.distinguished_name = distinguished_name(user, group);
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    Ok(parameters)
}

fn sign(
    mut parameters: CertificateParams,
    issuer: &Issuer<'_, KeyPair>,
) -> Result<(Certificate, KeyPair), Error> {
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let key = KeyPair::generate()?;
    Ok((parameters.signed_by(&key, issuer)?, key))
}

fn push(files: &mut Vec<(String, String)>, name: &str, (certificate, key): (Certificate, KeyPair)) {
    files.push((format!("{name}.crt"), certificate.pem()));
    files.push((format!("{name}.key"), key.serialize_pem()));
}
