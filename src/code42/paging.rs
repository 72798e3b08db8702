//! Page after page of a list, until there is no more.
//!
//! The vendor's numbers are only hints: an authority may give fewer rows than asked for (250 was the most in
//! 3.5), or name no total (FACTS.md, api-page-cap), or ignore paging. So a listing ends at an empty page, at
//! a page that brings nothing new, or at a page that is not full once as many rows were read as the total
//! says.

use std::collections::BTreeMap;

use super::call::{AnswerSize, Call};
use super::client::{Answer, Client};
use super::envelope::List;
use super::error::{Error, Mismatch};
use super::record::Record;

/// Most pages of servers or organisations that are read.
const MAX_PAGES: u32 = 500;

/// What is asked for in a listing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listing {
    /// The resource, such as `Server`.
    pub(super) resource: &'static str,
    /// The name of the list in the answer, such as `servers`.
    pub(super) name: &'static str,
    /// Rows of what, for errors.
    pub(super) rows: &'static str,
    /// What should be there, for errors.
    pub(super) expected: &'static str,
    /// Rows asked for per page.
    pub(super) page_size: u32,
    /// Most rows that are read: far more than any environment has.
    pub(super) most: usize,
    /// What is demanded of the rows together.
    pub(super) completeness: Completeness,
}

/// What is demanded of the rows of all pages together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Completeness {
    /// No row twice, and as many as the total says: a decision rests on seeing every one exactly once.
    Exact,
    /// Of a row that came twice, as when a page shifts while paging, the later one counts.
    BestEffort,
}

/// Whether there is another page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// There may be.
    Page,
    /// There is none.
    End,
}

/// Judges whether a page was the last: it had `rows` rows, of which `fresh` were new, and `read` were read in all.
pub(super) fn after_page(rows: usize, fresh: usize, read: usize, total: Option<u64>, page_size: u32) -> Next {
    let full = rows >= page_size as usize;
    let all = total.is_some_and(|total| read as u64 >= total);
    if fresh == 0 || (all && !full) { Next::End } else { Next::Page }
}

impl Client {
    /// Reads every page of a list. Rows come in the order of their keys.
    pub(super) async fn every_page<T, K: Ord>(
        &self,
        listing: Listing,
        read: impl Fn(&Record) -> Result<T, Mismatch>,
        key: impl Fn(&T) -> K,
    ) -> Result<Answer<Vec<T>>, Error> {
        let mut rows: BTreeMap<K, T> = BTreeMap::new();
        for page in 1..=MAX_PAGES {
            let call = page_call(listing, page);
            let raw = self.send(&call).await?;
            let answer = self.interpret(&call, &raw, |envelope| {
                let list = envelope.list(listing.name, listing.expected)?;
                let before = rows.len();
                let repeated = add(&mut rows, &list, &read, &key)?;
                if rows.len() > listing.most {
                    return Ok(None);
                }
                let fresh = rows.len() - before;
                let next = after_page(list.len(), fresh, rows.len(), list.total_count, listing.page_size);
                if listing.completeness == Completeness::Exact {
                    demand_exact(&list, next, rows.len(), fresh, repeated)?;
                }
                Ok(Some(next))
            })?;
            match answer.value {
                Some(Next::Page) => {}
                Some(Next::End) => return Ok(answer.map(|_| rows.into_values().collect())),
                None => return Err(listing.too_many()),
            }
        }
        Err(Error::Unexpected {
            call: page_call(listing, 1).label(),
            mismatch: Mismatch {
                place: format!("data.{}", listing.name),
                expected: "an end of the pages",
                excerpt: format!("more than {MAX_PAGES} pages"),
            },
        })
    }
}

impl Listing {
    /// The error about a list that has more rows than are read.
    fn too_many(self) -> Error {
        Error::TooMany { call: page_call(self, 1).label(), what: self.rows, most: self.most }
    }
}

fn page_call(listing: Listing, page: u32) -> Call {
    let call = Call::get(listing.resource).size(AnswerSize::List);
    call.query("pgNum", page).query("pgSize", listing.page_size)
}

/// Adds a page's rows; says how many of them were there already.
fn add<T, K: Ord>(
    rows: &mut BTreeMap<K, T>,
    list: &List<'_>,
    read: impl Fn(&Record) -> Result<T, Mismatch>,
    key: impl Fn(&T) -> K,
) -> Result<usize, Mismatch> {
    let mut repeated = 0;
    for row in list.read(read) {
        let row = row?;
        repeated += usize::from(rows.insert(key(&row), row).is_some());
    }
    Ok(repeated)
}

/// Some rows old and some new on one page means that the list moved, or that two things claim one identity: not an
/// answer to build on. All rows old means an authority that ignores paging.
fn demand_exact(
    list: &List<'_>,
    next: Next,
    read: usize,
    fresh: usize,
    repeated: usize,
) -> Result<(), Mismatch> {
    if fresh > 0 && repeated > 0 {
        return Err(list.total_mismatch("every row once"));
    }
    match (next, list.total_count) {
        (Next::End, Some(total)) if total != read as u64 => {
            Err(list.total_mismatch("as many as there are rows"))
        }
        (Next::End | Next::Page, Some(_) | None) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_ends_only_when_nothing_is_left() {
        for (name, rows, fresh, read, total, expected) in [
            ("an empty page", 0, 0, 0, None, Next::End),
            ("an empty page short of the total", 0, 0, 10, Some(20), Next::End),
            ("fewer rows than asked for, total unknown", 250, 250, 250, None, Next::Page),
            ("fewer rows than asked for, more in all", 250, 250, 250, Some(300), Next::Page),
            ("all rows, page not full", 50, 50, 300, Some(300), Next::End),
            ("a full page that may be the last", 500, 500, 500, Some(500), Next::Page),
            ("the same page again", 500, 0, 500, None, Next::End),
        ] {
            assert_eq!(after_page(rows, fresh, read, total, 500), expected, "{name}");
        }
    }
}
