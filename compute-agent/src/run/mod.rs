//! `cairn-agent run`: what an agent does by itself.
mod agent;
mod auction;
mod audit;
mod contest;
mod journal;
mod lab;
mod node;
mod redundant;
mod world;

pub use agent::{Agent, Settings};
pub use auction::Ask;
pub use journal::{Entry, Journal, Known};
pub use lab::{Lab, Order, Solved, Standing};
pub use node::Node;
pub use world::{World, WorldError};
