//! The rules of certificates.

use super::{ConfigError, Document, raw};
use ais_transport::{TlsError, TlsFiles};
use std::path::Path;
use toml::Spanned;

/// The files of a node of this name, which have been read and fit together.
pub(super) fn check(
    document: Document<'_>,
    raw: Option<&raw::Tls>,
    folder: &Path,
    node: &str,
) -> Result<Option<TlsFiles>, ConfigError> {
    let Some(raw) = raw else { return Ok(None) };
    let path = |it: &Spanned<String>| folder.join(it.get_ref());
    let files = TlsFiles { ca: path(&raw.ca), cert: path(&raw.cert), key: path(&raw.key) };
    let fits = files.load().and_then(|tls| tls.is_for(node));
    fits.map_err(|error| {
        let (key, at) = match &error {
            TlsError::Read { file, .. } | TlsError::Wrong { file, .. } if *file == files.ca => {
                ("ca", &raw.ca)
            }
            TlsError::Read { file, .. } | TlsError::Wrong { file, .. } if *file == files.key => {
                ("key", &raw.key)
            }
            TlsError::Read { .. } | TlsError::Wrong { .. } | TlsError::Name { .. } => {
                ("cert", &raw.cert)
            }
        };
        let help = "make certificates with `ais cert init` and `ais cert node`";
        document.wrong(at.span(), key, error.to_string(), help)
    })?;
    Ok(Some(files))
}
