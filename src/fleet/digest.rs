//! Digests as numbers: names that every process gives to the same thing, and places that anyone can compute.

use md5::{Digest, Md5};

/// The first eight bytes of a digest, which is what `md5sum` prints first.
pub fn first_eight_bytes(digest: Md5) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&digest.finalize()[..8]);
    u64::from_be_bytes(first)
}

/// The same of a text.
pub fn first_eight_bytes_of(text: &str) -> u64 {
    first_eight_bytes(Md5::new_with_prefix(text))
}
