//! Who calls: basic authentication, the tokens that stand for it, and the account itself.
//!
//! On record: `authToken` (POST, GET), the refusal, and the names of the other schemes. Beyond the record: that tokens
//! end with the authority's next restart, the answer to `DELETE`, and all texts in tokens.

use axum::http::{HeaderValue, Method, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::answer::Answer;
use super::authority::Authority;
use super::call::Call;
use super::server_env;
use crate::simulator::world::World;

/// How a caller proved who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    Password,
    Token,
}

/// What anybody may read.
pub(super) fn without_credentials(world: &World, call: &Call) -> Option<Answer> {
    match call.resource.as_str() {
        "ping" => Some(Answer::data(call, json!({ "success": true }))),
        "serverenv" => Some(server_env::environment(world)),
        _ => None,
    }
}

impl Authority {
    /// Finds out who calls, or refuses.
    pub(super) fn authenticate(&self, world: &World, call: &Call) -> Result<Proof, Answer> {
        let said =
            call.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (scheme, proof) = said.split_once(' ').unwrap_or((said, ""));
        let proof = proof.trim();
        let accepted = match scheme.to_ascii_lowercase().as_str() {
            "basic" => self.is_password(proof).then_some(Proof::Password),
            "token" | "bearer" | "v3_user_token" => {
                self.tokens.is_valid(world, proof).then_some(Proof::Token)
            }
            _ => None,
        };
        accepted.ok_or_else(|| {
            let challenged = call.headers.get("authorization-challenge").is_none_or(|value| value != "false");
            let refused = Answer::unauthorised();
            if challenged {
                let challenge = HeaderValue::from_static("Basic realm=\"CrashPlan\"");
                refused.with_header(header::WWW_AUTHENTICATE, challenge)
            } else {
                refused
            }
        })
    }

    fn is_password(&self, proof: &str) -> bool {
        let expected = format!("{}:{}", self.account.username, self.account.password);
        STANDARD.decode(proof).is_ok_and(|said| said == expected.as_bytes())
    }

    /// `authToken`: a token for a name and password, what it stands for, and its end.
    pub(super) fn auth_token(&self, world: &World, call: &Call, who: Proof) -> Answer {
        match (&call.method, call.target()) {
            (&Method::POST, None) if who == Proof::Password => {
                Answer::data(call, json!(self.tokens.give(world)))
            }
            (&Method::POST, None) => Answer::unauthorised(),
            (&Method::GET, Some(token)) if self.tokens.is_valid(world, token) => {
                Answer::data(call, json!({ "valid": true, "username": self.account.username }))
            }
            (&Method::GET, Some(_)) => Answer::data(call, json!({ "valid": false })),
            (&Method::DELETE, Some(token)) => {
                self.tokens.forget(token);
                Answer::nothing(StatusCode::NO_CONTENT)
            }
            _ => Answer::wrong_method(),
        }
    }

    /// `LoginToken`: a token to be redeemed at the server that is named beside it.
    pub(super) fn login_token(&self, world: &World, call: &Call) -> Answer {
        if call.method != Method::POST {
            return Answer::wrong_method();
        }
        let token = self.tokens.give(world).join("-");
        let host = call.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        Answer::data(call, json!({ "loginToken": token, "serverUrl": format!("https://{host}") }))
    }

    /// The token of 6.x and later, which the vendor's Python client asks for.
    pub(super) fn user_token(&self, world: &World, call: &Call, who: Proof) -> Answer {
        if !server_env::is_later(world) {
            return Answer::not_found();
        }
        match (&call.method, who) {
            (&Method::GET, Proof::Password) => {
                Answer::data(call, json!({ "v3_user_token": self.tokens.give(world).join("-") }))
            }
            (&Method::GET, Proof::Token) => Answer::unauthorised(),
            _ => Answer::wrong_method(),
        }
    }
}

/// `User/my`: the account that calls. Its fields are not on record; these are what the vendor's Python client shows.
pub(super) fn user(authority: &Authority, call: &Call) -> Answer {
    if !call.is_get() {
        return Answer::wrong_method();
    }
    match call.target() {
        Some(target) if target.eq_ignore_ascii_case("my") => Answer::data(
            call,
            json!({
                "userId": 1,
                "userUid": "1",
                "status": "Active",
                "username": authority.account.username,
                "email": null,
                "active": true,
                "blocked": false,
                "orgId": 2,
            }),
        ),
        Some(_) | None => Answer::not_found(),
    }
}
