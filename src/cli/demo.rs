//! `codeupgrade demo`.
