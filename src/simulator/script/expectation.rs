//! What a story waits for and what it expects.

use jiff::Timestamp;

use crate::api::code_upgrade_order::OrderState;
use crate::catalog::{Os, Product, Version};
use crate::planner::observed::Finalizer;
use crate::planner::report::Truth;

/// What a run waits for.
#[derive(Clone, Debug, PartialEq)]
pub enum Until {
    /// An instant.
    Time(Timestamp),
    /// A phase, by name.
    Phase(String),
    /// An event, by reason, and a word that its note contains.
    Event(String, Option<String>),
    /// A reason.
    Reason(String),
}

/// What a story expects at this moment.
#[derive(Clone, Debug, PartialEq)]
pub enum Expectation {
    /// `expect phase NAME`
    Phase(String),
    /// `expect reason NAME`
    Reason(String),
    /// `expect message TEXT…`: it is contained.
    Message(String),
    /// `expect message not TEXT…`: it is not contained.
    MessageNot(String),
    /// `expect mend TEXT…`: it is contained.
    Mend(String),
    /// `expect asks ACTION[ FOR], ACTION[ FOR], …` and `expect asks nothing`: what a person may order now, in one line.
    Asks(String),
    /// `expect server NAME VERSION`
    Server(String, Version),
    /// `expect gate NAME pass|hold|unknown|refuse [REASON]`
    Gate(String, String, Option<String>),
    /// `expect until TIME`: when the present wait ends.
    Until(Timestamp),
    /// `expect catch NAME held|open`
    Catch(String, String),
    /// `expect phase not NAME`
    PhaseNot(String),
    /// `expect plan TEXT…`: the plan in one line.
    Plan(String),
    /// `expect available VERSION…`
    Available(Vec<String>),
    /// `expect devices PRODUCT VERSION COUNT`
    Devices(Product, Version, u64),
    /// `expect orders NAME COUNT`: how often a server was started anew.
    Orders(String, u64),
    /// `expect no steps`: deciding again does nothing.
    NoSteps,
    /// `expect order N pending|consumed|refused|expired [TEXT…]`: what the status of the N-th order of the story says.
    Order(usize, OrderState, String),
    /// `expect finalizer present|absent`
    Finalizer(Finalizer),
    /// `expect condition NAME true|false|unknown [TEXT…]`: its status, and what its message contains.
    Condition(String, Truth, String),
    /// `expect file OS STATE [TEXT…]`: how far an upgrade file is, and what its mirror or its refusal contains.
    File(Os, String, String),
    /// `expect ready true|false|unknown`: the condition `Ready`.
    Ready(Truth),
    /// `expect backup-count N`: how many backups were begun.
    BackupCount(usize),
}
