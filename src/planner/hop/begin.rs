//! The beginning of a hop: its own copy of everything that it needs, so that no later edit or loss can strand it.

use crate::catalog::Version;
use crate::planner::aim::Aim;
use crate::planner::desired::Backup;
use crate::planner::draft::View;
use crate::planner::facts::Touched;
use crate::planner::gates::risks;
use crate::planner::memory::{Baseline, Hop, HopGrounds, HopServer, ManualMeans, Means, ServerBaseline};
use crate::planner::{backup_facts, words};

/// Of so many risks the reasons are kept: the object stays small.
const MOST_RISKS: usize = 4;

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
        grounds: grounds(view, to),
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

/// On what grounds the hop begins, but for the order that approves it.
fn grounds(view: &View<'_>, to: Version) -> HopGrounds {
    let made = || backup_facts::known(view.facts, view.memory).newest;
    let (backup_at, no_backup) = match &view.desired.backup {
        Backup::VolumeSnapshot { .. } | Backup::Hook { .. } => (made(), None),
        Backup::None { reason } => (None, Some(words::bounded(reason.clone()))),
        Backup::Unstated => (None, None),
    };
    let reason_of = |name: &String| view.desired.accepted_risks.get(&(to, name.clone()));
    let names = risks::of_the_step(view);
    let risks = names.iter().take(MOST_RISKS).filter_map(|name| {
        reason_of(name).map(|reason| format!("{name}: {}", words::bounded(reason.clone())))
    });
    HopGrounds { approved_by: None, backup_at, no_backup, risks: risks.collect() }
}
