//! What would be decided for an environment that is only described: `codeupgrade plan` without a cluster.

use jiff::{SignedDuration, Timestamp};

use super::observation;
use super::scenario::Scenario;
use super::world::World;
use crate::api::{CodeRelease, CodeUpgrade};
use crate::catalog::merge::Layer;
use crate::fleet::GroupRule;
use crate::observing::{Failure, Known};
use crate::planner::observed::{
    Access, Catch, CatchBy, Observed, Revisions, Rights, Witnesses, WorkloadFacts, WorkloadReading,
    WorkloadRollout,
};
use crate::planner::{Decision, Desired, Memory, decide};
use crate::translate;

/// The decision on a described environment, as if it had been watched for a few minutes.
///
/// Workloads are taken to be there, at rest and permitted: what only a cluster knows is not foretold.
///
/// # Errors
/// Where the description cannot be played.
pub fn decide_now(
    upgrade: &CodeUpgrade,
    scenario: &Scenario,
    releases: Vec<(Layer, CodeRelease)>,
) -> Result<(Decision, Timestamp), String> {
    let desired = translate::desired::desired(upgrade);
    let (catalog, catalog_problems) = translate::catalog::catalog_from(releases);
    let mut world = World::new(scenario, catalog.clone()).map_err(|error| error.to_string())?;
    let mut memory = Memory::default();
    let mut known = Known::nothing();
    let mut last = None;
    // Three answers over two minutes verify the servers; the decision after that is the one people ask for.
    for minute in 0..=3 {
        let now = scenario
            .start
            .saturating_add(SignedDuration::from_mins(minute))
            .map_err(|error| error.to_string())?;
        world.advance_to(now);
        let failed = |failure: Failure| format!("the described authority does not answer: {failure}");
        let answer = observation::answer(&world, &known, now).map_err(failed)?;
        known.take(answer);
        // The description of an environment says nothing of the organisations in the spec: every device counts as one of the first
        // group.
        let release = memory.settled.as_ref().map(|settled| settled.release);
        let arrangement = desired.devices.arrangement(release);
        known.list(observation::devices(&world, &[GroupRule::all()], arrangement, now).map_err(failed)?);
        let mut observed = Observed::nothing(Witnesses::agreeing(now));
        observed.access = Access::Good;
        observed.authority.clone_from(&known.authority);
        observed.servers.clone_from(&known.servers);
        observed.settings = known.settings;
        observed.devices.clone_from(&known.devices);
        observed.workloads = assumed_workloads(&desired);
        observed.catalog_problems.clone_from(&catalog_problems);
        let decision = decide(&observed, &desired, &catalog, &memory, now);
        // Nothing is carried out: a hop that would begin is told and not remembered.
        if decision.memory.hop.is_none() {
            memory = decision.memory.clone();
        }
        last = Some((decision, now));
    }
    last.ok_or_else(|| "nothing was decided".to_owned())
}

fn assumed_workloads(
    desired: &Desired,
) -> std::collections::BTreeMap<crate::planner::desired::WorkloadRef, WorkloadReading> {
    desired
        .methods()
        .filter_map(crate::planner::desired::Method::workload)
        .map(|reference| {
            let facts = WorkloadFacts {
                uid: reference.name.clone(),
                container: "server".into(),
                template_image: "as it is".into(),
                running_image: Some("as it is".into()),
                replicas: 1,
                catch: Catch::Held,
                catch_by: CatchBy::Other,
                rollout: WorkloadRollout::Settled,
                revisions: Revisions::One,
                image_from: crate::planner::desired::ImageFrom::Operator,
                misfits: Vec::new(),
                rights: Rights::Granted,
            };
            (reference, WorkloadReading::Read(facts))
        })
        .collect()
}
