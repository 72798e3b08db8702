//! One request, as a value: what is asked, how large the answer may be and how long it may take.

use std::fmt::{Display, Write as _};

use reqwest::Method;
use reqwest::Url;

use super::error::Error;

/// How large an answer of a kind may be. Recorded answers are far below; a page of devices is the largest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AnswerSize {
    /// One record: 1 MiB.
    Record,
    /// A page of servers or organisations: 8 MiB.
    List,
    /// A page of devices, of which only the frame around its rows is held: 1 MiB.
    Devices,
}

impl AnswerSize {
    /// The limit in bytes.
    pub(super) const fn bytes(self) -> u64 {
        match self {
            Self::Record => 1 << 20,
            Self::List => 8 << 20,
            Self::Devices => 1 << 20,
        }
    }
}

/// One request to an authority.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) size: AnswerSize,
    pub(super) body: Option<String>,
    segments: Vec<String>,
    query: Vec<(&'static str, String)>,
}

impl Call {
    /// A call of a resource, named as in the vendor's documentation; case does not matter to the authority.
    pub(super) fn new(method: Method, resource: &str) -> Self {
        Self {
            method,
            size: AnswerSize::Record,
            body: None,
            segments: vec![resource.to_owned()],
            query: Vec::new(),
        }
    }

    /// Reads a resource.
    pub(super) fn get(resource: &str) -> Self {
        Self::new(Method::GET, resource)
    }

    /// Adds a path segment, such as an id.
    pub(super) fn segment(mut self, segment: impl Display) -> Self {
        self.segments.push(format!("{segment}"));
        self
    }

    /// Adds a query parameter.
    pub(super) fn query(mut self, name: &'static str, value: impl Display) -> Self {
        self.query.push((name, format!("{value}")));
        self
    }

    /// Sets the body, which is JSON.
    pub(super) fn body(mut self, json: impl Into<String>) -> Self {
        self.body = Some(json.into());
        self
    }

    /// Sets how large the answer may be.
    pub(super) fn size(mut self, size: AnswerSize) -> Self {
        self.size = size;
        self
    }

    /// The call as errors and logs name it. Without the query, which changes from page to page.
    pub(super) fn label(&self) -> String {
        format!("{} /api/{}", self.method, self.segments.join("/"))
    }

    /// The whole url at an authority.
    pub(super) fn url(&self, base: &Url) -> Result<Url, Error> {
        let mut url = base.clone();
        {
            let mut path = url
                .path_segments_mut()
                .map_err(|()| Error::Misconfigured { what: "url", problem: "it has no path".to_owned() })?;
            path.pop_if_empty().push("api").extend(&self.segments);
        }
        if !self.query.is_empty() {
            let pairs: Vec<_> =
                self.query.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
            url.set_query(Some(&pairs.join("&")));
        }
        Ok(url)
    }
}

/// A query value in percent encoding, with `%20` for a blank, as recorded requests have it (not `+`, which a form
/// would have).
fn encoded(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            text.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(base: &str, call: &Call) -> String {
        call.url(&base.parse().unwrap()).unwrap().to_string()
    }

    #[test]
    fn a_url_is_the_base_the_resource_and_the_query() {
        let call = Call::get("Org").segment(3).query("q", "A&B Ü").query("pgNum", 1);
        for base in ["https://host:4285", "https://host:4285/"] {
            assert_eq!(url(base, &call), "https://host:4285/api/Org/3?q=A%26B%20%C3%9C&pgNum=1");
        }
        assert_eq!(url("http://host/code42/", &Call::get("Ping")), "http://host/code42/api/Ping");
        assert_eq!(
            url("http://host", &Call::get("Server").segment("../x?y")),
            "http://host/api/Server/..%2Fx%3Fy"
        );
    }
}
