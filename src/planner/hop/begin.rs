//! The beginning of a hop: its own copy of everything that it needs, so that no later edit or loss can strand it.

use crate::planner::draft::View;
use crate::planner::gates::risks;
use crate::planner::intent::Intent;
use crate::planner::memory::{Baseline, Hop, HopServer, ManualMeans, Means, ServerBaseline};

/// Begins the next hop: its copy of everything it needs goes to memory. `None` where an operand is missing, which
/// a gate has said before.
pub(in crate::planner) fn begin(view: &View<'_>) -> Option<(Hop, Baseline)> {
    let (from, to) = view.intent.between()?;
    let authority = view.situation.authority?;
    let adopted = matches!(view.intent, Intent::Adopt { .. });
    let mut servers = Vec::new();
    if adopted {
        servers.push(HopServer {
            guid: authority.guid.clone(),
            name: authority.name.clone(),
            role: authority.role,
            means: Means::Manual(ManualMeans {}),
            ordered_at: Some(view.now),
            verified_at: Some(view.now),
        });
    }
    for touched in view.touched() {
        servers.push(HopServer {
            guid: touched.server.guid.clone(),
            name: touched.server.name.clone(),
            role: touched.server.role,
            means: Means::of(view, &touched)?,
            ordered_at: None,
            verified_at: None,
        });
    }
    if let Some(first) = servers.first_mut().filter(|_| !adopted) {
        first.ordered_at = Some(view.now);
    }
    let hop = Hop {
        from,
        to,
        started_at: view.now,
        adopted,
        at_once: view.desired.storage_at_once,
        accepted_risks: risks::of(view).into_iter().collect(),
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
