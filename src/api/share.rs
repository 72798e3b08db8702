//! A number of devices or a share of them: `20`, or `"10%"`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A count, or a percentage with at most two decimals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CountOrPercent {
    /// So many.
    Count(i64),
    /// A percentage, such as `10%` or `0.5%`.
    Percent(String),
}

/// The form of a percentage, from `0%` to `100%`.
const PERCENT_PATTERN: &str = r"^([0-9]{1,2}(\.[0-9]{1,2})?|100(\.0{1,2})?)%$";

impl JsonSchema for CountOrPercent {
    fn schema_name() -> Cow<'static, str> {
        "CountOrPercent".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "x-kubernetes-int-or-string": true,
            "minimum": 0,
            "maximum": 10_000_000,
            "maxLength": 7,
            "pattern": PERCENT_PATTERN,
        })
    }
}
