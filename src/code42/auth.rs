//! Who the client is: name and password on every call, or a token that they were exchanged for.
//!
//! `POST /api/authToken` answers two texts; joined by `-` they are the token, sent as `Authorization: TOKEN …`
//! beside `Authorization-Challenge: false`, as the vendor's Ruby client does.

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use tokio::sync::Mutex;

use super::call::Call;
use super::client::{Answer, Client};
use super::envelope::Envelope;
use super::error::{Error, Mismatch};
use super::secret::Secret;
use super::transport::Transport;

/// Who to be at an authority. A local account: single sign-on does not work for this API.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// Name and password go with every call.
    Basic {
        /// The name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// Name and password are exchanged for a token, which goes with every other call.
    Token {
        /// The name.
        username: String,
        /// The password.
        password: Secret,
    },
}

/// A token that stands for a name and a password until it runs out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token(Secret);

impl Token {
    /// A token known from elsewhere.
    pub fn new(text: impl Into<Secret>) -> Self {
        Self(text.into())
    }
}

/// What an authority says of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenValidity {
    /// It stands for this account.
    Valid {
        /// The account's name.
        username: Option<String>,
    },
    /// It stands for nobody.
    Invalid,
}

/// Longest half of a token that is believed, in characters; recorded ones have 26.
const MAX_TOKEN_PART: usize = 512;

const CHALLENGE: HeaderName = HeaderName::from_static("authorization-challenge");

/// The credentials at work.
#[derive(Debug)]
pub(super) struct Authorization {
    credentials: Credentials,
    basic: HeaderValue,
    encoded: Secret,
    /// The token in use; the lock is held while a new one is fetched, so that only one is.
    token: Mutex<Option<Token>>,
    /// Every token that this client was given: none of them may be shown, even one that ran out.
    seen: std::sync::Mutex<Vec<Token>>,
}

impl Authorization {
    pub(super) fn new(credentials: Credentials, transport: &Transport) -> Result<Self, Error> {
        let (Credentials::Basic { username, password } | Credentials::Token { username, password }) =
            &credentials;
        let wrong = |problem: &str| Error::Misconfigured { what: "credentials", problem: problem.to_owned() };
        if username.is_empty() || password.expose().is_empty() {
            return Err(wrong("the name or the password is empty"));
        }
        if username.contains(':') {
            return Err(wrong("the name contains a colon, which basic authentication cannot send"));
        }
        let basic = transport
            .basic_header(username, password)
            .ok_or_else(|| wrong("they cannot be sent in a header"))?;
        let encoded = Secret::new(basic.to_str().unwrap_or_default().trim_start_matches("Basic "));
        Ok(Self { credentials, basic, encoded, token: Mutex::new(None), seen: std::sync::Mutex::default() })
    }

    /// The header with name and password.
    pub(super) fn basic(&self) -> HeaderValue {
        self.basic.clone()
    }

    /// Whether a text repeats the password or a token, plain or as a header has it.
    pub(super) fn is_in(&self, text: &str) -> bool {
        let (Credentials::Basic { password, .. } | Credentials::Token { password, .. }) = &self.credentials;
        let seen = self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        password.is_in(text) || self.encoded.is_in(text) || seen.iter().any(|token| token.0.is_in(text))
    }

    /// Drops a token that was refused, unless another call already has a newer one.
    pub(super) async fn forget(&self, refused: &Token) {
        let mut token = self.token.lock().await;
        if token.as_ref() == Some(refused) {
            *token = None;
        }
    }

    fn remember(&self, token: &Token) {
        let mut seen = self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // A token that ran out long ago is worth little; a bounded list is worth more than its secrecy.
        if seen.len() >= MAX_SEEN {
            seen.remove(0);
        }
        seen.push(token.clone());
    }
}

/// How many tokens are kept out of texts.
const MAX_SEEN: usize = 16;

