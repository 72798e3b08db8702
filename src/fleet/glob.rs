//! Names by patterns in which `*` stands for any characters.

/// Whether a name matches a glob.
pub fn glob(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
    for piece in middle {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_whole_names() {
        for (pattern, name, matches) in [
            ("storage-01", "storage-01", true),
            ("storage-01", "storage-012", false),
            ("vm-*", "vm-7", true),
            ("vm-*", "xvm-7", false),
            ("*-eu-*", "vm-eu-7", true),
            ("a*a", "a", false),
            ("*", "", true),
        ] {
            assert_eq!(glob(pattern, name), matches, "{pattern} against {name}");
        }
    }
}
