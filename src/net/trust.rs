//! Which certificates are believed, and what is said where one is not.

use ureq::tls::{PemItem, RootCerts};

/// What is wrong with the server's certificate, if that is why there is no connection.
pub(super) fn distrust(error: &ureq::Error) -> Option<String> {
    let certificate = |error: &rustls::Error| match error {
        rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => Some(error.to_string()),
        _ => None,
    };
    match error {
        ureq::Error::Rustls(error) => certificate(error),
        ureq::Error::Io(error) => certificate(error.get_ref()?.downcast_ref()?),
        _ => None,
    }
}

/// Mozilla's certificates, or those of `SSL_CERT_FILE`, with which a company names its own.
pub(super) fn root_certificates() -> RootCerts {
    let Some(path) = std::env::var_os("SSL_CERT_FILE") else { return RootCerts::WebPki };
    let Ok(bytes) = std::fs::read(path) else { return RootCerts::WebPki };
    let certificates: Vec<_> = ureq::tls::parse_pem(&bytes)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() { RootCerts::WebPki } else { RootCerts::new_with_certs(&certificates) }
}
