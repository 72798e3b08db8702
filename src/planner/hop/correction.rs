//! A server that is not verified follows a source that somebody corrects: the wrong digest, a typing error, another file.

use crate::planner::facts::Facts;
use crate::planner::files;
use crate::planner::memory::{Hop, Means, Memory, VerifiedFile};

/// Takes over the image and the files that the spec now names for the release of the hop. A spec that cannot be read corrects nothing.
pub(in crate::planner) fn follow(facts: &Facts<'_>, verified: &[VerifiedFile], hop: &mut Hop) {
    if !facts.desired.problems.is_empty() {
        return;
    }
    follow_image(facts, hop);
    follow_files(facts, verified, hop);
}

/// A server whose file the spec names anew has none until that one is verified.
fn follow_files(facts: &Facts<'_>, verified: &[VerifiedFile], hop: &mut Hop) {
    let to = hop.to;
    let known = Memory { files: verified.to_vec(), ..Memory::default() };
    for entry in hop.servers.iter_mut().filter(|entry| entry.verified_at.is_none()) {
        let (file, is_made) = match &mut entry.means {
            Means::Workload(_) => continue,
            Means::Manual(means) => (&mut means.file, false),
            // What runs has its file; the next attempt takes the corrected one.
            Means::Job(means) => (&mut means.file, means.seen),
        };
        let method = facts.with_methods().find(|(server, _)| server.guid == entry.guid);
        let Some(os) = method.and_then(|(_, method)| method.file_for()) else { continue };
        if facts.desired.artifact(to, os).is_some() && !is_made {
            *file = files::verified(facts, &known, to, os);
        }
    }
}

fn follow_image(facts: &Facts<'_>, hop: &mut Hop) {
    let Some(image) = facts.desired.source(hop.to).and_then(|source| source.image.as_ref()) else { return };
    for entry in hop.servers.iter_mut().filter(|entry| entry.verified_at.is_none()) {
        match &mut entry.means {
            Means::Workload(means) if means.image != *image => {
                means.image.clone_from(image);
                entry.begin_anew(facts.now);
            }
            Means::Workload(_) | Means::Job(_) | Means::Manual(_) => {}
        }
    }
}
