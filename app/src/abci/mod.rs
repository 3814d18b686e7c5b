//! ABCI 2.0: a socket server for any [`tendermint_abci::Application`], and [`Node`], which is ours.

mod dispatch;
mod frame;
mod server;


pub use server::{Endpoint, Limits, Server};
