//! Whether jobs can be made from a `PodTemplate`: it is there, and the API server lets the acting account make one. That is tried for each
//! revision of the template once, as long as the answer is fresh.

use kube::ResourceExt;

use crate::methods::{hook, job, server_job};
use crate::operator::account::Acting;
use crate::operator::clock;
use crate::operator::environment::Environment;
use crate::planner::observed::{HookReading, Rights};

/// What jobs are made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A hook, or the backup.
    Hook,
    /// The upgrade of a server.
    Server,
}

/// What is asked of a template; of one that cannot be read, or of which no job can be made, why.
pub(super) async fn reading(
    environment: &Environment,
    acting: &Acting,
    name: &str,
    purpose: Purpose,
) -> HookReading {
    let namespace = &acting.account.namespace;
    let template = match job::template(&acting.client, namespace, name).await {
        Ok(template) => template,
        Err(error) => return HookReading::Unfit(error.to_string()),
    };
    let about = match purpose {
        Purpose::Hook => name.to_owned(),
        // Told apart from hooks of the same template: another job is made of it.
        Purpose::Server => format!("server {name}"),
    };
    let question = (acting.account.name.clone(), template.resource_version());
    let known = environment.hook_rights().get(&about, &question, clock::instant());
    let rights = if let Some(rights) = known {
        rights
    } else {
        let rights = match purpose {
            Purpose::Hook => hook::rights(&acting.client, namespace, &template).await,
            Purpose::Server => server_job::rights(&acting.client, namespace, &template).await,
        };
        environment.hook_rights().put(about, question, rights.clone(), clock::instant());
        rights
    };
    match rights {
        Rights::Granted => HookReading::Ready,
        Rights::Denied(why) => HookReading::Unfit(why),
        Rights::Rewritten { field, .. } => {
            HookReading::Unfit(format!("a webhook changes {field} of its job"))
        }
        Rights::Unchecked => HookReading::Unfit("no job can be made of its template".to_owned()),
    }
}
