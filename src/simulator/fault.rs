//! What can go wrong with an authority's answers, to be switched on and off while the world runs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::catalog::Version;
use crate::fleet::Guid;

/// One way in which answers are wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// The connection is closed without an answer.
    RefuseConnection,
    /// There is no answer in any useful time.
    TimeOut,
    /// A page for browsers instead of data.
    Html,
    /// The answer ends in the middle.
    HalfAnswer,
    /// Fields have other types than they should.
    WrongTypes,
    /// The credentials are refused.
    Unauthorised,
    /// An internal error.
    ServerError,
    /// The authority says that it is at this version.
    Version(Version),
    /// Another authority answers.
    OtherAuthority(Guid),
    /// Each page of a list begins with the last row of the page before, and the last row of all is missing.
    ShiftedPages,
    /// No device is listed, as to an account that may see no organisation.
    NoDevices,
    /// This text as JSON, whatever was asked for.
    Body(String),
}

/// All faults that are switched on: one for every resource at most, or one for all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Faults {
    all: Option<Fault>,
    by_resource: BTreeMap<String, Fault>,
}

impl Faults {
    /// Switches a fault on, for one resource such as `Server`, or for all.
    pub fn set(&mut self, resource: Option<&str>, fault: Fault) {
        match resource {
            Some(resource) => {
                self.by_resource.insert(resource.to_lowercase(), fault);
            }
            None => self.all = Some(fault),
        }
    }

    /// Switches the fault of one resource off, or the one for all.
    pub fn clear(&mut self, resource: Option<&str>) {
        match resource {
            Some(resource) => {
                self.by_resource.remove(&resource.to_lowercase());
            }
            None => self.all = None,
        }
    }

    /// Switches every fault off.
    pub fn clear_all(&mut self) {
        *self = Self::default();
    }

    /// The fault of a resource: its own, or else the one for all.
    pub fn of(&self, resource: &str) -> Option<&Fault> {
        self.by_resource.get(&resource.to_lowercase()).or(self.all.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_has_its_own_fault_or_the_one_for_all() {
        let mut faults = Faults::default();
        faults.set(None, Fault::TimeOut);
        faults.set(Some("Server"), Fault::Html);
        assert_eq!(faults.of("server"), Some(&Fault::Html));
        assert_eq!(faults.of("Computer"), Some(&Fault::TimeOut));
        faults.clear(None);
        assert_eq!(faults.of("Computer"), None);
        faults.clear_all();
        assert_eq!(faults.of("server"), None);
    }
}
