//! How far a hop is: what taking it further found out about each server.

use jiff::Timestamp;

use super::trouble::Trouble;
use crate::fleet::{Guid, ServerName, ServerRole};
use crate::planner::facts::Facts;
use crate::planner::hooks::Answer;
use crate::planner::hooks::of_hops::{self, Question};
use crate::planner::memory::HookHold;
use crate::planner::report::ServerState;
use crate::planner::step::{Occasion, Step};

/// How far one server of a hop is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerProgress {
    /// Its identity.
    pub guid: Guid,
    /// Its name.
    pub name: ServerName,
    /// What it is.
    pub role: ServerRole,
    /// How far it is.
    pub state: ServerState,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Why it does not go on, where that is known.
    pub trouble: Option<Trouble>,
}

/// How far a hop is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Operations for the executor.
    pub steps: Vec<Step>,
    /// The servers, the authority first.
    pub servers: Vec<ServerProgress>,
    /// When a server in flight will next be called slow or stalled, or a hook be asked again.
    pub wake_at: Option<Timestamp>,
    /// The first hooks that are asked and have not said yes.
    pub asked: Option<AskedOfHop>,
}

/// Hooks that have not said yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedOfHop {
    /// About what, as the end of a sentence.
    pub occasion: Occasion,
    /// What they say together.
    pub answer: Answer,
}

impl Progress {
    /// Asks the hooks about a server.
    pub(super) fn ask(
        &mut self,
        facts: &Facts<'_>,
        question: &Question<'_>,
        hold: &mut Option<HookHold>,
    ) -> Answer {
        let answer = of_hops::put(facts, question, hold, &mut self.steps);
        self.note(question, answer)
    }

    /// Notes what hooks said, if it was not yes.
    pub(super) fn note(&mut self, question: &Question<'_>, answer: Answer) -> Answer {
        if answer != Answer::Pass {
            if let Answer::NotYet(awaited) = &answer {
                self.wake_at = [self.wake_at, awaited.again_at].into_iter().flatten().min();
            }
            let occasion = question.occasion();
            self.asked.get_or_insert(AskedOfHop { occasion, answer: answer.clone() });
        }
        answer
    }
}
