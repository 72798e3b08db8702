//! Who asks, and what they may: the API server is asked both. Answers are Kubernetes' own: a failure is a `Status`.

use axum::Json;
use axum::http::StatusCode;
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec, UserInfo};
use k8s_openapi::api::authorization::v1::{SubjectAccessReview, SubjectAccessReviewSpec};
use kube::api::PostParams;
use kube::{Api, Client};
use serde_json::{Value, json};

/// Why nothing is answered.
#[derive(Debug)]
pub(super) struct Denied {
    code: StatusCode,
    reason: &'static str,
    message: String,
}

impl Denied {
    pub(super) fn new(code: StatusCode, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into() }
    }

    /// Nobody knows who asks.
    pub(super) fn unknown(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", message)
    }
}

impl axum::response::IntoResponse for Denied {
    fn into_response(self) -> axum::response::Response {
        let status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code.as_u16(),
        });
        (self.code, Json::<Value>(status)).into_response()
    }
}

/// Whose token it is: one that was made for this audience, or without one, for the API server itself.
pub(super) async fn who(client: &Client, token: &str, audience: Option<&str>) -> Result<UserInfo, Denied> {
    let audiences = audience.map(|audience| vec![audience.to_owned()]);
    let review = TokenReview {
        spec: TokenReviewSpec { token: Some(token.to_owned()), audiences },
        ..TokenReview::default()
    };
    let api: Api<TokenReview> = Api::all(client.clone());
    let answer = api.create(&PostParams::default(), &review).await.map_err(|error| unasked(&error))?;
    let status = answer.status.unwrap_or_default();
    // A review that does not name the audience was made by something that knows of none.
    let is_for_us =
        audience.is_none_or(|wanted| status.audiences.iter().flatten().any(|audience| audience == wanted));
    match (status.authenticated, status.user) {
        (Some(true), Some(user)) if is_for_us => Ok(user),
        (_, _) => Err(match audience {
            Some(audience) => Denied::unknown(&format!("the token is not valid for audience {audience}")),
            None => Denied::unknown("the token is not valid"),
        }),
    }
}

/// Whether somebody may do what the attributes say.
pub(super) async fn may(
    client: &Client,
    user: UserInfo,
    attributes: SubjectAccessReviewSpec,
) -> Result<bool, Denied> {
    let review = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            extra: user.extra,
            groups: user.groups,
            uid: user.uid,
            user: user.username,
            ..attributes
        },
        ..SubjectAccessReview::default()
    };
    let api: Api<SubjectAccessReview> = Api::all(client.clone());
    let answer = api.create(&PostParams::default(), &review).await.map_err(|error| unasked(&error))?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}

fn unasked(error: &kube::Error) -> Denied {
    tracing::warn!(%error, "the API server could not be asked who may see this");
    let message = "the API server could not be asked who may see this";
    Denied::new(StatusCode::BAD_GATEWAY, "InternalError", message)
}
