//! How long steps usually take (FACTS.md, upgrade-duration), and when they take too long.

use jiff::SignedDuration;

use super::desired::AtOnce;

/// The longest that one server usually takes, in large environments; there may be more.
pub const SERVER_TAKES_AT_MOST: SignedDuration = SignedDuration::from_mins(30);

/// How long one server usually takes, in words, with the source.
pub const SERVER_USUALLY: &str = "5-10 min, large environments 15-30 min or more (vendor's upgrade articles)";

/// The least that one server usually takes.
pub(super) const SERVER_TAKES_AT_LEAST: SignedDuration = SignedDuration::from_mins(5);

/// A server that takes longer is said to be slow.
pub const SERVER_SLOW_AFTER: SignedDuration = SignedDuration::from_mins(30);

/// A server that takes longer stalls: a report, never a kill.
pub const SERVER_DEADLINE: SignedDuration = SignedDuration::from_hours(2);

/// The rounds of a hop: the authority, the storage servers that prove it, the others as many at once as they may.
pub(super) fn rounds(servers: usize, at_once: AtOnce) -> i32 {
    let storage = u32::try_from(servers.saturating_sub(1)).unwrap_or(u32::MAX);
    let first = at_once.first.max(1);
    let rounds =
        if storage == 0 { 0 } else { 1 + storage.saturating_sub(first).div_ceil(at_once.then.max(1)) };
    i32::try_from(rounds + 1).unwrap_or(i32::MAX)
}

/// How much of a window a hop needs: the authority, then storage in its rounds, each at its longest.
pub fn hop_needs(servers: usize, at_once: AtOnce) -> SignedDuration {
    SERVER_TAKES_AT_MOST.saturating_mul(rounds(servers, at_once))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_must_hold_the_authority_and_every_round_of_storage() {
        let at_once = AtOnce { first: 1, then: 4 };
        for (servers, minutes) in [(1, 30), (2, 60), (3, 90), (6, 90), (7, 120), (13, 150)] {
            assert_eq!(hop_needs(servers, at_once), SignedDuration::from_mins(minutes), "{servers} servers");
        }
    }
}
