//! The `CodeUpgrade` of a story: the spec as people edit it, the orders they give, the memory that the status keeps.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{images, mirrors};
use crate::api::code_upgrade_order::OrderState;
use crate::api::{CodeUpgrade, CodeUpgradeOrder, CodeUpgradeOrderStatus};
use crate::catalog::{Catalog, Version};
use crate::planner::order::Order;
use crate::planner::{Desired, Memory};
use crate::translate;

/// The object of a story.
#[derive(Clone, Debug)]
pub(super) struct Object {
    spec: Value,
    generation: i64,
    pub(super) deleted_at: Option<Timestamp>,
    /// What above the spec pauses.
    paused: Option<String>,
    pub(super) memory: Memory,
    orders: Vec<CodeUpgradeOrder>,
    edited: bool,
    /// The wanted state, until something is edited.
    read: Option<Arc<Desired>>,
}

impl Object {
    /// An object that only observes: every server a `StatefulSet` of its own name, an image for every release.
    pub(super) fn new(authority: &str, storage: &[String], catalog: &Catalog) -> Self {
        let server = |name: &str| json!({"name": name, "statefulSet": name, "imageFrom": "Operator"});
        let sources: Vec<Value> = catalog.releases().map(|release| source(release.version)).collect();
        let spec = json!({
            "authority": {
                "url": "https://code42.example:4285",
                "credentials": "code42-api",
                "statefulSet": authority,
                "imageFrom": "Operator",
            },
            "storage": storage.iter().map(|name| server(name)).collect::<Vec<_>>(),
            "sources": sources,
            "backup": {"none": "a story"},
            "devices": {"upgrade": "Bundled", "waves": ["100%"]},
        });
        Self {
            spec,
            generation: 1,
            deleted_at: None,
            paused: None,
            memory: Memory::default(),
            orders: Vec::new(),
            edited: false,
            read: None,
        }
    }

    /// The wanted state, by the same translation as in a cluster.
    ///
    /// # Errors
    /// Where the story's spec does not even have the shape of one.
    pub(super) fn desired(&mut self) -> Result<Arc<Desired>, String> {
        if let Some(read) = &self.read {
            return Ok(Arc::clone(read));
        }
        if std::mem::take(&mut self.edited) {
            self.generation += 1;
        }
        let mut metadata = json!({"name": "story", "namespace": "stories", "generation": self.generation});
        if self.deleted_at.is_some() {
            metadata["deletionTimestamp"] = json!(Timestamp::UNIX_EPOCH);
        }
        let object = json!({"metadata": metadata, "spec": self.spec});
        let object: CodeUpgrade = serde_json::from_value(object).map_err(|error| error.to_string())?;
        let mut desired = translate::desired::desired(&object);
        if let Some(what) = &self.paused {
            desired.paused = Some(what.clone());
        }
        Ok(Arc::clone(self.read.insert(Arc::new(desired))))
    }

    /// The generation of the spec as it was read last.
    pub(super) fn generation(&self) -> i64 {
        self.generation
    }

    /// The status is written: what is remembered, and what became of orders.
    pub(super) fn write(&mut self, memory: Memory, desired: &Desired, now: Timestamp) {
        for order in &mut self.orders {
            order.status = Some(translate::order_status(order, desired, &memory, now));
        }
        self.memory = memory;
    }

    /// Somebody gives an order; the fields of its spec beside `upgrade`.
    pub(super) fn give(&mut self, mut spec: Value, now: Timestamp) -> Result<(), String> {
        let number = self.orders.len() + 1;
        spec["upgrade"] = "story".into();
        let metadata = json!({
            "name": format!("order-{number}"),
            "uid": format!("order-{number:04}"),
            "creationTimestamp": now,
        });
        let order = serde_json::from_value(json!({"metadata": metadata, "spec": spec}));
        self.orders.push(order.map_err(|error| error.to_string())?);
        Ok(())
    }

    /// The orders whose fate is open and that can be read, oldest first.
    pub(super) fn open_orders(&self, desired: &Desired) -> Vec<Order> {
        let is_open = |order: &&CodeUpgradeOrder| {
            order.status.as_ref().is_none_or(|status| status.state == OrderState::Pending)
        };
        self.orders.iter().filter(is_open).filter_map(|order| translate::order(order, desired).ok()).collect()
    }

    /// What became of the order with this number, from 1.
    pub(super) fn order_status(&self, number: usize) -> Option<&CodeUpgradeOrderStatus> {
        self.orders.get(number.checked_sub(1)?)?.status.as_ref()
    }

    /// Somebody deletes it.
    pub(super) fn delete(&mut self, now: Timestamp) {
        self.deleted_at = Some(now);
        self.read = None;
    }

    /// It is created anew: nothing is remembered, and orders are gone with it.
    pub(super) fn recreate(&mut self) {
        self.memory = Memory::default();
        self.orders.clear();
    }

    /// Something above the spec pauses, or pauses no longer.
    pub(super) fn pause(&mut self, what: Option<String>) {
        self.paused = what;
        self.read = None;
    }

    pub(super) fn want(&mut self, version: Option<&str>) {
        match version {
            Some(version) => self.set("version", Value::from(version)),
            None => self.unset("version"),
        }
    }

    /// Sets a field. A segment of the path names a field, or the element of a list with this name or index.
    pub(super) fn set(&mut self, path: &str, value: Value) {
        self.edited = true;
        self.read = None;
        let mut at = &mut self.spec;
        for segment in path.split('.') {
            at = step_into(at, segment);
        }
        *at = value;
    }

    pub(super) fn unset(&mut self, path: &str) {
        self.edited = true;
        self.read = None;
        let (parent, last) = path.rsplit_once('.').unwrap_or(("", path));
        let mut at = &mut self.spec;
        for segment in parent.split('.').filter(|segment| !segment.is_empty()) {
            at = step_into(at, segment);
        }
        match at {
            Value::Object(fields) => {
                fields.remove(last);
            }
            Value::Array(items) => items.retain(|item| item.get("name") != Some(&Value::from(last))),
            _ => {}
        }
    }

    /// A source for a release that the story itself describes.
    pub(super) fn add_source(&mut self, version: Version) {
        self.read = None;
        if let Some(Value::Array(items)) = self.spec.get_mut("sources") {
            let release = Value::from(version.to_string());
            if !items.iter().any(|item| item.get("release") == Some(&release)) {
                items.push(source(version));
            }
        }
    }
}

/// An image, and a file for Linux.
fn source(version: Version) -> Value {
    let url = format!("https://mirror.example/{version}/linux.upgrade");
    let file = json!({"os": "Linux", "md5": mirrors::md5_of(&url), "url": url});
    json!({"release": version.to_string(), "image": images::name(version), "artifacts": [file]})
}

fn step_into<'a>(value: &'a mut Value, segment: &str) -> &'a mut Value {
    if let Value::Array(items) = value {
        let named = items.iter().position(|item| item.get("name") == Some(&Value::from(segment)));
        let index = named.or_else(|| segment.parse().ok()).unwrap_or(items.len());
        while items.len() <= index {
            items.push(json!({}));
        }
        return &mut items[index];
    }
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(fields) => fields.entry(segment).or_insert(Value::Null),
        other => other,
    }
}
