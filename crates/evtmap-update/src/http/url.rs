//! Addresses, as far as a redirect and a token need to know them.

use std::fmt;
use std::net::IpAddr;

use ureq::http::Uri;
use ureq::http::uri::Authority;

use crate::error::UpdateError;

/// An address with a scheme and a host.
#[derive(Clone, Debug)]
pub(super) struct Url(Uri);

const HELP: &str = "write it as https://host/path";

impl Url {
    pub(super) fn parse(text: &str) -> Result<Self, UpdateError> {
        let uri: Option<Uri> = text.parse().ok();
        let is_known = |uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some();
        // Who puts a password into an address has it in reports and logs; there are tokens for that.
        let has_password =
            |uri: &Uri| uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        match uri.filter(is_known) {
            Some(uri) if has_password(&uri) => {
                Err(UpdateError::network("the address", "it holds a name or password", "use a token instead"))
            }
            Some(uri) => Ok(Self(uri)),
            None => Err(UpdateError::network(text, "it is not the address of a file", HELP)),
        }
    }

    /// Where a redirect leads.
    pub(super) fn join(&self, to: &str) -> Result<Self, UpdateError> {
        let scheme = self.0.scheme_str().unwrap_or_default();
        let authority = self.0.authority().map(Authority::as_str).unwrap_or_default();
        if to.contains("://") {
            Self::parse(to)
        } else if to.starts_with("//") {
            Self::parse(&format!("{scheme}:{to}"))
        } else if to.starts_with('/') {
            Self::parse(&format!("{scheme}://{authority}{to}"))
        } else {
            Err(UpdateError::network(&self.to_string(), "it leads nowhere", HELP))
        }
    }

    pub(super) fn is_https(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }

    /// Whether nobody on the way can read what is sent: it is encrypted, or does not leave this machine.
    pub(super) fn is_private(&self) -> bool {
        let host = self.0.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        self.is_https()
            || host == "localhost"
            || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Whether both are answered by the same server.
    pub(super) fn is_same_server(&self, other: &Self) -> bool {
        let server = |url: &Self| {
            let port = url.0.port_u16().unwrap_or(if url.is_https() { 443 } else { 80 });
            (url.is_https(), url.0.host().map(str::to_lowercase), port)
        };
        server(self) == server(other)
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects() {
        let check = |to: &str, expected: Option<&str>| {
            let from = Url::parse("https://a.example:8443/x/y").unwrap();
            assert_eq!(from.join(to).ok().map(|url| url.to_string()).as_deref(), expected, "{to}");
        };
        check("https://b.example/z", Some("https://b.example/z"));
        check("/z?q=1", Some("https://a.example:8443/z?q=1"));
        check("//b.example/z", Some("https://b.example/z"));
        check("ftp://b.example/z", None);
        check("file:///etc/passwd", None);
        check("https://ada:secret@b.example/", None);
        check("z", None);
        check("", None);
    }

    #[test]
    fn servers() {
        let same = |a: &str, b: &str| Url::parse(a).unwrap().is_same_server(&Url::parse(b).unwrap());
        assert!(same("https://a.example/x", "https://A.example:443/y"));
        for other in
            ["https://b.example/", "http://a.example/", "https://a.example:444/", "https://a.example.b/"]
        {
            assert!(!same("https://a.example/", other), "{other}");
        }
        let is_private = |text: &str| Url::parse(text).unwrap().is_private();
        assert!(
            is_private("http://127.0.0.1:80/") && is_private("http://[::1]/") && is_private("https://a/")
        );
        assert!(!is_private("http://a/") && !is_private("http://127.0.0.1.example/"));
    }
}