impl Client {
    /// The headers that say who the client is, and the token in them.
    pub(super) async fn authorize(&self) -> Result<(HeaderMap, Option<Token>), Error> {
        match &self.authorization.credentials {
            Credentials::Basic { .. } => {
                Ok((HeaderMap::from_iter([(AUTHORIZATION, self.authorization.basic())]), None))
            }
            Credentials::Token { .. } => {
                let token = self.token_in_use().await?;
                Ok((token_headers(&token)?, Some(token)))
            }
        }
    }

    async fn token_in_use(&self) -> Result<Token, Error> {
        let mut current = self.authorization.token.lock().await;
        if let Some(token) = &*current {
            return Ok(token.clone());
        }
        let token = self.new_token().await?.value;
        *current = Some(token.clone());
        Ok(token)
    }

    /// Exchanges name and password for a token: `POST /api/authToken`.
    ///
    /// # Errors
    /// [`Error::Refused`] where the authority does not accept them.
    pub async fn new_token(&self) -> Result<Answer<Token>, Error> {
        let call = Call::new(Method::POST, "authToken").body("{}");
        let answer = self.send_basic(&call).await?;
        // Whatever is wrong with this answer, it may hold a token: nothing of it is ever shown.
        let answer = self.interpret(&call, &answer, read_token);
        let answer = answer.map_err(|error| match error {
            Error::Unexpected { call, mismatch } => {
                Error::Unexpected { call, mismatch: without_excerpt(mismatch) }
            }
            other => other,
        })?;
        self.authorization.remember(&answer.value);
        Ok(answer)
    }

    /// Asks whether a token is good: `GET /api/authToken/{token}`.
    ///
    /// # Errors
    /// Any [`Error`]; a token that is not good is none.
    pub async fn validate_token(&self, token: &Token) -> Result<Answer<TokenValidity>, Error> {
        self.authorization.remember(token);
        let call = Call::get("authToken").secret_segment(&token.0);
        self.record(&call, |record| {
            let username = record.optional_text("username");
            Ok(if record.flag("valid")? { TokenValidity::Valid { username } } else { TokenValidity::Invalid })
        })
        .await
    }

    /// Ends a token: `DELETE /api/authToken/{token}`.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn delete_token(&self, token: &Token) -> Result<(), Error> {
        self.authorization.remember(token);
        let call = Call::new(Method::DELETE, "authToken").secret_segment(&token.0);
        self.send(&call).await?;
        self.authorization.forget(token).await;
        Ok(())
    }

    /// Ends the token in use, if there is one, so that none is left behind at the authority.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn sign_out(&self) -> Result<(), Error> {
        let token = self.authorization.token.lock().await.clone();
        match token {
            Some(token) => self.delete_token(&token).await,
            None => Ok(()),
        }
    }
}

fn token_headers(token: &Token) -> Result<HeaderMap, Error> {
    let mut value = HeaderValue::from_str(&format!("TOKEN {}", token.0.expose())).map_err(|_| {
        Error::Unexpected { call: "POST /api/authToken".to_owned(), mismatch: token_mismatch() }
    })?;
    value.set_sensitive(true);
    let challenge = HeaderValue::from_static("false");
    Ok(HeaderMap::from_iter([(AUTHORIZATION, value), (CHALLENGE, challenge)]))
}

fn read_token(envelope: &Envelope<'_>) -> Result<Token, Mismatch> {
    let parts: Option<[String; 2]> = serde_json::from_str(envelope.raw().get()).ok();
    match parts {
        Some([cookie, url]) if is_token_part(&cookie) && is_token_part(&url) => {
            Ok(Token(Secret::new(format!("{cookie}-{url}"))))
        }
        Some(_) | None => Err(token_mismatch()),
    }
}

/// Whether a text can be half a token: it must fit a header and a path.
fn is_token_part(text: &str) -> bool {
    (1..=MAX_TOKEN_PART).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn without_excerpt(mismatch: Mismatch) -> Mismatch {
    Mismatch { excerpt: "(not shown: it may hold a token)".to_owned(), ..mismatch }
}

fn token_mismatch() -> Mismatch {
    without_excerpt(Mismatch {
        place: "data".to_owned(),
        expected: "the two halves of a token",
        excerpt: String::new(),
    })
}
