//! Which dry runs are worth making, and what the last ones said.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::planner::desired::ImageFrom;
use crate::planner::observed::Rights;

/// A granted right is believed this long, in real time.
const GRANTED_FOR: Duration = Duration::from_secs(600);

/// Anything else is asked again after this long, so that a mended role is noticed soon.
const OTHERWISE_FOR: Duration = Duration::from_secs(30);

/// What a dry run was made for: another change of the same workload is another question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The workload's uid.
    pub uid: String,
    /// The generation of its spec.
    pub generation: Option<i64>,
    /// The account that is acted as.
    pub account: String,
    /// The container.
    pub container: String,
    /// The image.
    pub image: String,
    /// Who writes it.
    pub image_from: ImageFrom,
}

/// Answers of dry runs, by what they were about.
#[derive(Debug)]
pub struct RightsCache<About, Asked> {
    answers: BTreeMap<About, (Asked, Rights, Instant)>,
}

impl<About, Asked> Default for RightsCache<About, Asked> {
    fn default() -> Self {
        Self { answers: BTreeMap::new() }
    }
}

impl<About: Ord, Asked: PartialEq> RightsCache<About, Asked> {
    /// The answer to a question, if it is still believed.
    pub fn get(&self, about: &About, question: &Asked, now: Instant) -> Option<Rights> {
        let (asked, rights, at) = self.answers.get(about)?;
        let believed_for = match rights {
            Rights::Granted => GRANTED_FOR,
            Rights::Denied(_) | Rights::Rewritten { .. } | Rights::Unchecked => OTHERWISE_FOR,
        };
        (asked == question && now.saturating_duration_since(*at) < believed_for).then(|| rights.clone())
    }

    /// Keeps an answer.
    pub fn put(&mut self, about: About, question: Asked, rights: Rights, now: Instant) {
        self.answers.insert(about, (question, rights, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::clock;
    use crate::planner::desired::WorkloadRef;

    #[test]
    fn an_answer_is_believed_for_its_question_and_its_time() {
        let question = Question {
            uid: "u".into(),
            generation: Some(1),
            account: "a".into(),
            container: "server".into(),
            image: "i:2".into(),
            image_from: ImageFrom::Operator,
        };
        let workload = WorkloadRef::stateful_set("authority");
        let start = clock::instant();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut cache = RightsCache::default();
        assert_eq!(cache.get(&workload, &question, start), None);
        cache.put(workload.clone(), question.clone(), Rights::Granted, start);
        assert_eq!(cache.get(&workload, &question, after(599)), Some(Rights::Granted));
        assert_eq!(cache.get(&workload, &question, after(600)), None);
        let changed = Question { generation: Some(2), ..question.clone() };
        assert_eq!(cache.get(&workload, &changed, start), None);
        let denied = Rights::Denied("no".into());
        cache.put(workload.clone(), question.clone(), denied.clone(), start);
        assert_eq!(cache.get(&workload, &question, after(29)), Some(denied));
        assert_eq!(cache.get(&workload, &question, after(30)), None);
    }
}
