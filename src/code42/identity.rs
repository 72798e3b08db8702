//! The ids by which an authority knows servers, devices, organisations and destinations.

use std::fmt;

/// The lasting identity of a server, a device or a destination, as the vendor assigns it.
///
/// Recorded guids are decimal digits. Others are taken as they are, if they have 1 to 64 ASCII letters, digits,
/// `-` or `_`: guids end up in statuses, labels and rank digests.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid(String);

/// Longest guid that is believed, in characters.
const MAX_GUID: usize = 64;

impl Guid {
    /// The text as a guid, if it can be one.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=MAX_GUID).contains(&text.len());
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        (fits && plain).then(|| Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

macro_rules! numeric_id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, formatter)
            }
        }
    };
}

numeric_id! {
    /// The id by which `/api/Server` knows a server. Unlike its [`Guid`] it is good in one environment only.
    ServerId
}
numeric_id! {
    /// The id under which `/api/serverSettings` keeps the settings of the whole cluster: a server's
    /// `clusterServerId`.
    ClusterServerId
}
numeric_id! {
    /// The id by which the authority takes orders about a device.
    ComputerId
}
numeric_id! {
    /// The id of an organisation.
    OrganisationId
}
numeric_id! {
    /// The id of a destination.
    DestinationId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_a_guid_is_one() {
        assert_eq!(Guid::parse("600624193549107457").unwrap().as_str(), "600624193549107457");
        for text in ["", "a b", "7\n", "über", &"1".repeat(MAX_GUID + 1)] {
            assert_eq!(Guid::parse(text), None, "{text:?}");
        }
    }
}
