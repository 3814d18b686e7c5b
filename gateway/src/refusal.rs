//! Every reason for which the gateway says no, with its HTTP status, its code and a text that says what to do.
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::chain;

/// How many missing hashes one answer lists.
pub(crate) const MISSING_LISTED: usize = 100;

/// Why a request is refused. Clients tell refusals apart by [`Refusal::code`]; the text is for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("a hash is 64 lower-case hexadecimal digits, found {0:?}")]
    BadHash(String),
    #[error("{0}")]
    BadAddress(String),
    #[error("{0}")]
    BadRequest(String),
    #[error("the query must name one account: /v1/auth/challenge?address=cairn1..")]
    NoAddress,
    #[error(
        "this needs a sign-in: get /v1/auth/challenge?address=<yours>, sign its text, post it to /v1/auth/login, send the token as 'Authorization: Bearer <token>'"
    )]
    SignInRequired,
    #[error("the token was not issued by this gateway since it started; sign in again")]
    TokenInvalid,
    #[error("the token expired at {expired}, now is {now}; sign in again")]
    TokenExpired { expired: u64, now: u64 },
    #[error("the signed text is no challenge that this gateway issued since it started; get a new one")]
    ChallengeInvalid,
    #[error("the challenge is for {expected}, the sign-in for {found}")]
    ChallengeForeign { expected: String, found: String },
    #[error("the challenge expired at {expired}, now is {now}; get a new one")]
    ChallengeExpired { expired: u64, now: u64 },
    #[error("the challenge was used already; get a new one")]
    ChallengeUsed,
    #[error("the public key belongs to {found}, not to {expected}")]
    ForeignKey { expected: String, found: String },
    #[error("the signature is not in its lower form (s above half of the order); normalise s")]
    HighS,
    #[error("the signature does not fit the public key and the challenge as an ADR-036 document")]
    BadSignature,
    #[error(
        "{account} may not fetch task {task} of job {job} now: claim a lease that holds it (MsgClaimTasks) and fetch before the lease ends, or sign in as the requester"
    )]
    NoAccess { account: String, job: u64, task: u32 },
    #[error(
        "{account} may not fetch drafts of task {task} of job {job} now: a draft goes to its producer, to the requester and to holders of a lease of the verification stage with it; the result of a settled job also to those who may read its data set"
    )]
    NoDraftAccess { account: String, job: u64, task: u32 },
    #[error(
        "{account} may not fetch the inputs of compute job {job} now: they go to its requester and to whoever has taken it; unless proofs check it also to the auditor drawn for it and to those who stand behind a claim in its contest"
    )]
    NoInputsAccess { account: String, job: u64 },
    #[error("{account} holds no valid licence for version {version} of asset {asset}: buy one (MsgBuyLicense), or sign in as the owner")]
    NoLicense { account: String, asset: u64, version: u64 },
    #[error("{account} holds {found} {denom}; to upload, an account must hold {expected}")]
    BalanceTooLow { account: String, denom: String, found: u128, expected: u128 },
    #[error("{used} bytes of yours belong to no job or asset on the chain, {limit} are allowed: post the job or publish the version first")]
    QuotaExceeded { used: u64, limit: u64 },
    #[error("the gateway holds {used} bytes that belong to no job or asset, {limit} are allowed; try again later")]
    StoreFull { used: u64, limit: u64 },
    #[error("there is no {0} here")]
    UnknownPath(String),
    #[error("this path takes another method")]
    MethodNotAllowed,
    #[error("the chain knows no {0}")]
    NotOnChain(String),
    #[error("job {job} has tasks 0 to {last}, not {task}", last = tasks.saturating_sub(1))]
    UnknownTask { job: u64, task: u32, tasks: u32 },
    #[error("the manifest has items 0 to {last}, not {index}", last = items.saturating_sub(1))]
    UnknownItem { index: u64, items: u64 },
    #[error("no manifest with root {0} of yours is here; put it to /v1/manifests/{0}")]
    UnknownManifest(String),
    #[error("the manifest with root {0} was not uploaded to this gateway; ask the owner to put it, or another of the content addresses")]
    NotServed(String),
    #[error("the chain names no draft with hash {payload} for task {task} of job {job}; it does from its reveal on")]
    UnknownDraft { job: u64, task: u32, payload: String },
    #[error("the draft {0} was not uploaded to this gateway by its producer; ask another gateway, or reject it as not delivered")]
    DraftNotServed(String),
    #[error("the inputs of compute job {0} do not lie on gateways: its uri is not cairn:content/<sha256>, with or without ?public")]
    InputsElsewhere(u64),
    #[error(
        "the inputs {content} of compute job {job} were not uploaded to this gateway by its requester; ask the requester to put them, or another gateway"
    )]
    InputsNotServed { job: u64, content: String },
    #[error("no content with this hash that you uploaded waits for its manifest")]
    UnknownContent,
    #[error("the body came slower than {rate} bytes a second or stalled for {stall} seconds")]
    TooSlow { rate: u64, stall: u64 },
    #[error("{count} of the contents were not uploaded by you; put each to /v1/content/<sha256> first")]
    MissingContents { missing: Vec<String>, count: u64 },
    #[error("the body is larger than {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("the range starts past the end; the item has {bytes} bytes")]
    RangeOutside { bytes: u64 },
    #[error("expected content with SHA-256 {expected}, found {found}")]
    WrongHash { expected: String, found: String },
    #[error("expected a manifest with root {expected}, found {found} over {items} items")]
    WrongRoot { expected: String, found: String, items: u64 },
    #[error("item {index} says {expected} bytes, its content has {found}")]
    WrongSize { index: u64, expected: u64, found: u64 },
    #[error("item {index} of the manifest: {reason}")]
    BadManifest { index: u64, reason: String },
    #[error("the gateway is busy; try again")]
    Busy,
    #[error("the gateway's store failed; its operator finds the reason in the log")]
    StoreFailed,
    #[error("the content of this item is damaged in the gateway's store; its owner must upload it again")]
    Damaged,
    #[error("the chain refused the question: {0}")]
    ChainRefused(String),
    #[error("the gateway cannot reach its node; try again")]
    ChainUnreachable,
    #[error("the answer took too long; try again")]
    TimedOut,
}

