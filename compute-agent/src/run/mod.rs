//! `cairn-agent run`: what an agent does by itself.
mod agent;
mod contest;
mod journal;
mod lab;
mod node;
mod proven;
mod vault;
mod world;

pub use agent::{Agent, Settings};
pub use journal::{Entry, Journal, Known};
pub use lab::{Lab, Order, Solved, Standing};
pub use node::Node;
pub use proven::{Proofs, Proving};
pub use vault::{Private, Sealed, Vault};
pub use world::{World, WorldError};
