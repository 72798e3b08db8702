//! What texts of the API look like: schemas for fields that are plain strings in Rust, so that the API server refuses a bad one with its
//! path. Each type here stands for a schema only; no value of it exists.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// Declares texts: a name, what it is, and its schema beside `type: string`.
macro_rules! texts {
    ($($(#[doc = $doc:literal])+ $name:ident { $($keyword:literal: $value:expr),+ $(,)? })+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone, Copy, Debug)]
            pub enum $name {}

            impl JsonSchema for $name {
                fn schema_name() -> Cow<'static, str> {
                    stringify!($name).into()
                }

                fn inline_schema() -> bool {
                    true
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    json_schema!({ "type": "string", $($keyword: $value),+ })
                }
            }
        )+
    };
}

texts! {
    /// A version: one to four numeric parts.
    VersionText { "maxLength": 23, "pattern": r"^[0-9]{1,5}(\.[0-9]{1,5}){0,3}$" }
    /// A version of a release: two to four numeric parts.
    ReleaseVersionText { "maxLength": 23, "pattern": r"^[0-9]{1,5}(\.[0-9]{1,5}){1,3}$" }
    /// A version, or a series such as `4.2.x`.
    PatternText { "maxLength": 23, "pattern": r"^[0-9]{1,5}(\.[0-9]{1,5}){0,3}$|^[0-9]{1,5}(\.[0-9]{1,5}){0,2}\.x$" }
    /// A duration such as `24h` or `1d12h`.
    DurationText { "maxLength": super::duration::MAX_LENGTH, "pattern": super::duration::PATTERN }
    /// A name of something in the environment or in the spec.
    NameText { "minLength": 1, "maxLength": 64 }
    /// The name of a group: a label of a Kubernetes name, so that it can stand in names and metrics.
    GroupText { "maxLength": 63, "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" }
    /// The name of a Kubernetes object.
    ObjectText { "maxLength": 253, "pattern": r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$" }
    /// The name of a Kubernetes namespace or of a container.
    LabelText { "maxLength": 63, "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" }
    /// The lasting identity of a server or a device: decimal digits.
    GuidText { "maxLength": 20, "pattern": "^[0-9]{1,20}$" }
    /// Why somebody wants something.
    ReasonText { "minLength": 1, "maxLength": 256 }
    /// An address.
    UrlText { "minLength": 1, "maxLength": 512 }
    /// A name in PascalCase, such as the name of a risk.
    PascalText { "maxLength": 64, "pattern": "^[A-Z][A-Za-z0-9]*$" }
    /// A container image.
    ImageText { "maxLength": 512, "pattern": r"^[A-Za-z0-9][A-Za-z0-9._:/@+-]*$" }
    /// An MD5 sum.
    Md5Text { "maxLength": 32, "pattern": "^[0-9a-fA-F]{32}$" }
    /// A SHA-256 sum.
    Sha256Text { "maxLength": 64, "pattern": "^[0-9a-fA-F]{64}$" }
    /// An instant with its offset, such as `2016-03-01T10:00:00Z`.
    InstantText { "format": "date-time", "maxLength": 40 }
    /// A day, such as `2026-12-18`.
    DateText { "format": "date", "maxLength": 10 }
    /// A time of day, such as `20:00`.
    TimeText { "maxLength": 5, "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$" }
    /// An IANA time zone, such as `Europe/Berlin`.
    TimeZoneText { "maxLength": 64, "pattern": "^[A-Za-z][A-Za-z0-9_+/-]*$" }
    /// The path of an organisation, or its id.
    OrganisationText { "minLength": 1, "maxLength": 256 }
}
