//! ABCI `Query`: the same answers as gRPC and REST give, and raw state with proofs. Paths and texts are the Cosmos SDK's.
use cairn_kernel::{Error, Result, Status, sdk};
use tendermint_proto::v0_38::{
    abci::{RequestQuery, ResponseQuery},
    crypto::{ProofOp, ProofOps},
};

use crate::{
    api::{Chain, Services, json::Dialect},
    app::App,
};

/// The answer to `r`, of `services` where it asks for what is not in the state; a refusal is an answer too.
pub(super) fn answer(app: &App, services: Option<&Services>, r: &RequestQuery) -> ResponseQuery {
    let Ok(height) = u64::try_from(r.height) else {
        return refusal(&sdk::invalid_height("cannot query with height < 0; please provide a valid height"));
    };
    let height = Some(height).filter(|h| *h > 0);
    let parts: Vec<&str> = r.path.trim_start_matches('/').split('/').collect();
    match parts.as_slice() {
        ["store", name, "key"] => store(app, name, r, height).unwrap_or_else(|e| refusal(&e)),
        ["app", "version"] => ResponseQuery { codespace: "sdk".to_owned(), ..plain(env!("CARGO_PKG_VERSION"), app) },
        ["app", "simulate"] => simulate(app, &r.data).unwrap_or_else(|e| refusal(&e)),
        ["app", second, ..] => refusal(&sdk::unknown_request(format!("unknown query: [app {}]", shortened(second)))),
        ["app"] => refusal(&sdk::unknown_request("expected second parameter to be either 'simulate' or 'version', neither was present")),
        // CometBFT asks whether it may talk to a peer, if it is configured to.
        ["p2p", "filter", _, _] => ResponseQuery::default(),
        _ if app.answers(&r.path) => match app.query(&r.path, &r.data, height) {
            Ok(found) => ResponseQuery { value: found.value.into(), height: signed(found.height), ..Default::default() },
            Err(e) => rpc_refusal(&e),
        },
        _ => match services.and_then(|services| services.answer(&r.path, &r.data)) {
            Some(Ok(value)) => ResponseQuery { value: value.into(), height: signed(app.height()), ..Default::default() },
            Some(Err(e)) => rpc_refusal(&e),
            None => refusal(&sdk::unknown_request("unknown query path")),
        },
    }
}

fn store(app: &App, name: &str, r: &RequestQuery, height: Option<u64>) -> Result<ResponseQuery> {
    let found = app.store_value(name, &r.data, height, r.prove)?;
    let ops = found.proof.iter().map(|op| ProofOp { r#type: op.kind.to_owned(), key: op.key.clone(), data: op.data() }).collect();
    Ok(ResponseQuery {
        key: r.data.clone(),
        value: found.value.into(),
        height: signed(found.height),
        proof_ops: r.prove.then_some(ProofOps { ops }),
        ..Default::default()
    })
}

/// The simulation's result as JSON, unlike the gRPC query of the same purpose.
fn simulate(app: &App, tx: &[u8]) -> Result<ResponseQuery> {
    let result = app.simulate(tx)?;
    // A `SimulationResponse` has the fields of the `SimulateResponse` that the API answers with.
    let json = Dialect::cairn().encode_bytes("cosmos.base.abci.v1beta1.SimulationResponse", &result);
    Ok(plain(&json.map_err(sdk::invalid_type)?.to_string(), app))
}

fn plain(value: &str, app: &App) -> ResponseQuery {
    ResponseQuery { value: value.to_owned().into(), height: signed(app.height()), ..Default::default() }
}

/// A refusal as it is.
fn refusal(e: &Error) -> ResponseQuery {
    ResponseQuery { code: e.code, codespace: e.codespace.to_owned(), log: e.log.clone(), ..Default::default() }
}

/// As much of a text from outside as a log repeats.
fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

/// A refusal by a query's handler, or of a height that is not kept, in the form that the Cosmos SDK gives to what gRPC refuses: clients search its text.
fn rpc_refusal(e: &Error) -> ResponseQuery {
    if *e == sdk::invalid_height(e.reason()) {
        return refusal(e);
    }
    let (code, text) = match e.status {
        Status::NotFound => (22, "key not found"),
        Status::InvalidArgument | Status::FailedPrecondition => (18, "invalid request"),
        Status::Unauthenticated => (4, "unauthorized"),
        _ => (6, "unknown request"),
    };
    let log = format!("rpc error: code = {} desc = {}: {text}", e.status.name(), e.reason());
    ResponseQuery { code, codespace: "sdk".to_owned(), log, ..Default::default() }
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
