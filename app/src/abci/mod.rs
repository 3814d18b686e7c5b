//! ABCI 2.0: a socket server for any [`tendermint_abci::Application`], and [`Node`], which is ours.
mod adapter;
mod dispatch;
mod frame;
mod query;
mod server;
mod snapshots;

pub use adapter::Node;
pub(crate) use server::bind_unix;
pub use server::{Endpoint, Limits, Server};
