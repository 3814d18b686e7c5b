//! Signing in.
use std::sync::Arc;

use axum::{
    Json,
    body::Body,
    extract::{Query, State, rejection::QueryRejection},
    http::HeaderMap,
};
use cairn_kernel::Address;
use serde::Deserialize;

use super::content_length;
use crate::{
    gateway::{Gateway, now},
    intake::Intake,
    refusal::Refusal,
    sign_in::{Challenge, Login, Token},
};

/// Largest body of a log-in.
const MAX_LOGIN: u64 = 4_096;

#[derive(Deserialize)]
pub(super) struct Whose {
    address: String,
}

/// A text to sign.
pub(super) async fn challenge(
    State(gateway): State<Arc<Gateway>>,
    whose: Result<Query<Whose>, QueryRejection>,
) -> Result<Json<Challenge>, Refusal> {
    let Query(whose) = whose.map_err(|_| Refusal::NoAddress)?;
    let address = Address::parse(&whose.address).map_err(|e| Refusal::BadAddress(e.log))?;
    gateway.sign_ins.challenge(&address, now()).map(Json)
}

/// A token for a signed text.
pub(super) async fn login(State(gateway): State<Arc<Gateway>>, headers: HeaderMap, body: Body) -> Result<Json<Token>, Refusal> {
    let mut intake = Intake::new(body, content_length(&headers), MAX_LOGIN, gateway.pace(), &gateway.metrics)?;
    let mut json = Vec::new();
    while let Some(bytes) = intake.next().await? {
        json.extend_from_slice(&bytes);
    }
    let login: Login = serde_json::from_slice(&json).map_err(|e| Refusal::BadRequest(format!("expected a log-in: {e}")))?;
    gateway.sign_ins.login(&login, now()).map(Json)
}
