//! The authority can be read with the given credentials.

use super::View;
use crate::planner::observed::{Access, AccessFailure};
use crate::planner::reason::Reason;
use crate::planner::report::Verdict;
use crate::planner::situation::FACTS_FRESH_FOR;

/// Unknown where the authority does not answer; refused where somebody must change something first. What fails when the devices
/// are listed is told after what fails when the servers are read.
pub fn check(view: &View<'_>) -> Verdict {
    match judge(&view.observed.access, "") {
        Verdict::Pass if is_blip(view) => Verdict::Pass,
        Verdict::Pass => judge(&view.observed.listing, "the devices cannot be listed: "),
        verdict => verdict,
    }
}

/// Whether a listing failed just now, as it does while an authority starts anew: the list that is known is good for a while.
fn is_blip(view: &View<'_>) -> bool {
    let Access::Failed { failure: AccessFailure::Unreachable | AccessFailure::Unexpected, since, .. } =
        &view.observed.listing
    else {
        return false;
    };
    view.observed.devices.is_some() && view.monotonic().duration_since(*since) < FACTS_FRESH_FOR
}

fn judge(access: &Access, what: &str) -> Verdict {
    let Access::Failed { failure, message, since } = access else { return Verdict::Pass };
    let message = format!("{what}{message}");
    let refuse = |reason, mend: &str| Verdict::refuse(reason, message.clone(), mend);
    match failure {
        AccessFailure::Unreachable => {
            Verdict::unknown(Reason::AuthorityUnreachable, message.clone(), Some(*since))
        }
        AccessFailure::Unexpected => {
            Verdict::unknown(Reason::AnswerUnexpected, message.clone(), Some(*since))
        }
        AccessFailure::TooMuch => refuse(
            Reason::ListTooLong,
            "remove what is not in use at the authority; of devices, or give the operator more memory and deviceRows",
        ),
        AccessFailure::SecretMissing => {
            refuse(Reason::SecretMissing, "create the Secret that spec.authority.credentials names")
        }
        AccessFailure::SecretIncomplete => {
            refuse(Reason::SecretIncomplete, "give the Secret the keys username and password")
        }
        AccessFailure::SecretForbidden => refuse(
            Reason::SecretForbidden,
            "let spec.serviceAccountName get this Secret, by a Role and a RoleBinding",
        ),
        AccessFailure::SecretForOtherHost => refuse(
            Reason::SecretForOtherHost,
            "set the Secret's annotation codeupgrade.dev/authority-url to spec.authority.url",
        ),
        AccessFailure::AccountNotUsable => refuse(
            Reason::AccountNotUsable,
            "create the ServiceAccount that spec.serviceAccountName names, with the label codeupgrade.dev/usable=true",
        ),
        AccessFailure::HostDenied => refuse(
            Reason::HostDenied,
            "use another host in spec.authority.url, or let the operator's --allow-host permit it",
        ),
        AccessFailure::CertificateAuthorityMissing => refuse(
            Reason::CertificateAuthorityMissing,
            "create the ConfigMap that spec.authority.ca names, with the key ca.crt in PEM",
        ),
        AccessFailure::Untrusted => refuse(
            Reason::AuthorityUntrusted,
            "name the authority's certificate authority in spec.authority.ca",
        ),
        AccessFailure::Refused => refuse(
            Reason::CredentialsRefused,
            "put a local administrator's username and password into the Secret",
        ),
        AccessFailure::Forbidden => refuse(
            Reason::CredentialsForbidden,
            "give that user a role that may read servers, settings and devices",
        ),
    }
}
