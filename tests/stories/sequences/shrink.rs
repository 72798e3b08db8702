//! The smallest course that is still wrong in the same way.

use super::course::Course;
use super::findings;

/// Courses that are played at most to make one smaller.
const MOST_TRIES: usize = 150;

/// Leaves out whatever can be left out.
pub(super) fn shrink(mut course: Course, kind: &str) -> Course {
    let mut tries = 0;
    let mut is_wrong = |course: &Course| {
        tries += 1;
        tries <= MOST_TRIES && findings(course).iter().any(|finding| finding.kind() == kind)
    };
    let mut length = course.acts.len();
    while length > 0 {
        let mut from = 0;
        while from < course.acts.len() {
            let mut smaller = course.clone();
            smaller.acts.drain(from..(from + length).min(smaller.acts.len()));
            if is_wrong(&smaller) {
                course = smaller;
            } else {
                from += length;
            }
        }
        length /= 2;
    }
    for index in (0..course.setting.len()).rev() {
        let mut smaller = course.clone();
        smaller.setting.remove(index);
        if is_wrong(&smaller) {
            course = smaller;
        }
    }
    while !course.storage.is_empty() {
        let mut smaller = course.clone();
        let gone = smaller.storage.remove(smaller.storage.len() - 1);
        let names = |line: &String| line.contains(&gone);
        if smaller.acts.iter().any(|act| names(&act.verb)) || smaller.setting.iter().any(names) {
            break;
        }
        if !is_wrong(&smaller) {
            break;
        }
        course = smaller;
    }
    course
}
