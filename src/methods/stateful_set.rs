//! A server that is a `StatefulSet`. Its catch is the partition: pods below it keep their revision, whatever the
//! template says, even when they are deleted.

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::{Pod, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::{Value, json};

use super::fit::CHANGE_IT;
use super::kind::Kind;
use super::{catch, controller};
use crate::planner::observed::{Catch, Misfit, Revisions};

/// The strategy without which there is no partition.
const ROLLING_UPDATE: &str = "RollingUpdate";

impl Kind for StatefulSet {
    fn template(&self) -> Option<&PodTemplateSpec> {
        Some(&self.spec.as_ref()?.template)
    }

    fn selector(&self) -> Option<&LabelSelector> {
        Some(&self.spec.as_ref()?.selector)
    }

    fn is_own(&self, pod: &Pod) -> bool {
        controller(pod).is_some_and(|owner| Some(&owner.uid) == self.metadata.uid.as_ref())
    }

    fn catch(&self) -> Catch {
        let strategy = self.spec.as_ref().and_then(|spec| spec.update_strategy.as_ref());
        let rolling = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
        catch::of_partition(
            strategy_type(self),
            rolling.and_then(|rolling| rolling.partition),
            self.replicas(),
        )
    }

    fn catch_fields(catch: Catch) -> Value {
        json!({
            "updateStrategy": { "type": ROLLING_UPDATE, "rollingUpdate": { "partition": catch::partition(catch) } }
        })
    }

    fn revisions(&self) -> Revisions {
        let Some(status) = &self.status else { return Revisions::Unseen };
        let seen = status.observed_generation.unwrap_or(0) >= self.metadata.generation.unwrap_or(0);
        let is_one = status.current_revision.is_some() && status.current_revision == status.update_revision;
        match (seen, is_one) {
            (false, _) => Revisions::Unseen,
            (true, true) => Revisions::One,
            (true, false) => Revisions::Several,
        }
    }

    fn is_rolled(&self) -> bool {
        let Some(status) = &self.status else { return false };
        self.revisions() == Revisions::One
            && status.replicas == self.replicas()
            && status.ready_replicas.unwrap_or(0) == self.replicas()
    }

    const CATCH: &'static str = "spec.updateStrategy.rollingUpdate.partition";

    fn misfits(&self) -> Vec<Misfit> {
        match strategy_type(self) {
            ROLLING_UPDATE => Vec::new(),
            other => vec![Misfit::of_catch(
                format!(
                    "its updateStrategy is {other}; it must be {ROLLING_UPDATE}, whose partition holds it"
                ),
                CHANGE_IT,
            )],
        }
    }

    fn misfit_on(kubernetes: &str) -> Option<Misfit> {
        (!catch::partition_holds_on(kubernetes)).then(|| {
            Misfit::of_catch(
                format!("a partition does not hold on Kubernetes {kubernetes} (kubernetes/kubernetes#119685)"),
                "upgrade Kubernetes to 1.27.8, 1.28.4 or any later release, or run the server as a Deployment",
            )
        })
    }

    fn replicas(&self) -> i32 {
        self.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1)
    }
}

fn strategy_type(object: &StatefulSet) -> &str {
    let strategy = object.spec.as_ref().and_then(|spec| spec.update_strategy.as_ref());
    strategy.and_then(|strategy| strategy.type_.as_deref()).unwrap_or(ROLLING_UPDATE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stateful_set(yaml: &str) -> StatefulSet {
        serde_saphyr::from_str(yaml).unwrap()
    }

    #[test]
    fn the_partition_is_the_catch() {
        for (strategy, held) in [
            ("{type: RollingUpdate, rollingUpdate: {partition: 1}}", true),
            ("{type: RollingUpdate, rollingUpdate: {partition: 3}}", true),
            ("{type: RollingUpdate, rollingUpdate: {partition: 0}}", false),
            ("{type: RollingUpdate}", false),
            ("{rollingUpdate: {partition: 1}}", true),
            ("{type: OnDelete}", false),
        ] {
            let object = stateful_set(&format!(
                "spec: {{updateStrategy: {strategy}, selector: {{}}, template: {{}}}}"
            ));
            let expected = if held { Catch::Held } else { Catch::Open };
            assert_eq!(object.catch(), expected, "{strategy}");
            assert_eq!(object.misfits().is_empty(), !strategy.contains("OnDelete"), "{strategy}");
        }
    }

    #[test]
    fn it_is_rolled_when_its_one_pod_is_ready_at_the_newest_revision() {
        for (name, status, rolled) in [
            ("no status", "{replicas: 0}", false),
            (
                "done",
                "{replicas: 1, readyReplicas: 1, currentRevision: a, updateRevision: a, observedGeneration: 4}",
                true,
            ),
            (
                "held",
                "{replicas: 1, readyReplicas: 1, currentRevision: a, updateRevision: b, observedGeneration: 4}",
                false,
            ),
            (
                "not ready",
                "{replicas: 1, currentRevision: a, updateRevision: a, observedGeneration: 4}",
                false,
            ),
            (
                "not seen",
                "{replicas: 1, readyReplicas: 1, currentRevision: a, updateRevision: a, observedGeneration: 3}",
                false,
            ),
        ] {
            let object = stateful_set(&format!(
                "{{metadata: {{generation: 4}}, spec: {{replicas: 1, selector: {{}}, template: {{}}}}, status: {status}}}"
            ));
            assert_eq!(object.is_rolled(), rolled, "{name}");
        }
    }
}
