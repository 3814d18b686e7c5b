//! What this program is.
use serde_json::{Value, json};

/// What the program can do beyond the chain's rules, for who must know before asking.
const FEATURES: [&str; 5] = ["amino-json", "grpc", "grpc-web", "metrics", "rest"];

/// Name, version, commit, features and layouts; `comet` is the version of the CometBFT that runs, if it answers.
pub(crate) fn document(comet: Option<&str>) -> Value {
    json!({
        "name": "cairn",
        "app_name": "cairnd",
        "version": env!("CARGO_PKG_VERSION"),
        "git_commit": option_env!("CAIRN_GIT_COMMIT").unwrap_or_default(),
        "cosmos_sdk_version": crate::api::COSMOS_SDK_VERSION,
        "features": FEATURES,
        "app_version": crate::APP_VERSION,
        "store_schema": cairn_store::SCHEMA,
        "cometbft": comet,
    })
}
