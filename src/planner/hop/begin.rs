//! The beginning of a hop: its own copy of everything that it needs, so that no later edit or loss can strand it.

use crate::planner::aim::Aim;
use crate::planner::draft::View;
use crate::planner::facts::Touched;
use crate::planner::gates::risks;
use crate::planner::memory::{Baseline, Hop, HopServer, ManualMeans, Means, ServerBaseline};

/// Begins the next hop: its copy of everything it needs goes to memory. `None` where an operand is missing, which
/// a gate has said before.
pub(in crate::planner) fn begin(view: &View<'_>) -> Option<(Hop, Baseline)> {
    let (from, to) = view.aim.between()?;
    let authority = view.situation.authority?;
    let adopted = matches!(view.aim, Aim::Adopt { .. });
    let mut servers = Vec::new();
    if adopted {
        let means = Means::Manual(ManualMeans { file: None });
        let known = HopServer::waiting(authority.guid.clone(), authority.name.clone(), authority.role, means);
        let now = Some(view.now);
        servers.push(HopServer { ordered_at: now, carried_out_at: now, verified_at: now, ..known });
    }
    for touched in view.touched() {
        let Touched { server, .. } = touched;
        let means = Means::of(view, &touched)?;
        servers.push(HopServer::waiting(server.guid.clone(), server.name.clone(), server.role, means));
    }
    if let Some(first) = servers.first_mut().filter(|_| !adopted) {
        first.ordered_at = Some(view.now);
    }
    let hop = Hop {
        from,
        to,
        started_at: view.now,
        adopted,
        approved_by: None,
        unseen_since: None,
        at_once: view.desired.storage_at_once,
        accepted_risks: risks::of_the_step(view).into_iter().collect(),
        servers,
    };
    let baseline = Baseline {
        release: to,
        finished_at: None,
        servers: view
            .situation
            .own()
            .map(|server| ServerBaseline {
                guid: server.guid.clone(),
                online_devices: server.online_devices,
                backup_sessions: server.backup_sessions,
            })
            .collect(),
        back_at: None,
    };
    Some((hop, baseline))
}
