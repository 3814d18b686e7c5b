//! The node core: the state machine of the chain behind ABCI, and the front doors to its state.
pub mod abci;
pub mod admin;
pub mod amino;
mod ante;
pub mod api;
mod app;
pub mod arbitrary;
mod beacon;
pub mod chain_info;
pub mod cli;
pub mod config;
pub mod disk;
mod exit;
mod files;
mod health;
pub mod logging;
pub mod metrics;
pub mod modules;
mod parallel;
mod shutdown;
pub mod truth;
pub mod tx;
pub mod upgrades;
mod version;

pub use ante::{GasPrice, NotAPrice};
pub use app::{
    APP_VERSION, App, Bad, Block, Elected, Emitted, Exported, Fault, Finalized, Genesis, Origin, Outcome, Settings, Snapshotting,
    StoreAnswer, Unacceptable, Validator,
};
pub use beacon::BeaconKeys;
pub use exit::Exit;
pub use shutdown::Shutdown;

/// What a panic said, for the log.
pub(crate) fn panic_text(payload: &(dyn std::any::Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("of unknown kind")
}
