//! Which hosts the operator may talk to on behalf of an object.
//!
//! A `CodeUpgrade` is written by a tenant, and its url makes the operator's own process open a connection. So what a
//! tenant could not reach is denied: loopback, link-local and other addresses where clouds keep their metadata, and the API
//! server. An operator flag permits what would be denied, and once it is used, it permits nothing else.
//!
//! What is judged is the address that is connected to: the client asks [`PlaceResolver`] before each connection, so that a name
//! which leads elsewhere by then is judged by where it leads. Where nothing is resolved, nothing is connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use futures::future::BoxFuture;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::code42::{NoAddress, Resolver};
use crate::fleet::glob;

/// What the operator's flags say about hosts.
#[derive(Clone, Debug, Default)]
pub struct HostRules {
    /// Globs over `host:port`; empty leaves everything open that is not denied anyway.
    allowed: Vec<String>,
    /// The host by which the operator itself reaches the API server, lower case.
    api_server: Option<String>,
}

/// A name that does not resolve by then leads nowhere for now.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);

/// The names by which pods know their API server.
const API_SERVER_NAMES: [&str; 4] =
    ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"];

/// Where clouds tell a machine its secrets, beside link-local: addresses of Amazon, Google, Oracle, Scaleway, Azure and Alibaba.
const METADATA: [IpAddr; 7] = [
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
];

/// Why a url may not be talked to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// It is not a url with a host.
    #[error("the url is not one with http or https, a host, and no credentials in it")]
    NotAUrl,
    /// The operator's flags name other hosts.
    #[error("{0} is none of the hosts that the operator allows")]
    NotListed(String),
    /// An address of the operator's own machine.
    #[error("{0} is a loopback address")]
    Loopback(String),
    /// Link-local.
    #[error("{0} is a link-local address")]
    LinkLocal(String),
    /// Where a cloud keeps its metadata.
    #[error("{0} is an address of a cloud's metadata")]
    Metadata(String),
    /// The API server.
    #[error("{0} is the API server")]
    ApiServer(String),
    /// Nobody knows its address, so that nobody can judge it.
    #[error("{0} does not resolve")]
    Unresolved(String),
}

/// Where a url points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Scheme, host and port as urls are compared: lower case, the port always there, no path.
    pub origin: String,
    /// The host, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Place {
    /// Reads a url.
    ///
    /// # Errors
    /// [`Denial::NotAUrl`]
    pub fn of(url: &str) -> Result<Self, Denial> {
        let url = Url::parse(url.trim()).map_err(|_| Denial::NotAUrl)?;
        let plain = url.username().is_empty() && url.password().is_none();
        if !plain || !matches!(url.scheme(), "http" | "https") {
            return Err(Denial::NotAUrl);
        }
        let host = url.host_str().ok_or(Denial::NotAUrl)?.trim_end_matches('.').to_ascii_lowercase();
        let port = url.port_or_known_default().ok_or(Denial::NotAUrl)?;
        let origin = format!("{}://{host}:{port}", url.scheme());
        Ok(Self { origin, host: host.trim_matches(['[', ']']).to_owned(), port })
    }
}

/// Whether two urls name the same authority: scheme, host, port and path, whatever their spelling.
pub fn same_authority(one: &str, other: &str) -> bool {
    let path = |url: &str| Url::parse(url.trim()).ok().map(|url| url.path().trim_end_matches('/').to_owned());
    match (Place::of(one), Place::of(other)) {
        (Ok(one_place), Ok(other_place)) => {
            one_place.origin == other_place.origin && path(one) == path(other)
        }
        _ => false,
    }
}

impl HostRules {
    /// The rules of an operator with these flags, whose API server is at this url.
    pub fn new(allowed: Vec<String>, api_server: &str) -> Self {
        Self { allowed, api_server: Place::of(api_server).ok().map(|place| place.host) }
    }

