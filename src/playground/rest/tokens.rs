//! Tokens that stand for a name and a password until the authority starts anew.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::simulator::chance::Purpose;
use crate::simulator::world::World;

/// Most tokens that are remembered; the oldest are forgotten first.
const MAX_TOKENS: usize = 1_000;

/// Length of one half of a token, as recorded.
const TOKEN_LENGTH: usize = 26;

/// Tokens that were given out, each with the start of the authority that it belongs to.
#[derive(Clone, Debug, Default)]
pub(super) struct Tokens(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    given: u64,
    tokens: BTreeMap<u64, (String, u64)>,
}

impl Tokens {
    pub(super) fn give(&self, world: &World) -> [String; 2] {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.given += 1;
        let nth = known.given;
        let halves = [half(world, nth * 2), half(world, nth * 2 + 1)];
        known.tokens.insert(nth, (halves.join("-"), world.authority_starts()));
        if known.tokens.len() > MAX_TOKENS {
            known.tokens.pop_first();
        }
        halves
    }

    pub(super) fn is_valid(&self, world: &World, token: &str) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let starts = world.authority_starts();
        known.tokens.values().any(|(text, since)| text == token && *since == starts)
    }

    pub(super) fn forget(&self, token: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.tokens.retain(|_, (text, _)| text != token);
    }
}

fn half(world: &World, nth: u64) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    (0..TOKEN_LENGTH as u64)
        .map(|place| char::from(DIGITS[(world.seed().draw(Purpose::Token, nth, place) % 36) as usize]))
        .collect()
}
