//! `codeupgrade run`: the operator.