/// Which refusal an answer is, for the counters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Code(pub(crate) &'static str);

impl Refusal {
    /// The name that clients test.
    pub(crate) fn code(&self) -> &'static str {
        self.kind().1
    }
    fn kind(&self) -> (StatusCode, &'static str) {
        match self {
            Self::BadHash(_) => (StatusCode::BAD_REQUEST, "bad_hash"),
            Self::BadAddress(_) => (StatusCode::BAD_REQUEST, "bad_address"),
            Self::BadRequest(_) | Self::NoAddress => (StatusCode::BAD_REQUEST, "bad_request"),
            Self::SignInRequired => (StatusCode::UNAUTHORIZED, "sign_in_required"),
            Self::TokenInvalid => (StatusCode::UNAUTHORIZED, "token_invalid"),
            Self::TokenExpired { .. } => (StatusCode::UNAUTHORIZED, "token_expired"),
            Self::ChallengeInvalid => (StatusCode::UNAUTHORIZED, "challenge_invalid"),
            Self::ChallengeForeign { .. } => (StatusCode::UNAUTHORIZED, "challenge_foreign"),
            Self::ChallengeExpired { .. } => (StatusCode::UNAUTHORIZED, "challenge_expired"),
            Self::ChallengeUsed => (StatusCode::UNAUTHORIZED, "challenge_used"),
            Self::ForeignKey { .. } => (StatusCode::UNAUTHORIZED, "foreign_key"),
            Self::HighS => (StatusCode::UNAUTHORIZED, "high_s"),
            Self::BadSignature => (StatusCode::UNAUTHORIZED, "bad_signature"),
            Self::NoAccess { .. } | Self::NoDraftAccess { .. } | Self::NoInputsAccess { .. } => (StatusCode::FORBIDDEN, "no_access"),
            Self::NoLicense { .. } => (StatusCode::FORBIDDEN, "no_license"),
            Self::BalanceTooLow { .. } => (StatusCode::FORBIDDEN, "balance_too_low"),
            Self::QuotaExceeded { .. } => (StatusCode::FORBIDDEN, "quota_exceeded"),
            Self::StoreFull { .. } => (StatusCode::INSUFFICIENT_STORAGE, "store_full"),
            Self::UnknownPath(_) => (StatusCode::NOT_FOUND, "unknown_path"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::NotOnChain(_) => (StatusCode::NOT_FOUND, "not_on_chain"),
            Self::UnknownTask { .. } => (StatusCode::NOT_FOUND, "unknown_task"),
            Self::UnknownItem { .. } => (StatusCode::NOT_FOUND, "unknown_item"),
            Self::UnknownManifest(_) => (StatusCode::NOT_FOUND, "unknown_manifest"),
            Self::UnknownDraft { .. } => (StatusCode::NOT_FOUND, "unknown_draft"),
            Self::NotServed(_) | Self::DraftNotServed(_) | Self::InputsElsewhere(_) | Self::InputsNotServed { .. } => {
                (StatusCode::NOT_FOUND, "not_served")
            }
            Self::UnknownContent => (StatusCode::NOT_FOUND, "unknown_content"),
            Self::TooSlow { .. } => (StatusCode::REQUEST_TIMEOUT, "too_slow"),
            Self::MissingContents { .. } => (StatusCode::CONFLICT, "missing_contents"),
            Self::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
            Self::RangeOutside { .. } => (StatusCode::RANGE_NOT_SATISFIABLE, "range_outside"),
            Self::WrongHash { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "wrong_hash"),
            Self::WrongRoot { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "wrong_root"),
            Self::WrongSize { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "wrong_size"),
            Self::BadManifest { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "bad_manifest"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            Self::StoreFailed => (StatusCode::INTERNAL_SERVER_ERROR, "store_failed"),
            Self::Damaged => (StatusCode::INTERNAL_SERVER_ERROR, "damaged"),
            Self::ChainRefused(_) => (StatusCode::BAD_GATEWAY, "chain_refused"),
            Self::ChainUnreachable => (StatusCode::SERVICE_UNAVAILABLE, "chain_unreachable"),
            Self::TimedOut => (StatusCode::GATEWAY_TIMEOUT, "timed_out"),
        }
    }
    /// What the answer carries beside code and message.
    fn details(&self) -> Value {
        match self {
            Self::WrongHash { expected, found } | Self::ForeignKey { expected, found } => json!({ "expected": expected, "found": found }),
            Self::WrongRoot { expected, found, items } => json!({ "expected": expected, "found": found, "items": items }),
            Self::WrongSize { index, expected, found } => json!({ "index": index, "expected": expected, "found": found }),
            Self::BadManifest { index, .. } => json!({ "index": index }),
            Self::MissingContents { missing, count } => json!({ "missing": missing, "count": count }),
            Self::TooLarge { limit } => json!({ "limit": limit }),
            _ => json!({}),
        }
    }
    fn headers(&self, response: &mut Response) {
        let headers = response.headers_mut();
        match self {
            Self::Busy | Self::ChainUnreachable | Self::TimedOut => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Self::RangeOutside { bytes } => {
                if let Ok(value) = HeaderValue::try_from(format!("bytes */{bytes}")) {
                    headers.insert(header::CONTENT_RANGE, value);
                }
            }
            _ if response.status() == StatusCode::UNAUTHORIZED => {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code) = (self.kind().0, self.code());
        let mut body = self.details();
        if let Some(fields) = body.as_object_mut() {
            fields.insert("code".to_owned(), json!(code));
            fields.insert("message".to_owned(), json!(self.to_string()));
        }
        let mut response = (status, Json(body)).into_response();
        self.headers(&mut response);
        response.extensions_mut().insert(Code(code));
        response
    }
}

impl From<object_store::Error> for Refusal {
    fn from(error: object_store::Error) -> Self {
        tracing::error!(%error, "the store failed");
        Self::StoreFailed
    }
}

impl From<chain::Error> for Refusal {
    fn from(error: chain::Error) -> Self {
        match error {
            chain::Error::Unreachable(reason) => {
                tracing::warn!(%reason, "the node cannot be asked");
                Self::ChainUnreachable
            }
            chain::Error::Refused { code, codespace, log } => Self::ChainRefused(format!("{codespace}/{code}: {log}")),
        }
    }
}
