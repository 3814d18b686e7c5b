//! `cairn-agent run`: what an agent does by itself.
mod agent;
mod contest;
mod journal;
mod lab;
mod node;
mod world;

pub use agent::{Agent, Settings};
pub use journal::{Entry, Journal, Known};
pub use lab::{Lab, Order, Solved, Standing};
pub use node::Node;
pub use world::{World, WorldError};
