//! What became of storage servers in mid-hop: one that died is let go once the spec retires it, and one that was installed
//! anew under its name takes its place.

use crate::fleet::{Guid, ServerRole};
use crate::planner::Desired;
use crate::planner::desired::StorageRole;
use crate::planner::facts::Facts;
use crate::planner::memory::{Hop, HopServer, Means};
use crate::planner::observed::Observed;

/// Follows lost and replaced storage servers, on fresh facts only.
pub(in crate::planner) fn follow(facts: &Facts<'_>, hop: &mut Hop) {
    let Facts { observed, desired, .. } = facts;
    let Some(listed) = observed.servers.as_ref().filter(|_| facts.situation.fresh) else { return };
    hop.servers.retain(|entry| {
        entry.role != ServerRole::Storage
            || entry.verified_at.is_some()
            || !is_retired(entry, observed, desired)
    });
    let known: Vec<Guid> = hop.servers.iter().map(|entry| entry.guid.clone()).collect();
    for entry in &mut hop.servers {
        if entry.role != ServerRole::Storage
            || entry.verified_at.is_some()
            || observed.server(&entry.guid).is_some()
        {
            continue;
        }
        let anew = listed.list.iter().find(|server| {
            server.role == ServerRole::Storage
                && server.name == entry.name
                && server.streak.verifies()
                && !known.contains(&server.guid)
        });
        if let Some(server) = anew {
            entry.guid = server.guid.clone();
            if let Means::Job(means) = &mut entry.means {
                means.server = entry.guid.clone();
            }
        }
    }
}

fn is_retired(entry: &HopServer, observed: &Observed, desired: &Desired) -> bool {
    let name = observed.server(&entry.guid).map_or(&entry.name, |server| &server.name);
    desired
        .storage_entry(&entry.guid, name)
        .is_some_and(|wanted| matches!(wanted.role, StorageRole::Retired(_)))
}
