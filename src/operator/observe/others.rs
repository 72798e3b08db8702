//! What other objects say: orders, rival claims, and what other environments have proven.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use crate::api::{CodeUpgrade, CodeUpgradeOrder};
use crate::operator::clock::Clock;
use crate::operator::context::Context;
use crate::planner::Desired;
use crate::planner::observed::{Claimant, Claims, Proof, ProofFinding};
use crate::planner::order::Order;
use crate::translate;

/// Every object that has pinned an authority, this one as it was just read rather than as the store has it.
pub(super) fn claims(context: &Context, object: &CodeUpgrade) -> Claims {
    let uid = object.uid().unwrap_or_default();
    let stored = context.upgrades.state();
    let others = stored.iter().filter_map(|guarded| guarded.0.as_ref().ok());
    let others = others.filter(|other| other.uid().as_deref() != Some(&uid)).filter_map(claimant);
    let all = others.chain(claimant(object)).collect();
    Claims { uid, all }
}

/// What an object claims; `None` where it has pinned nothing.
fn claimant(object: &CodeUpgrade) -> Option<Claimant> {
    let memory = object.status.as_ref()?.memory.as_ref()?;
    Some(Claimant {
        object: format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any()),
        uid: object.uid()?,
        created_at: object.metadata.creation_timestamp.as_ref()?.0,
        guid: memory.authority_guid.clone()?,
        in_hop: memory.hop.is_some(),
        deleted: object.metadata.deletion_timestamp.is_some(),
    })
}

/// The orders that speak of the object and can be read, oldest first. The others are answered where orders are.
pub(super) fn orders(context: &Context, object: &CodeUpgrade, desired: &Desired) -> Vec<Order> {
    let mut orders: Vec<Order> = order_objects(context, object)
        .iter()
        .filter_map(|order| translate::order(&in_clock_time(context.clock(), order), desired).ok())
        .collect();
    orders.sort_by(|one, other| (one.given_at, &one.uid).cmp(&(other.given_at, &other.uid)));
    orders
}

/// The order objects that speak of an object and whose fate is open.
pub(in crate::operator) fn order_objects(context: &Context, object: &CodeUpgrade) -> Vec<CodeUpgradeOrder> {
    use crate::api::code_upgrade_order::OrderState;
    let (namespace, name) = (object.namespace(), object.name_any());
    let stored = context.orders.state();
    let readable = stored.iter().filter_map(|guarded| guarded.0.as_ref().ok());
    let about = readable.filter(|order| order.namespace() == namespace && order.spec.upgrade == name);
    let open =
        about.filter(|order| order.status.as_ref().is_none_or(|status| status.state == OrderState::Pending));
    open.cloned().collect()
}

/// The order as if it had been created by the operator's clock, which may run faster than the API server's: no answer to what was just
/// told seems to have been given before it.
pub(in crate::operator) fn in_clock_time(clock: &Clock, order: &CodeUpgradeOrder) -> CodeUpgradeOrder {
    let mut order = order.clone();
    if let Some(created) = &mut order.metadata.creation_timestamp {
        *created = Time(clock.of_metadata(created.0));
    }
    order
}

/// What the environments named by `provenIn` have completed.
pub(super) fn proofs(context: &Context, desired: &Desired) -> Vec<Proof> {
    if desired.proven_in.is_empty() {
        return Vec::new();
    }
    let stored = context.upgrades.state();
    let proof = |wanted: &crate::planner::desired::ProvenIn| {
        let found = stored.iter().find(|guarded| {
            guarded.namespace().as_deref() == Some(&wanted.namespace) && guarded.name_any() == wanted.name
        });
        let finding = match found.map(|guarded| &guarded.0) {
            None => ProofFinding::Unreadable("there is no such CodeUpgrade".to_owned()),
            Some(Err(error)) => ProofFinding::Unreadable(error.error.clone()),
            Some(Ok(object)) => ProofFinding::Read(translate::proof::proven(object.status.as_ref())),
        };
        Proof { namespace: wanted.namespace.clone(), name: wanted.name.clone(), finding }
    };
    desired.proven_in.iter().map(proof).collect()
}
