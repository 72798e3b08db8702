//! Lists of checksums, as vendors publish them: the lines of GNU's and of BSD's tools, matched by the name of the file.

use super::checksums::{Expected, Md5Sum, Sha256Sum};

/// Why a list says nothing of a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No line has a sum.
    #[error("the list has no line such as \"MD5SUM  FILE\" or \"MD5 (FILE) = MD5SUM\"")]
    NoList,
    /// The file is not in it.
    #[error("the list does not name {file}; it names {named}")]
    NotListed {
        /// The file that was looked for.
        file: String,
        /// Some of those that it names.
        named: String,
    },
    /// Two lines disagree.
    #[error("the list has two different {what} sums for {file}: {one} and {other}")]
    Contradiction {
        /// Which sum.
        what: &'static str,
        /// The file.
        file: String,
        /// The first.
        one: String,
        /// The other.
        other: String,
    },
}

/// A sum of one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sum {
    Md5(Md5Sum),
    Sha256(Sha256Sum),
}

impl Sum {
    /// Which sum it is, told by its length.
    fn read(text: &str) -> Option<Self> {
        text.parse().map(Self::Md5).or_else(|_| text.parse().map(Self::Sha256)).ok()
    }
}

/// What a list says of a file. Lines that say nothing are comments; a path in a line counts by its last part.
///
/// # Errors
/// It says nothing, or two things.
pub fn find(list: &str, file: &str) -> Result<Expected, Error> {
    let lines: Vec<(String, Sum)> = list.lines().filter_map(read_line).collect();
    if lines.is_empty() {
        return Err(Error::NoList);
    }
    let mut expected = Expected::default();
    for (_, sum) in lines.iter().filter(|(name, _)| last_part(name) == file) {
        match sum {
            Sum::Md5(sum) => agree("MD5", file, &mut expected.md5, *sum)?,
            Sum::Sha256(sum) => agree("SHA-256", file, &mut expected.sha256, *sum)?,
        }
    }
    if expected.says_nothing() {
        let mut named: Vec<&str> = lines.iter().map(|(name, _)| last_part(name)).collect();
        named.sort_unstable();
        named.dedup();
        let more = if named.len() > 4 { ", ..." } else { "" };
        let named = format!("{}{more}", named.into_iter().take(4).collect::<Vec<_>>().join(", "));
        return Err(Error::NotListed { file: file.to_owned(), named });
    }
    Ok(expected)
}

fn agree<T: Copy + PartialEq + ToString>(
    what: &'static str,
    file: &str,
    known: &mut Option<T>,
    sum: T,
) -> Result<(), Error> {
    match *known {
        Some(one) if one != sum => Err(Error::Contradiction {
            what,
            file: file.to_owned(),
            one: one.to_string(),
            other: sum.to_string(),
        }),
        Some(_) | None => {
            *known = Some(sum);
            Ok(())
        }
    }
}

fn last_part(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or(name)
}

/// A file's name and its sum: `SUM  NAME`, `SUM *NAME`, `MD5 (NAME) = SUM`, and `NAME SUM` as tables are pasted from a page.
fn read_line(line: &str) -> Option<(String, Sum)> {
    let line = line.trim().trim_start_matches('\u{feff}');
    if let Some((head, sum)) = line.rsplit_once('=')
        && let Some((_, name)) = head.trim().split_once('(')
        && let Some(name) = name.trim_end().strip_suffix(')')
    {
        return Some((name.to_owned(), Sum::read(sum)?));
    }
    let (first, rest) = line.split_once(char::is_whitespace)?;
    if let Some(sum) = Sum::read(first) {
        let name = rest.trim().trim_start_matches('*');
        return (!name.is_empty()).then(|| (name.to_owned(), sum));
    }
    let (rest, last) = line.rsplit_once(char::is_whitespace)?;
    let name = rest.trim().trim_end_matches(['|', ':', ',']).trim();
    (!name.is_empty()).then_some(())?;
    Some((name.to_owned(), Sum::read(last)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "0123456789abcdef0123456789abcdef";
    const OTHER: &str = "fedcba9876543210fedcba9876543210";

    fn md5(list: &str) -> Result<String, String> {
        find(list, "u.upgrade")
            .map(|expected| expected.md5.map(|sum| sum.to_string()).unwrap_or_default())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn lines_of_every_tool_are_read() {
        for line in [
            format!("{ONE}  u.upgrade"),
            format!("{ONE} *u.upgrade"),
            format!("{}  ./linux/u.upgrade\r", ONE.to_uppercase()),
            format!("MD5 (u.upgrade) = {ONE}"),
            format!("\u{feff}{ONE}\tu.upgrade"),
            format!("u.upgrade   {ONE}"),
            format!("u.upgrade: {ONE}"),
            format!("# checksums\n\n{OTHER}  another.upgrade\n{ONE}  u.upgrade\n"),
        ] {
            assert_eq!(md5(&line).as_deref(), Ok(ONE), "{line:?}");
        }
        let sha256 = "a".repeat(64);
        let both = find(&format!("{ONE}  u.upgrade\nSHA256 (u.upgrade) = {sha256}"), "u.upgrade").unwrap();
        assert!(both.md5.is_some() && both.sha256.is_some());
    }

    #[test]
    fn what_says_nothing_is_told() {
        for (list, told) in [
            ("", "the list has no line such as"),
            ("<html><body>Please sign in</body></html>", "the list has no line such as"),
            (&format!("{ONE}  old.upgrade"), "the list does not name u.upgrade; it names old.upgrade"),
            (&format!("{ONE}  u.upgrade.old"), "the list does not name u.upgrade"),
            (
                &format!("{ONE}  u.upgrade\n{OTHER}  u.upgrade"),
                "the list has two different MD5 sums for u.upgrade",
            ),
        ] {
            let error = md5(list).unwrap_err();
            assert!(error.starts_with(told), "{error}");
        }
    }
}
