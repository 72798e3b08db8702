//! The annotations by which an object says what part its pods play.

/// Names the server that a pod is, by its name in the simulated environment.
pub const SERVER: &str = "simulator.codeupgrade.dev/server";

/// Names the container that is the server; the first one where it is absent.
pub const CONTAINER: &str = "simulator.codeupgrade.dev/container";

/// On the pod of a Job: the environment variable with the name of the server that it upgrades in place.
pub const SERVER_VARIABLE: &str = "simulator.codeupgrade.dev/server-variable";

/// On the pod of a Job: the environment variable with the version to which it upgrades that server.
pub const VERSION_VARIABLE: &str = "simulator.codeupgrade.dev/version-variable";

/// On the pod of a Job: it fails, with this message; a number is its exit code, which is 1 otherwise.
pub const FAILS: &str = "simulator.codeupgrade.dev/fails";

/// What [`FAILS`] says where the first pod of a Job is to be drained with its node; the next one succeeds.
pub const DRAINED: &str = "drained";
