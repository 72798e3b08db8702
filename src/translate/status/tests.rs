//! Statuses from decisions.
