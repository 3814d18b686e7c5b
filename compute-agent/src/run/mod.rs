//! `cairn-agent run`: what an agent does by itself.
mod agent;
mod auction;
mod audit;
mod content;
mod contest;
mod fetch;
mod journal;
mod lab;
mod metrics;
mod node;
mod proven;
mod redundant;
mod store;
mod vault;
mod world;

pub(crate) use agent::coin as amount;
pub use agent::{Agent, Settings};
pub use auction::Ask;
pub use journal::{Entry, Journal, Known};
pub use lab::{Lab, Order, Solved, Standing};
pub use metrics::{Metrics, serve_metrics};
pub use node::Node;
pub use proven::{Proofs, Proving};
pub use vault::{Private, Sealed, Vault};
pub use world::{Need, World, WorldError};
