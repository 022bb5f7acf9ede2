//! TLS by rustls: certificates are always verified; there is no switch to turn that off.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::SubmitError;

/// Client settings: with HTTP/2 offered, and without.
#[derive(Clone)]
pub(super) struct Tls {
    pub(super) with_http2: Arc<ClientConfig>,
    pub(super) http1_only: Arc<ClientConfig>,
}

/// Returns settings that trust Mozilla's roots and those of `extra_roots` (PEM).
pub(super) fn settings(extra_roots: Option<&[u8]>) -> Result<Tls, SubmitError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(pem) = extra_roots {
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| SubmitError::BadRoots)?;
            roots.add(certificate).map_err(|_| SubmitError::BadRoots)?;
        }
        if roots.len() == before {
            return Err(SubmitError::BadRoots);
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| SubmitError::BadRoots)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let http1_only = Arc::new(config.clone());
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Tls { with_http2: Arc::new(config), http1_only })
}