    /// Judges a place by its name. A name that passes may still lead to an address that does not.
    ///
    /// # Errors
    /// Why it is denied.
    pub fn check_name(&self, place: &Place) -> Result<(), Denial> {
        if self.is_permitted(place)? {
            return Ok(());
        }
        if API_SERVER_NAMES.contains(&place.host.as_str()) || self.api_server.as_ref() == Some(&place.host) {
            return Err(Denial::ApiServer(place.host.clone()));
        }
        if place.host == "localhost" || place.host.ends_with(".localhost") {
            return Err(Denial::Loopback(place.host.clone()));
        }
        place.host.parse().map_or(Ok(()), check_address)
    }

    /// Judges the addresses that a name leads to.
    ///
    /// # Errors
    /// Why it is denied: one bad address denies the name.
    pub fn check_addresses(
        &self,
        place: &Place,
        addresses: &[IpAddr],
        api_server: &[IpAddr],
    ) -> Result<(), Denial> {
        if self.is_permitted(place)? {
            return Ok(());
        }
        for address in addresses {
            if api_server.contains(address) {
                return Err(Denial::ApiServer(address.to_string()));
            }
            check_address(*address)?;
        }
        Ok(())
    }

    /// Resolves a place and judges it by name and by address. What could not be resolved could not be judged.
    ///
    /// # Errors
    /// Why it is denied.
    pub async fn addresses(&self, place: &Place) -> Result<Vec<SocketAddr>, Denial> {
        self.check_name(place)?;
        let found = resolve(&place.host, place.port).await?;
        if self.is_permitted(place)? {
            return Ok(found);
        }
        let api_server = match &self.api_server {
            Some(host) => resolve(host, place.port).await?,
            None => Vec::new(),
        };
        let ip = |addresses: &[SocketAddr]| addresses.iter().map(SocketAddr::ip).collect::<Vec<_>>();
        self.check_addresses(place, &ip(&found), &ip(&api_server))?;
        Ok(found)
    }

    /// Whether a flag names the place, so that no further rule counts.
    fn is_permitted(&self, place: &Place) -> Result<bool, Denial> {
        if self.allowed.is_empty() {
            return Ok(false);
        }
        let name = format!("{}:{}", place.host, place.port);
        if self.allowed.iter().any(|pattern| glob(&pattern.to_ascii_lowercase(), &name)) {
            return Ok(true);
        }
        Err(Denial::NotListed(name))
    }
}

/// At which addresses the client of one place finds it: those that the rules let through at that moment.
#[derive(Clone, Debug)]
pub struct PlaceResolver {
    rules: HostRules,
    place: Place,
}

impl PlaceResolver {
    /// The resolver of the client for a place.
    pub fn new(rules: HostRules, place: Place) -> Self {
        Self { rules, place }
    }
}

impl Resolver for PlaceResolver {
    fn resolve(&self, host: &str) -> BoxFuture<'static, Result<Vec<SocketAddr>, NoAddress>> {
        let Self { rules, place } = self.clone();
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        Box::pin(async move {
            if host != place.host {
                return Err(NoAddress::Denied(format!("{host} is not the authority's host")));
            }
            rules.addresses(&place).await.map_err(|denial| match denial {
                Denial::Unresolved(host) => NoAddress::Unknown(host),
                denied => NoAddress::Denied(denied.to_string()),
            })
        })
    }
}

/// The same for the client of several places.
#[derive(Clone, Debug)]
pub struct PlacesResolver {
    rules: HostRules,
    places: Vec<Place>,
}

impl PlacesResolver {
    /// The resolver of a client that connects to these places, and nowhere else.
    pub fn new(rules: HostRules, places: Vec<Place>) -> Self {
        Self { rules, places }
    }
}

