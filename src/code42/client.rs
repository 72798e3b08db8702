//! The client of one authority: adds credentials to calls, turns statuses into errors, keeps credentials out of
//! every text.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use super::answer_body::{AnswerBody, Whole};
use super::authorization::Authorization;
use super::call::Call;
use super::envelope::Envelope;
use super::error::{Error, Mismatch, VendorError};
use super::options::ClientOptions;
use super::record::Record;
use super::transport::{RawAnswer, Transport};

/// A good answer, and what the clocks behind it read when it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// What was asked for.
    pub value: T,
    /// The authority's clock: `metadata.timestamp` of the answer, or else its `Date` header.
    pub authority_time: Option<Timestamp>,
    /// How far the authority's time of day is ahead of UTC, in seconds, where `metadata.timestamp` says.
    pub utc_offset_seconds: Option<i32>,
    /// The `Date` header, in whole seconds; something between here and the authority may have set it.
    pub date: Option<Timestamp>,
}

impl<T> Answer<T> {
    /// The same answer about something else.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Answer<U> {
        Answer {
            value: change(self.value),
            authority_time: self.authority_time,
            utc_offset_seconds: self.utc_offset_seconds,
            date: self.date,
        }
    }
}

/// A client of one authority. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Client {
    transport: Arc<Transport>,
    authorization: Arc<Authorization>,
}

impl fmt::Debug for Client {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Client").field("url", &self.transport.origin()).finish_non_exhaustive()
    }
}

/// Whether an error may show what the authority said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exposure {
    Shown,
    Hidden,
}

impl Client {
    /// Checks the options. Sends nothing.
    ///
    /// # Errors
    /// [`Error::Misconfigured`], naming the option.
    pub fn new(options: &ClientOptions) -> Result<Self, Error> {
        let transport = Transport::new(options)?;
        let authorization = Authorization::new(options.credentials.clone(), &transport)?;
        Ok(Self { transport: Arc::new(transport), authorization: Arc::new(authorization) })
    }

    /// Scheme, host and port of the authority.
    pub fn url(&self) -> String {
        self.transport.origin()
    }

    /// Makes a call with the credentials and returns its answer if the status is good.
    pub(super) async fn send(&self, call: &Call) -> Result<RawAnswer, Error> {
        self.send_to(call, &mut Whole::of_at_most(call.size.bytes())).await
    }

    /// Makes a call whose good answer goes to `body`, piece by piece.
    pub(super) async fn send_to(&self, call: &Call, body: &mut impl AnswerBody) -> Result<RawAnswer, Error> {
        let answer = self.transport.send(call, self.authorization.headers(), body).await?;
        self.check(call, answer)
    }

    /// Makes a call and reads the one object that it answers.
    pub(super) async fn record<T>(
        &self,
        call: &Call,
        read: impl FnOnce(&Record) -> Result<T, Mismatch>,
    ) -> Result<Answer<T>, Error> {
        let answer = self.send(call).await?;
        self.interpret(call, &answer, |envelope| read(&envelope.record()?))
    }

    /// Reads an answer.
    pub(super) fn interpret<T>(
        &self,
        call: &Call,
        answer: &RawAnswer,
        read: impl FnOnce(&Envelope<'_>) -> Result<T, Mismatch>,
    ) -> Result<Answer<T>, Error> {
        let envelope =
            Envelope::open(&answer.body).map_err(|mismatch| self.unexpected(call, answer, mismatch))?;
        let value = read(&envelope).map_err(|mismatch| self.unexpected(call, answer, mismatch))?;
        Ok(Answer {
            value,
            authority_time: envelope.timestamp.or(answer.date),
            utc_offset_seconds: envelope.utc_offset_seconds,
            date: answer.date,
        })
    }

    /// The error about an answer that is not what was expected.
    pub(super) fn unexpected(&self, call: &Call, answer: &RawAnswer, mismatch: Mismatch) -> Error {
        Error::Unexpected { call: call.label(), mismatch: self.redacted(&answer.body, mismatch) }
    }

    /// The mismatch, without its excerpt where the text that it was found in holds a credential.
    pub(super) fn redacted(&self, text: &str, mismatch: Mismatch) -> Mismatch {
        match self.exposure(text) {
            Exposure::Shown => mismatch,
            Exposure::Hidden => {
                Mismatch { excerpt: "(not shown: the answer holds a credential)".to_owned(), ..mismatch }
            }
        }
    }

    fn exposure(&self, text: &str) -> Exposure {
        if self.authorization.is_in(text) { Exposure::Hidden } else { Exposure::Shown }
    }

    /// Good statuses pass, every other one is an error.
    fn check(&self, call: &Call, answer: RawAnswer) -> Result<RawAnswer, Error> {
        let status = answer.status;
        let label = call.label();
        let vendor = || match self.exposure(&answer.body) {
            Exposure::Shown => VendorError::read(&answer.body),
            Exposure::Hidden => None,
        };
        match status {
            200..=299 => Ok(answer),
            300..=399 => {
                let to = answer.location.unwrap_or_else(|| "nowhere".to_owned());
                Err(Error::Redirected { call: label, status, to })
            }
            401 => Err(Error::Refused { call: label, vendor: vendor() }),
            403 => Err(Error::Forbidden { call: label, vendor: vendor() }),
            404 => Err(Error::Missing { call: label, vendor: vendor() }),
            _ => Err(Error::ServerError { call: label, status, vendor: vendor() }),
        }
    }
}
