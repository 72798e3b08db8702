//! The servers of a spec.

use crate::api::code_upgrade::server::{Manual, ServerOs};
use crate::api::code_upgrade::{AuthoritySpec, StorageSpec};
use crate::catalog::Os;
use crate::fleet::Guid;
use crate::planner::desired::{
    Appliance, ImageFrom, Method, StorageRole, WantedAuthority, WantedStorage, Workload,
};
use crate::translate::reading::Reading;

/// What an entry says of how its server is upgraded: the same fields for the authority and for storage.
struct Means<'a> {
    stateful_set: Option<&'a String>,
    deployment: Option<&'a String>,
    job: Option<&'a String>,
    manual: Option<Manual>,
    container: Option<&'a String>,
    image_from: Option<ImageFrom>,
    os: Option<ServerOs>,
}

impl Means<'_> {
    /// Whether the entry has any method.
    fn is_given(&self) -> bool {
        self.stateful_set.is_some()
            || self.deployment.is_some()
            || self.job.is_some()
            || self.manual.is_some()
    }
}

/// The authority.
pub(super) fn authority(reading: &mut Reading, spec: &AuthoritySpec) -> WantedAuthority {
    // Without `..`, so that a new field cannot be forgotten here. The client reads the url and the credentials.
    let AuthoritySpec {
        guid,
        url: _,
        credentials: _,
        ca: _,
        os,
        managed_appliance,
        stateful_set,
        deployment,
        job,
        manual,
        container,
        image_from,
    } = spec;
    let means = Means {
        stateful_set: stateful_set.as_ref(),
        deployment: deployment.as_ref(),
        job: job.as_ref(),
        manual: *manual,
        container: container.as_ref(),
        image_from: *image_from,
        os: *os,
    };
    WantedAuthority {
        guid: guid.clone().map(Guid),
        method: method(reading, "spec.authority", &means),
        appliance: match managed_appliance {
            Some(true) => Appliance::Managed,
            Some(false) => Appliance::SelfManaged,
            None => Appliance::Unstated,
        },
    }
}

/// The storage servers.
pub(super) fn storage(reading: &mut Reading, specs: &[StorageSpec]) -> Vec<WantedStorage> {
    reading.unique("spec.storage", ".name", specs.iter().map(|entry| &entry.name));
    let specs = specs.iter().enumerate();
    specs
        .filter_map(|(index, entry)| storage_entry(reading, &format!("spec.storage[{index}]"), entry))
        .collect()
}

fn storage_entry(reading: &mut Reading, field: &str, entry: &StorageSpec) -> Option<WantedStorage> {
    let StorageSpec { name, guid, os, stateful_set, deployment, job, manual, retired, container, image_from } =
        entry;
    let means = Means {
        stateful_set: stateful_set.as_ref(),
        deployment: deployment.as_ref(),
        job: job.as_ref(),
        manual: *manual,
        container: container.as_ref(),
        image_from: *image_from,
        os: *os,
    };
    let role = match (method(reading, field, &means), retired) {
        (None, Some(reason)) => StorageRole::Retired(reason.clone()),
        (Some(method), None) => StorageRole::Upgraded(method),
        (Some(_), Some(_)) => {
            reading.note(field, "the server is retired and has a method", "keep retired or the method");
            return None;
        }
        // Told already, at the field that is wrong.
        (None, None) if means.is_given() => return None,
        (None, None) => {
            const MEND: &str =
                "write one of statefulSet, deployment, job, manual: {} or retired: \"<reason>\"";
            reading.note(field, "the server has no method", MEND);
            return None;
        }
    };
    let is_one = matches!(role, StorageRole::Upgraded(Method::StatefulSet(_) | Method::Deployment(_)))
        || guid.is_some();
    if is_one && name.contains('*') {
        let mend = "write the server's name without *";
        reading.note(format!("{field}.name"), "a workload or a guid means one server, a glob many", mend);
    }
    Some(WantedStorage { name: name.clone(), guid: guid.clone().map(Guid), role })
}

fn method(reading: &mut Reading, field: &str, means: &Means<'_>) -> Option<Method> {
    let workload = |name: &String| Workload {
        name: name.clone(),
        container: means.container.cloned(),
        image_from: means.image_from,
    };
    let given = [
        means.stateful_set.map(|name| Given::Workload(Method::StatefulSet(workload(name)))),
        means.deployment.map(|name| Given::Workload(Method::Deployment(workload(name)))),
        means.job.map(Given::Job),
        means.manual.map(|Manual {}| Given::Manual),
    ];
    let mut given = given.into_iter().flatten();
    let (method, other) = (given.next()?, given.next());
    if other.is_some() {
        let mend = "keep one of statefulSet, deployment, job and manual";
        reading.note(field, "the server has more than one method", mend);
        return None;
    }
    if let Given::Workload(method) = method {
        return Some(method);
    }
    let Some(os) = means.os.map(server_os) else {
        let mend = "write os: Linux, Windows or Mac";
        reading.note(format!("{field}.os"), "the upgrade file depends on the server's os", mend);
        return None;
    };
    match method {
        Given::Workload(method) => Some(method),
        Given::Job(template) => Some(Method::Job { template: template.clone(), os }),
        Given::Manual => Some(Method::Manual { os }),
    }
}

/// A method as it is written; those that use a file need the operating system beside.
enum Given<'a> {
    Workload(Method),
    Job(&'a String),
    Manual,
}

pub(super) fn server_os(os: ServerOs) -> Os {
    match os {
        ServerOs::Linux => Os::Linux,
        ServerOs::Windows => Os::Windows,
        ServerOs::Mac => Os::Mac,
    }
}
