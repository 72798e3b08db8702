//! The Kubernetes types of group `codeupgrade.dev`: their schema, and the rules that the API server can judge by itself.
//!
//! Input: what users write. Types only: nothing is read, converted or decided here, and a field that cannot be used is no error of this
//! room (the translate room says what is wrong with it, by its path).

// KubeSchema repeats each struct inside of a function, where `pub` reaches nobody.
#![expect(unreachable_pub, reason = "derived code")]
#![allow(clippy::duplicated_attributes, reason = "printer columns differ in their names only")]

pub mod code_release;
pub mod code_upgrade;
pub mod code_upgrade_order;
pub mod definition;
pub mod devices;
pub mod duration;
mod lenient;
pub mod problem;
pub mod share;
pub mod status;
pub mod text;
pub mod transition;

pub use code_release::{CodeRelease, CodeReleaseSpec};
pub use code_upgrade::{CodeUpgrade, CodeUpgradeSpec};
pub use code_upgrade_order::{CodeUpgradeOrder, CodeUpgradeOrderSpec, CodeUpgradeOrderStatus};
pub use definition::{crd_files, crds};
pub use status::CodeUpgradeStatus;

/// The API group of everything that the project defines.
pub const GROUP: &str = "codeupgrade.dev";

/// The version of the API.
pub const VERSION: &str = "v1alpha1";

/// Keeps a `CodeUpgrade` while a server step is in flight.
pub const FINALIZER: &str = "codeupgrade.dev/server-step-in-flight";

/// The name under which the operator writes fields.
pub const FIELD_MANAGER: &str = "codeupgrade";

/// Who owns the fields of shipped releases in the cluster.
pub const CATALOG_MANAGER: &str = "codeupgrade-catalog";

/// Annotation of the operator's lease: it is to be removed, and gives back what it holds. While it is there nothing is begun.
pub const HANDING_BACK_ANNOTATION: &str = "codeupgrade.dev/handing-back";

/// Annotation of a credentials Secret: the one url that its password may be sent to.
pub const AUTHORITY_URL_ANNOTATION: &str = "codeupgrade.dev/authority-url";

/// Label of a `ServiceAccount`: with the value `"true"` the operator may act as it.
pub const USABLE_LABEL: &str = "codeupgrade.dev/usable";

/// Label of a `CodeRelease`: with the value `"true"` it came with the project.
pub const SHIPPED_LABEL: &str = "codeupgrade.dev/shipped";

/// The account that the operator acts as where the spec names none.
pub const DEFAULT_SERVICE_ACCOUNT: &str = "codeupgrade";
