//! Azure's connection strings: `AccountName=a;AccountKey=k;EndpointSuffix=core.windows.net`.

use super::error::{BucketConfigError, setting};
use crate::secret::Secret;

/// What a connection string says.
#[derive(Debug, Default)]
pub(super) struct Connection {
    pub account: Option<String>,
    pub key: Option<Secret>,
    pub endpoint: Option<String>,
    /// The query of a shared access signature.
    pub signature: Option<Secret>,
}

impl Connection {
    /// # Errors
    /// When it is malformed; what is wrong is said without its values.
    pub fn parse(text: &Secret) -> Result<Self, BucketConfigError> {
        let wrong = |why: &str| setting("storage_connection_string", why);
        let mut connection = Connection::default();
        let (mut scheme, mut suffix) = ("https", None);
        let parts = text.expose().split(';').map(str::trim);
        for part in parts.filter(|part| !part.is_empty()) {
            let Some((name, value)) = part.split_once('=') else {
                return Err(wrong("has a part without ="));
            };
            match name {
                "AccountName" => connection.account = Some(value.to_string()),
                "AccountKey" => connection.key = Some(value.to_string().into()),
                "BlobEndpoint" => connection.endpoint = Some(value.to_string()),
                "SharedAccessSignature" => connection.signature = Some(value.to_string().into()),
                "EndpointSuffix" => suffix = Some(value),
                "DefaultEndpointsProtocol" if value == "http" => scheme = "http",
                // Other services of the account.
                _ => {}
            }
        }
        if connection.endpoint.is_none()
            && let (Some(account), Some(suffix)) = (&connection.account, suffix)
        {
            connection.endpoint = Some(format!("{scheme}://{account}.blob.{suffix}"));
        }
        match connection.key.is_none() && connection.signature.is_none() {
            true => Err(wrong("has neither AccountKey nor SharedAccessSignature")),
            false => Ok(connection),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connection_strings_are_read() {
        let text = "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=k==;EndpointSuffix=x.y";
        let read = Connection::parse(&text.to_string().into()).unwrap();
        assert_eq!(read.account.as_deref(), Some("a"));
        assert_eq!(read.key.as_ref().map(Secret::expose), Some("k=="));
        assert_eq!(read.endpoint.as_deref(), Some("http://a.blob.x.y"));
        let text = "BlobEndpoint=https://h/a;SharedAccessSignature=sv=1&sig=s";
        let read = Connection::parse(&text.to_string().into()).unwrap();
        assert_eq!(read.endpoint.as_deref(), Some("https://h/a"));
        assert_eq!(
            read.signature.as_ref().map(Secret::expose),
            Some("sv=1&sig=s")
        );
    }

    #[test]
    fn errors_have_no_values() {
        for text in ["AccountName=hush", "AccountKey", "hush"] {
            let error = Connection::parse(&text.to_string().into()).unwrap_err();
            assert!(!error.to_string().contains("hush"), "{error}");
        }
    }
}
