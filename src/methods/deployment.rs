//! A server that is a `Deployment`. Its catch is the pause: a paused one replaces pods, and never by another template.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Pod, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::{Value, json};

use super::fit::CHANGE_IT;
use super::kind::Kind;
use super::{catch, controller};
use crate::planner::observed::{Catch, Misfit, Revisions};

/// The strategy under which never two pods of it run at once.
const RECREATE: &str = "Recreate";

impl Kind for Deployment {
    fn template(&self) -> Option<&PodTemplateSpec> {
        Some(&self.spec.as_ref()?.template)
    }

    fn selector(&self) -> Option<&LabelSelector> {
        Some(&self.spec.as_ref()?.selector)
    }

    /// By way of its replica set, which bears its name and the hash of the template.
    fn is_own(&self, pod: &Pod) -> bool {
        let hash = pod.metadata.labels.as_ref().and_then(|labels| labels.get("pod-template-hash"));
        let (Some(owner), Some(hash), Some(name)) = (controller(pod), hash, &self.metadata.name) else {
            return false;
        };
        owner.kind == "ReplicaSet" && owner.name == format!("{name}-{hash}")
    }

    fn catch(&self) -> Catch {
        catch::of_pause(self.spec.as_ref().and_then(|spec| spec.paused).unwrap_or(false))
    }

    fn catch_fields(catch: Catch) -> Value {
        json!({ "paused": catch::paused(catch) })
    }

    /// A paused deployment that has removed the pod of one revision and not made that of the next has no pod at all.
    fn revisions(&self) -> Revisions {
        let Some(status) = &self.status else { return Revisions::Unseen };
        let seen = status.observed_generation.unwrap_or(0) >= self.metadata.generation.unwrap_or(0);
        let wanted = Some(self.replicas());
        let is_one = status.updated_replicas == wanted && status.replicas == wanted;
        match (seen, is_one) {
            (false, _) => Revisions::Unseen,
            (true, true) => Revisions::One,
            (true, false) => Revisions::Several,
        }
    }

    fn is_rolled(&self) -> bool {
        let ready = self.status.as_ref().and_then(|status| status.ready_replicas);
        self.revisions() == Revisions::One && ready == Some(self.replicas())
    }

    const CATCH: &'static str = "spec.paused";

    fn misfits(&self) -> Vec<Misfit> {
        let strategy = self.spec.as_ref().and_then(|spec| spec.strategy.as_ref());
        match strategy.and_then(|strategy| strategy.type_.as_deref()).unwrap_or("RollingUpdate") {
            RECREATE => Vec::new(),
            other => vec![Misfit::of_upgrade(
                format!(
                    "its strategy is {other}; it must be {RECREATE}, or two servers would run on one database"
                ),
                CHANGE_IT,
            )],
        }
    }

    fn misfit_on(_: &str) -> Option<Misfit> {
        None
    }

    fn replicas(&self) -> i32 {
        self.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(yaml: &str) -> Deployment {
        serde_saphyr::from_str(yaml).unwrap()
    }

    #[test]
    fn the_pause_is_the_catch_and_recreate_is_demanded() {
        for (spec, catch, fits) in [
            ("paused: true, strategy: {type: Recreate}", Catch::Held, true),
            ("paused: false, strategy: {type: Recreate}", Catch::Open, true),
            ("strategy: {type: RollingUpdate}", Catch::Open, false),
            ("paused: true", Catch::Held, false),
        ] {
            let object = deployment(&format!("spec: {{{spec}, selector: {{}}, template: {{}}}}"));
            assert_eq!((object.catch(), object.misfits().is_empty()), (catch, fits), "{spec}");
        }
    }

    #[test]
    fn it_is_rolled_when_its_one_pod_is_ready_and_of_the_template() {
        for (name, status, rolled) in [
            ("no status", "{}", false),
            ("done", "{replicas: 1, updatedReplicas: 1, readyReplicas: 1, observedGeneration: 2}", true),
            ("held", "{replicas: 1, readyReplicas: 1, observedGeneration: 2}", false),
            ("not ready", "{replicas: 1, updatedReplicas: 1, observedGeneration: 2}", false),
            ("not seen", "{replicas: 1, updatedReplicas: 1, readyReplicas: 1, observedGeneration: 1}", false),
        ] {
            let object = deployment(&format!(
                "{{metadata: {{generation: 2}}, spec: {{replicas: 1, selector: {{}}, template: {{}}}}, status: {status}}}"
            ));
            assert_eq!(object.is_rolled(), rolled, "{name}");
        }
    }
}
