//! The table of servers.

use crate::fleet::{Server, ServerRole, Verification};
use crate::planner::draft::View;
use crate::planner::findings::Findings;
use crate::planner::report::{ServerReport, ServerState};

/// Every listed server: the authority, own storage by name, retired storage, provider destinations.
pub(super) fn all(view: &View<'_>, findings: &Findings) -> Vec<ServerReport> {
    let situation = &view.situation;
    let own = situation.own().map(|server| (server, state(view, findings, server)));
    let retired = situation.retired.iter().map(|server| (*server, ServerState::Retired));
    let providers = situation.providers.iter().map(|server| (*server, ServerState::Provider));
    own.chain(retired).chain(providers).map(|(server, state)| report(findings, server, state)).collect()
}

fn report(findings: &Findings, server: &Server, state: ServerState) -> ServerReport {
    let progress =
        findings.hop.iter().flat_map(|hop| &hop.servers).find(|progress| progress.guid == server.guid);
    ServerReport {
        guid: server.guid.clone(),
        name: server.name.clone(),
        role: server.role,
        version: server.version,
        online: server.online,
        state,
        since: progress.and_then(|progress| progress.since).or(Some(server.streak.first)),
    }
}

fn state(view: &View<'_>, findings: &Findings, server: &Server) -> ServerState {
    let in_hop =
        findings.hop.iter().flat_map(|hop| &hop.servers).find(|progress| progress.guid == server.guid);
    if let Some(progress) = in_hop {
        return progress.state;
    }
    if !server.online {
        return ServerState::Offline;
    }
    let wanted = view.desired.target.or(view.situation.at());
    let above_authority = server.role == ServerRole::Storage
        && view.situation.at().is_some_and(|at| matches!(server.verification(at), Verification::Above(_)));
    match (above_authority, wanted.map(|wanted| server.verification(wanted))) {
        (true, _) => ServerState::Ahead,
        (false, Some(Verification::Below(_))) => ServerState::Pending,
        (false, Some(Verification::Verified | Verification::Above(_))) => ServerState::Current,
        (false, Some(Verification::Verifying | Verification::Unsure) | None) => ServerState::Verifying,
    }
}
