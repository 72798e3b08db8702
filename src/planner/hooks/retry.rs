//! Orders to ask a hook about a hop or its servers anew that said no.

use crate::fleet::ServerName;
use crate::planner::draft::Draft;
use crate::planner::facts::Facts;
use crate::planner::memory::{HookHold, HopHooks};
use crate::planner::order::{Action, Order, Subject};
use crate::planner::orders;

/// Follows such orders, each once.
pub(in crate::planner) fn follow(facts: &Facts<'_>, draft: &mut Draft) {
    let open: Vec<&Order> = orders::open(facts.observed, &draft.memory).collect();
    for order in open {
        let Action::Retry(subject) = &order.action else { continue };
        let mut followed = false;
        let mut again = |hold: &mut HookHold| {
            // What came after the order is not what it meant.
            if hold.refusal.as_ref().is_some_and(|refusal| order.given_at >= refusal.at) {
                *hold = HookHold { attempt: hold.attempt + 1, again_at: None, refusal: None, ..*hold };
                followed = true;
            }
        };
        if let Some(hooks) = &mut draft.memory.hop_hooks
            && (*subject == Subject::Anything || *subject == hooks.subject())
        {
            hooks.holds.iter_mut().for_each(&mut again);
        }
        if let Some(hop) = &mut draft.memory.hop {
            let is_of_all =
                *subject == Subject::Anything || *subject == Subject::Hop { from: hop.from, to: hop.to };
            let is_meant = |name: &ServerName| is_of_all || *subject == Subject::Server(name.0.clone());
            let meant = hop.servers.iter_mut().filter(|entry| is_meant(&entry.name));
            meant.filter_map(|entry| entry.hooks.as_mut()).for_each(&mut again);
        }
        if followed {
            draft.memory.consume(order.uid.clone());
        }
    }
}

impl HopHooks {
    fn subject(&self) -> Subject {
        Subject::Hop { from: self.from, to: self.to }
    }
}
