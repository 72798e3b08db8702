//! Reading a list of checksums from where its vendor has it.

use reqwest::{Client, Url};

use crate::connection;

/// Longest list that is read, in bytes.
const LONGEST: usize = 1 << 20;

/// Reads a list of checksums.
///
/// # Errors
/// It cannot be had, or is far too long to be one, as a sentence.
pub async fn read_list(client: &Client, url: &Url) -> Result<String, String> {
    let failed = |error: reqwest::Error| format!("{url} cannot be read: {}", connection::said(&error));
    let mut answer = client.get(url.clone()).send().await.map_err(failed)?;
    if !answer.status().is_success() {
        return Err(format!("{url} answered status {}", answer.status().as_u16()));
    }
    let mut text = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(failed)? {
        text.extend_from_slice(&piece);
        if text.len() > LONGEST {
            return Err(format!("{url} is longer than {LONGEST} bytes: it is no list of checksums"));
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}
