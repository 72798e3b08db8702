//! A `CodeUpgradeOrder` becomes an order of the planner, or a sentence that says why it cannot.

use jiff::{SignedDuration, Timestamp};

use crate::api::code_upgrade_order::{
    CodeUpgradeOrder, CodeUpgradeOrderSpec, CodeUpgradeOrderStatus, OrderAction, OrderState,
};
use crate::api::duration;
use crate::catalog::Version;
use crate::fleet::instants;
use crate::planner::order::{Action, Order, PauseReach, Subject};
use crate::planner::window;
use crate::planner::{Desired, Memory};

/// How long an order may wait for its moment where it does not say. One that nobody remembers must not act months later.
pub const EXPIRES_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// The order that an object gives. Where it does not say for how long it is meant, what is wanted tells when its moment comes.
///
/// # Errors
/// A sentence that says why it cannot be followed and what to write instead.
pub fn order(object: &CodeUpgradeOrder, desired: &Desired) -> Result<Order, String> {
    // Without `..`, so that a new field cannot be forgotten here.
    let CodeUpgradeOrderSpec { upgrade: _, action, r#for, reason, by, expires_after, now } = &object.spec;
    let subject = r#for.as_deref().map(subject).transpose()?;
    let given_at = object.metadata.creation_timestamp.as_ref().map(|time| time.0);
    let (Some(name), Some(uid), Some(given_at)) = (&object.metadata.name, &object.metadata.uid, given_at)
    else {
        return Err(
            "the order was not created on an API server: it has no name, uid or creation time".to_owned()
        );
    };
    let action = act(*action, subject, *now)?;
    let after = |life: SignedDuration| instants::after(given_at, life);
    let expires_at = match expires_after {
        Some(text) => after(duration::parse(text).map_err(|error| format!("spec.expiresAfter: {error}"))?),
        None => after(EXPIRES_AFTER).max(moment_is_over(&action, desired, given_at).unwrap_or(given_at)),
    };
    Ok(Order {
        name: name.clone(),
        uid: uid.clone(),
        given_at,
        expires_at: Some(expires_at),
        action,
        by: by.clone(),
        reason: reason.clone().unwrap_or_default(),
    })
}

/// When the window closes that an approval is for: the one that was open when it was given, or the next. Whoever approves when
/// they are asked, days before it, has approved that one and no later one.
fn moment_is_over(action: &Action, desired: &Desired, given_at: Timestamp) -> Option<Timestamp> {
    let windows = match action {
        Action::Approve(Subject::Hop { .. }) => &desired.server_windows,
        Action::Approve(Subject::Devices { .. }) => &desired.device_windows,
        Action::Approve(Subject::Group(_) | Subject::Server(_) | Subject::Anything)
        | Action::Pause(_)
        | Action::Resume
        | Action::Retry(_)
        | Action::Adopt
        | Action::Abandon => return None,
    };
    window::closes_next(windows, &desired.freezes, given_at)
}

fn act(action: OrderAction, subject: Option<Subject>, now: bool) -> Result<Action, String> {
    if now && action != OrderAction::Pause {
        return Err("now has a meaning only with Pause: remove it".to_owned());
    }
    let without_subject = |meant: Action| match &subject {
        None => Ok(meant),
        Some(_) => Err(format!("for has no meaning with {}: remove it", action.name())),
    };
    match action {
        OrderAction::Approve => match subject {
            Some(subject) => Ok(Action::Approve(subject)),
            None => Err(format!("an approval needs for: write {FORMS}")),
        },
        OrderAction::Retry => Ok(Action::Retry(subject.unwrap_or(Subject::Anything))),
        OrderAction::Pause => {
            without_subject(Action::Pause(if now { PauseReach::Now } else { PauseReach::NextHop }))
        }
        OrderAction::Resume => without_subject(Action::Resume),
        OrderAction::Adopt => without_subject(Action::Adopt),
        OrderAction::Abandon => without_subject(Action::Abandon),
    }
}

const FORMS: &str = "\"4.2.3.1->4.3.5.3 servers\", \"4.3.5.3 devices\", \"group NAME\" or \"server NAME\"";

/// Reads what an order is for.
///
/// # Errors
/// A sentence that says what to write instead.
pub fn subject(text: &str) -> Result<Subject, String> {
    let text = text.trim();
    let version = |part: &str| part.trim().parse::<Version>().map_err(|error| format!("spec.for: {error}"));
    if let Some(name) = text.strip_prefix("group ").map(str::trim).filter(|name| !name.is_empty()) {
        return Ok(Subject::Group(name.to_owned()));
    }
    if let Some(name) = text.strip_prefix("server ").map(str::trim).filter(|name| !name.is_empty()) {
        return Ok(Subject::Server(name.to_owned()));
    }
    if let Some(release) = text.strip_suffix(" devices") {
        return Ok(Subject::Devices { release: version(release)? });
    }
    if let Some((from, to)) = text.strip_suffix(" servers").and_then(|hop| hop.split_once("->")) {
        return Ok(Subject::Hop { from: version(from)?, to: version(to)? });
    }
    let shown: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    Err(format!("for is \"{shown}\": write {FORMS}"))
}

/// Writes what an order is for, as [`subject()`] reads it; `None` for [`Subject::Anything`].
pub fn subject_text(subject: &Subject) -> Option<String> {
    match subject {
        Subject::Hop { from, to } => Some(format!("{from}->{to} servers")),
        Subject::Devices { release } => Some(format!("{release} devices")),
        Subject::Group(name) => Some(format!("group {name}")),
        Subject::Server(name) => Some(format!("server {name}")),
        Subject::Anything => None,
    }
}

/// An order as its object writes it: its action, and what it is for.
pub fn written(action: &Action) -> (OrderAction, Option<String>) {
    match action {
        Action::Approve(subject) => (OrderAction::Approve, subject_text(subject)),
        Action::Retry(subject) => (OrderAction::Retry, subject_text(subject)),
        Action::Pause(_) => (OrderAction::Pause, None),
        Action::Resume => (OrderAction::Resume, None),
        Action::Adopt => (OrderAction::Adopt, None),
        Action::Abandon => (OrderAction::Abandon, None),
    }
}

/// What became of an order. A state that is final stays as it is, and the time moves only with the state.
pub fn order_status(
    object: &CodeUpgradeOrder,
    desired: &Desired,
    memory: &Memory,
    now: Timestamp,
) -> CodeUpgradeOrderStatus {
    let known = object.status.as_ref();
    if let Some(known) = known.filter(|known| known.state != OrderState::Pending) {
        return known.clone();
    }
    let uid = object.metadata.uid.as_deref().unwrap_or_default();
    let consumed = memory.consumed_orders.iter().any(|known| known == uid);
    let refused = memory.refused_orders.iter().find(|refused| refused.uid == uid);
    let (state, message) = match order(object, desired) {
        Err(refusal) => (OrderState::Refused, Some(refusal)),
        Ok(_) if refused.is_some() => (OrderState::Refused, refused.map(|refused| refused.why.clone())),
        Ok(_) if consumed => (OrderState::Consumed, None),
        Ok(order) if order.expires_at.is_some_and(|end| end <= now) => {
            let message = "its moment did not come in time: give it again if it is still meant";
            (OrderState::Expired, Some(message.to_owned()))
        }
        Ok(_) => (OrderState::Pending, None),
    };
    let at = known.filter(|known| known.state == state).map_or(now, |known| known.at);
    CodeUpgradeOrderStatus { state, message, at }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn object(spec: &Value) -> CodeUpgradeOrder {
        serde_json::from_value(json!({
            "apiVersion": "codeupgrade.dev/v1alpha1",
            "kind": "CodeUpgradeOrder",
            "metadata": {"name": "o", "uid": "u", "creationTimestamp": "2026-11-26T03:00:00Z"},
            "spec": spec,
        }))
        .unwrap()
    }

    /// Servers have a window on Saturdays, 20:00 to 6:00 UTC; devices have none.
    fn wanted() -> Desired {
        let window = json!({"days": ["Sat"], "start": "20:00", "duration": "10h", "timeZone": "UTC"});
        let spec = json!({
            "authority": {"url": "https://code42.example:4285", "credentials": "c", "manual": {}},
            "windows": {"servers": [window]},
        });
        let object = json!({"metadata": {"name": "p", "namespace": "n"}, "spec": spec});
        crate::translate::desired(&serde_json::from_value(object).unwrap())
    }

    fn given(action: &str, r#for: Option<&str>) -> Result<Action, String> {
        let mut spec = json!({"upgrade": "production", "action": action, "by": "admin"});
        if let Some(text) = r#for {
            spec["for"] = json!(text);
        }
        order(&object(&spec), &wanted()).map(|order| order.action)
    }

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn orders_are_read() {
        let hop = Subject::Hop { from: version("4.2.3.1"), to: version("4.3.5.3") };
        for (action, r#for, expected) in [
            ("Approve", Some("4.2.3.1->4.3.5.3 servers"), Action::Approve(hop.clone())),
            ("Approve", Some("4.2.3.1 -> 4.3.5.3 servers"), Action::Approve(hop)),
            (
                "Approve",
                Some("4.3.5.3 devices"),
                Action::Approve(Subject::Devices { release: version("4.3.5.3") }),
            ),
            ("Retry", Some("group it"), Action::Retry(Subject::Group("it".into()))),
            ("Retry", Some("server old storage 7"), Action::Retry(Subject::Server("old storage 7".into()))),
            ("Retry", None, Action::Retry(Subject::Anything)),
            ("Pause", None, Action::Pause(PauseReach::NextHop)),
            ("Resume", None, Action::Resume),
            ("Adopt", None, Action::Adopt),
            ("Abandon", None, Action::Abandon),
        ] {
            assert_eq!(given(action, r#for), Ok(expected), "{action} {for:?}");
        }
        let now = object(
            &json!({"upgrade": "p", "action": "Pause", "by": "admin", "now": true, "expiresAfter": "2h"}),
        );
        let now = order(&now, &wanted()).unwrap();
        assert_eq!(now.action, Action::Pause(PauseReach::Now));
        assert_eq!(now.expires_at.unwrap().to_string(), "2026-11-26T05:00:00Z");
    }

    #[test]
    fn an_approval_that_does_not_say_lasts_through_the_window_that_it_is_for() {
        // Given on Thursday at 3; the window is on Saturday.
        let hop = "4.2.3.1->4.3.5.3 servers";
        for (spec, ends) in [
            (json!({"action": "Approve", "for": hop}), "2026-11-29T06:00:00Z"),
            (json!({"action": "Approve", "for": hop, "expiresAfter": "2h"}), "2026-11-26T05:00:00Z"),
            (json!({"action": "Approve", "for": "4.3.5.3 devices"}), "2026-11-27T03:00:00Z"),
            (json!({"action": "Adopt"}), "2026-11-27T03:00:00Z"),
        ] {
            let mut spec = spec;
            (spec["upgrade"], spec["by"]) = (json!("p"), json!("admin"));
            let order = order(&object(&spec), &wanted()).unwrap();
            assert_eq!(order.expires_at.unwrap().to_string(), ends, "{spec}");
        }
    }

    #[test]
    fn refusals_say_what_to_write_instead() {
        for (action, r#for, message) in [
            (
                "Approve",
                None,
                "an approval needs for: write \"4.2.3.1->4.3.5.3 servers\", \"4.3.5.3 devices\", \"group NAME\" or \"server NAME\"",
            ),
            (
                "Approve",
                Some("servers"),
                "for is \"servers\": write \"4.2.3.1->4.3.5.3 servers\", \"4.3.5.3 devices\", \"group NAME\" or \"server NAME\"",
            ),
            (
                "Approve",
                Some("4.2->4.x servers"),
                "spec.for: \"4.x\" is not a version: 'x' is not a digit at character 3",
            ),
            ("Resume", Some("group it"), "for has no meaning with Resume: remove it"),
        ] {
            assert_eq!(given(action, r#for), Err(message.to_owned()));
        }
    }

    #[test]
    fn what_an_order_is_for_survives_a_round_trip() {
        for text in ["4.2.3.1->4.3.5.3 servers", "4.3.5.3 devices", "group it", "server vm-7"] {
            assert_eq!(subject_text(&subject(text).unwrap()).as_deref(), Some(text));
        }
    }

    #[test]
    fn the_state_of_an_order_is_final_once_it_is_more_than_pending() {
        let hour = |hour: i8| -> Timestamp { format!("2026-11-26T{hour:02}:00:00Z").parse().unwrap() };
        let mut object =
            object(&json!({"upgrade": "p", "action": "Adopt", "by": "admin", "expiresAfter": "2h"}));
        let mut memory = Memory::default();
        for (now, state, at) in [
            (3, OrderState::Pending, 3),
            (4, OrderState::Pending, 3),
            (5, OrderState::Expired, 5),
            (6, OrderState::Expired, 5),
        ] {
            let status = order_status(&object, &wanted(), &memory, hour(now));
            assert_eq!((status.state, status.at), (state, hour(at)), "at {now}");
            object.status = Some(status);
        }
        memory.consumed_orders.push("u".into());
        assert_eq!(order_status(&object, &wanted(), &memory, hour(7)).state, OrderState::Expired);
        object.status = None;
        assert_eq!(order_status(&object, &wanted(), &memory, hour(7)).state, OrderState::Consumed);
    }
}
