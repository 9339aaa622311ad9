//! Whom to trust in encrypted connections: whom the system trusts, or the certificates of a file.

use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use ureq::tls::Certificate;

use crate::error::WatchError;

/// The certificates of a file (PEM).
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, WatchError> {
    let wrong = |message: String| {
        let message = format!("cannot use `{}` as certificates: {message}", path.display());
        WatchError::new(
            "watch-certificates",
            message,
            "give a file in PEM, with `-----BEGIN CERTIFICATE-----`",
        )
    };
    let text = std::fs::read(path).map_err(|error| WatchError::read(path, &error))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(wrong("there is none in it".to_owned())),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(wrong(error.to_string().to_lowercase())),
    }
}

/// The same as HTTP wants them.
pub(crate) fn ureq_certificates(path: &Path) -> Result<Vec<Certificate<'static>>, WatchError> {
    Ok(certificates(path)?.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect())
}
