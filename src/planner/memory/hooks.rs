//! What is remembered of hooks about a hop and its servers, while they are open.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::Version;
use crate::planner::desired::HookMoment;

/// What hooks hold about a whole hop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HopHooks {
    /// From this release.
    pub from: Version,
    /// To this one.
    pub to: Version,
    /// When all other checks had passed, and those before it were first asked. None while something else holds the hop: they are
    /// asked anew after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// How often they put it off before that: who puts it off every day is told of, whatever holds the hop at night.
    #[serde(default)]
    pub put_off: u32,
    /// One for each moment at which not all said yes at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<HookHold>,
}

/// What is remembered of hooks that were asked and did not all say yes at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HookHold {
    /// The moment at which they are asked.
    pub when: HookMoment,
    /// How often they were asked before: each time is a `Job` of its own.
    #[serde(default)]
    pub attempt: u32,
    /// When they are asked again, where one of them wanted that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again_at: Option<Timestamp>,
    /// The no of one of them: it holds until somebody answers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<HookRefusal>,
}

/// A hook that said no.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HookRefusal {
    /// Its name.
    pub hook: String,
    /// How it ended, as the end of a sentence.
    pub how: String,
    /// When that was seen.
    pub at: Timestamp,
}
