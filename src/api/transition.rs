//! Conditions of an object, and the one rule about their transition times.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// What a condition is to say, before it is known when it began to say so.
#[derive(Clone, Copy, Debug)]
pub struct Saying<'a> {
    /// Its type.
    pub type_: &'a str,
    /// `True`, `False` or `Unknown`.
    pub status: &'a str,
    /// Its reason, PascalCase.
    pub reason: &'a str,
    /// Its message.
    pub message: &'a str,
}

/// Makes a condition out of what it is to say: its transition time is that of the previous condition of the type, unless the status
/// flips now.
pub fn next(
    previous: &[Condition],
    saying: Saying<'_>,
    generation: Option<i64>,
    now: Timestamp,
) -> Condition {
    let Saying { type_, status, reason, message } = saying;
    let kept = find(previous, type_).filter(|known| known.status == status);
    Condition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        observed_generation: generation,
        last_transition_time: kept.map_or(Time(now), |known| known.last_transition_time.clone()),
    }
}

/// The condition of a type.
pub fn find<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.type_ == type_)
}

/// Whether a condition says `True`.
pub fn is_true(conditions: &[Condition], type_: &str) -> bool {
    find(conditions, type_).is_some_and(|condition| condition.status == "True")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saying<'a>(status: &'a str, message: &'a str) -> Saying<'a> {
        Saying { type_: "Ready", status, reason: "Waiting", message }
    }

    #[test]
    fn the_transition_time_moves_only_with_the_status() {
        let [begun, later] = [0, 60].map(|second| Timestamp::from_second(second).unwrap());
        let first = next(&[], saying("False", "one"), Some(1), begun);
        let same = next(std::slice::from_ref(&first), saying("False", "two"), Some(2), later);
        assert_eq!(same.last_transition_time.0, begun);
        assert_eq!((same.message.as_str(), same.observed_generation), ("two", Some(2)));
        let flipped = next(&[first], saying("True", "three"), Some(2), later);
        assert_eq!(flipped.last_transition_time.0, later);
        assert!(is_true(&[flipped], "Ready"));
    }
}
