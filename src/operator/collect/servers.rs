//! The servers of an environment out of its authority's answers.

use jiff::Timestamp;

use crate::catalog::Version;
use crate::code42::{ServerRecord, ServerSettings, ServerType, Switch as VendorSwitch};
use crate::fleet::{Guid, Server, ServerName, ServerRole, Streak};
use crate::observing::Failure;
use crate::planner::observed::{AccessFailure, SettingsFacts, Switch};

/// The servers as listed, each as if it was never seen before.
///
/// # Errors
/// The answers contradict each other: then nothing of them is used.
pub(super) fn servers(
    this: &ServerRecord,
    listed: &[ServerRecord],
    at: Timestamp,
) -> Result<Vec<Server>, Failure> {
    let unexpected = |message: String| Failure::new(AccessFailure::Unexpected, message);
    if this.server_type != ServerType::Authority {
        return Err(unexpected("the server at this url says that it is not the authority".to_owned()));
    }
    if !listed.iter().any(|server| server.guid == this.guid) {
        return Err(unexpected("the authority does not list itself".to_owned()));
    }
    listed.iter().map(|record| server(this, record, at)).collect()
}

fn server(this: &ServerRecord, record: &ServerRecord, at: Timestamp) -> Result<Server, Failure> {
    let version = record.version.as_deref().map(str::parse::<Version>).transpose().map_err(|_| {
        let message = format!("the version of server {} is not one", record.guid);
        Failure::new(AccessFailure::Unexpected, message)
    })?;
    let count = |count: Option<u64>| u32::try_from(count.unwrap_or(0)).unwrap_or(u32::MAX);
    Ok(Server {
        guid: Guid(record.guid.to_string()),
        name: ServerName(record.name.clone()),
        role: role(this, record),
        version,
        online: record.online,
        online_devices: count(record.online_computer_count),
        backup_sessions: count(record.backup_session_count),
        streak: Streak::begin(at),
    })
}

/// The authority is the one that answers. A provider runs what belongs to a provider's destination; everything else,
/// even of a type that nobody has seen, is own storage, so that no server is overlooked.
fn role(this: &ServerRecord, record: &ServerRecord) -> ServerRole {
    if record.guid == this.guid {
        return ServerRole::Authority;
    }
    match (&record.server_type, &record.provider_destination_name) {
        (ServerType::Storage | ServerType::Other(_), Some(_)) => ServerRole::Provider,
        (ServerType::Storage | ServerType::Other(_), None) | (ServerType::Authority, _) => {
            ServerRole::Storage
        }
    }
}

/// The settings as facts.
pub(super) fn settings(
    settings: &ServerSettings,
    utc_offset_seconds: Option<i32>,
    at: Timestamp,
) -> SettingsFacts {
    let daily = settings.daily_accounting_time.as_deref();
    SettingsFacts {
        read_at: at,
        device_auto_upgrade: switch(Some(settings.device_auto_upgrade)),
        server_auto_upgrade: switch(settings.auto_upgrade),
        daily_services: daily.and_then(|text| jiff::civil::Time::strptime("%H:%M", text).ok()),
        utc_offset_seconds,
    }
}

fn switch(switch: Option<VendorSwitch>) -> Switch {
    match switch {
        Some(VendorSwitch::On) => Switch::On,
        Some(VendorSwitch::Off) => Switch::Off,
        None => Switch::Unstated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code42;

    fn record(
        guid: &str,
        server_type: ServerType,
        version: Option<&str>,
        provider: Option<&str>,
    ) -> ServerRecord {
        ServerRecord {
            guid: code42::Guid::parse(guid).unwrap(),
            server_id: None,
            name: format!("server {guid}"),
            server_type,
            version: version.map(str::to_owned),
            online: true,
            out_of_date: None,
            cluster_server_id: None,
            destination_id: None,
            destination_name: None,
            provider_destination_name: provider.map(str::to_owned),
            primary_address: None,
            computer_count: None,
            online_computer_count: Some(7),
            backup_session_count: None,
        }
    }

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn no_server_is_overlooked() {
        let this = record("2", ServerType::Authority, Some("4.2.3.1"), None);
        let listed = [
            record("5", ServerType::Other("NODE".into()), None, None),
            record("4", ServerType::Storage, Some("4.2.3.1"), Some("Vendor cloud")),
            record("3", ServerType::Authority, Some("4.2.3.1"), None),
            this.clone(),
            record("1", ServerType::Storage, Some("4.2.3.1"), None),
        ];
        let roles: Vec<(String, ServerRole)> = servers(&this, &listed, second(0))
            .unwrap()
            .into_iter()
            .map(|server| (server.guid.0, server.role))
            .collect();
        let expected = [
            ("5", ServerRole::Storage),
            ("4", ServerRole::Provider),
            ("3", ServerRole::Storage),
            ("2", ServerRole::Authority),
            ("1", ServerRole::Storage),
        ];
        assert_eq!(roles, expected.map(|(guid, role)| (guid.to_owned(), role)));
    }

    #[test]
    fn answers_that_contradict_each_other_are_not_used() {
        let authority = record("1", ServerType::Authority, Some("4.2.3.1"), None);
        let storage = record("2", ServerType::Storage, Some("4.2.3.1"), None);
        let odd = record("3", ServerType::Storage, Some("4.2.3.1-beta"), None);
        for (name, this, listed) in [
            ("a storage server at the url", &storage, vec![authority.clone(), storage.clone()]),
            ("an authority that is not in its own list", &authority, vec![storage.clone()]),
            ("a version that is none", &authority, vec![authority.clone(), odd]),
        ] {
            let failure = servers(this, &listed, second(0)).unwrap_err();
            assert_eq!(failure.kind, AccessFailure::Unexpected, "{name}");
        }
    }
}