impl Resolve for PlacesResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().trim_end_matches('.').to_ascii_lowercase();
        let place = self.places.iter().find(|place| place.host == host).cloned();
        let rules = self.rules.clone();
        Box::pin(async move {
            let addresses = rules.addresses(&place.ok_or(Denial::NotListed(host))?).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, Denial> {
    let found = tokio::time::timeout(RESOLVE_TIMEOUT, tokio::net::lookup_host((host, port))).await;
    let found: Vec<SocketAddr> = match found {
        Ok(Ok(found)) => found.collect(),
        Ok(Err(_)) | Err(_) => Vec::new(),
    };
    if found.is_empty() { Err(Denial::Unresolved(host.to_owned())) } else { Ok(found) }
}

/// The address of the older kind that one of the newer kind stands for on its way: mapped, compatible, translated or tunnelled.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [.., high, low] = address.segments();
    let at_the_end = Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match address.segments() {
        [0, 0, 0, 0, 0, 0, _, 0..=1] if high == 0 => None,
        [0, 0, 0, 0, 0, 0 | 0xffff, _, _] | [0x64, 0xff9b, 0, 0, 0, 0, _, _] => Some(at_the_end),
        [0x2002, high, low, ..] => Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))),
        _ => None,
    }
}

fn check_address(address: IpAddr) -> Result<(), Denial> {
    if let IpAddr::V6(newer) = address
        && let Some(older) = embedded(newer)
    {
        return check_address(IpAddr::V4(older));
    }
    if METADATA.contains(&address) {
        return Err(Denial::Metadata(address.to_string()));
    }
    let link_local = match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    if link_local {
        return Err(Denial::LinkLocal(address.to_string()));
    }
    // The unspecified address reaches the own machine too.
    if address.is_loopback() || address.is_unspecified() {
        return Err(Denial::Loopback(address.to_string()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const API_SERVER: &str = "https://10.96.0.1:443";

    fn check(allowed: &[&str], url: &str) -> Result<(), Denial> {
        let rules = HostRules::new(allowed.iter().map(|text| (*text).to_owned()).collect(), API_SERVER);
        rules.check_name(&Place::of(url)?)
    }

    #[test]
    fn what_a_tenant_could_not_reach_is_denied() {
        for (url, denial) in [
            ("http://127.0.0.1:4280", Denial::Loopback("127.0.0.1".into())),
            ("http://127.9.9.9:4280", Denial::Loopback("127.9.9.9".into())),
            ("http://2130706433:4280", Denial::Loopback("127.0.0.1".into())),
            ("http://[::1]:4280", Denial::Loopback("::1".into())),
            ("http://[::ffff:127.0.0.1]:4280", Denial::Loopback("127.0.0.1".into())),
            ("http://0.0.0.0", Denial::Loopback("0.0.0.0".into())),
            ("https://LocalHost:4285", Denial::Loopback("localhost".into())),
            ("http://169.254.169.254/latest", Denial::LinkLocal("169.254.169.254".into())),
            ("https://[fe80::1]:4285", Denial::LinkLocal("fe80::1".into())),
            ("http://[fe80::a9fe:a9fe]", Denial::LinkLocal("fe80::a9fe:a9fe".into())),
            ("http://[::ffff:169.254.169.254]", Denial::LinkLocal("169.254.169.254".into())),
            ("http://[::169.254.169.254]", Denial::LinkLocal("169.254.169.254".into())),
            ("http://[64:ff9b::169.254.169.254]", Denial::LinkLocal("169.254.169.254".into())),
            ("http://[2002:a9fe:a9fe::1]", Denial::LinkLocal("169.254.169.254".into())),
            ("http://[::]:4280", Denial::Loopback("::".into())),
            ("http://[fd00:ec2::254]/latest", Denial::Metadata("fd00:ec2::254".into())),
            ("http://[fd20:ce::254]", Denial::Metadata("fd20:ce::254".into())),
            ("http://168.63.129.16", Denial::Metadata("168.63.129.16".into())),
            ("https://10.96.0.1", Denial::ApiServer("10.96.0.1".into())),
            ("https://kubernetes.default.svc.", Denial::ApiServer("kubernetes.default.svc".into())),
            ("ftp://backup.example.com", Denial::NotAUrl),
            ("https://user:word@backup.example.com", Denial::NotAUrl),
            ("backup.example.com:4285", Denial::NotAUrl),
        ] {
            assert_eq!(check(&[], url), Err(denial), "{url}");
        }
        for url in [
            "https://backup.example.com:4285",
            "http://10.0.0.7:4280",
            "http://[fd00::7]:4280",
            "http://[64:ff9b::10.0.0.7]:4280",
            "https://code42-authority.code42.svc",
        ] {
            assert_eq!(check(&[], url), Ok(()), "{url}");
        }
    }

    #[test]
    fn a_flag_permits_what_it_names_and_nothing_else() {
        assert_eq!(check(&["127.0.0.1:*"], "http://127.0.0.1:4280"), Ok(()));
        assert_eq!(check(&["*.Example.com:4285"], "https://backup.example.com:4285"), Ok(()));
        for url in ["https://backup.example.com", "https://other.org:4285"] {
            assert!(matches!(check(&["*.example.com:4285"], url), Err(Denial::NotListed(_))), "{url}");
        }
    }

    #[test]
    fn a_harmless_name_with_a_harmful_address_is_denied() {
        let rules = HostRules::new(Vec::new(), API_SERVER);
        let place = Place::of("https://backup.example.com:4285").unwrap();
        let check = |addresses: &[&str]| {
            let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
            rules.check_addresses(&place, &addresses, &["10.0.0.1".parse().unwrap()])
        };
        assert_eq!(check(&["10.0.0.2", "203.0.113.7"]), Ok(()));
        assert!(matches!(check(&["203.0.113.7", "127.0.0.1"]), Err(Denial::Loopback(_))));
        assert!(matches!(check(&["169.254.169.254"]), Err(Denial::LinkLocal(_))));
        assert!(matches!(check(&["10.0.0.1"]), Err(Denial::ApiServer(_))));
    }

    /// A name that is harmless when it is judged and leads elsewhere when it is connected to: the address that counts is the last.
    #[tokio::test]
    async fn what_is_connected_to_is_judged_at_that_moment() {
        let resolver = |allowed: &[&str], url: &str| {
            let allowed = allowed.iter().map(|text| (*text).to_owned()).collect();
            PlaceResolver::new(HostRules::new(allowed, API_SERVER), Place::of(url).unwrap())
        };
        // Judged by its name it would pass: whoever names a loopback address so has it in a file of hosts, or in a zone.
        let named =
            Place { host: "localhost".into(), ..Place::of("http://backup.example.com:4280").unwrap() };
        let rules = HostRules::new(Vec::new(), API_SERVER);
        let found = [IpAddr::V4(Ipv4Addr::LOCALHOST)];
        assert!(matches!(rules.check_addresses(&named, &found, &[]), Err(Denial::Loopback(_))));
        let allowed =
            resolver(&["localhost:4280"], "http://localhost:4280").resolve("LOCALHOST.").await.unwrap();
        assert!(allowed.iter().all(|address| address.ip().is_loopback() && address.port() == 4280));
        let denied = resolver(&[], "http://localhost:4280").resolve("localhost").await;
        assert_eq!(denied, Err(NoAddress::Denied("localhost is a loopback address".into())));
        let elsewhere = resolver(&["*"], "http://localhost:4280").resolve("other.example").await;
        assert_eq!(elsewhere, Err(NoAddress::Denied("other.example is not the authority's host".into())));
        let nowhere = resolver(&["*"], "http://nowhere.invalid:4280").resolve("nowhere.invalid").await;
        assert_eq!(nowhere, Err(NoAddress::Unknown("nowhere.invalid".into())));
    }

    #[test]
    fn urls_are_compared_by_what_they_mean() {
        for (one, other, same) in [
            ("https://backup.example.com:4285", "https://Backup.Example.com:4285/", true),
            ("https://backup.example.com", "https://backup.example.com:443", true),
            ("https://backup.example.com:4285", "http://backup.example.com:4285", false),
            ("https://backup.example.com:4285", "https://backup.example.com:4286", false),
            ("https://backup.example.com:4285/a", "https://backup.example.com:4285/b", false),
            ("https://backup.example.com.evil.org:4285", "https://backup.example.com:4285", false),
            ("nonsense", "nonsense", false),
        ] {
            assert_eq!(same_authority(one, other), same, "{one} and {other}");
        }
    }
}
