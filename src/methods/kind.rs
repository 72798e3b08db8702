//! What the kinds of workload have in common that can run a server.

use std::fmt::Debug;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{Pod, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::Resource;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::planner::observed::{Catch, Misfit, Revisions};

/// A kind of workload that can run a server.
pub(crate) trait Kind:
    Resource<Scope = NamespaceResourceScope, DynamicType = ()>
    + Clone
    + Debug
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
    /// The pod template.
    fn template(&self) -> Option<&PodTemplateSpec>;
    /// Which pods are its own.
    fn selector(&self) -> Option<&LabelSelector>;
    /// Whether its controller made a pod.
    fn is_own(&self, pod: &Pod) -> bool;
    /// Whether its catch holds.
    fn catch(&self) -> Catch;
    /// The `spec` fields that bring its catch into a position.
    fn catch_fields(catch: Catch) -> Value;
    /// Whether every pod runs the template and is ready, by its own status.
    fn is_rolled(&self) -> bool;
    /// Whether what runs, or is being started, is of the template, by its own status.
    fn revisions(&self) -> Revisions;
    /// Reasons why this operator cannot upgrade it, beyond those that all kinds share.
    fn misfits(&self) -> Vec<Misfit>;
    /// The reason why its catch does not hold on a version of Kubernetes.
    fn misfit_on(kubernetes: &str) -> Option<Misfit>;
    /// The field that is its catch, as a path from the object down.
    const CATCH: &'static str;
    /// Wanted pods.
    fn replicas(&self) -> i32;
}
