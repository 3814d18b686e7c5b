//! A Cairn chain as a program outside of it sees it: queries, signed transactions, blocks, keys.
mod chain;
mod gateway;
pub mod keys;

pub use chain::{Chain, Done, Refused, Signer};
pub use gateway::{Gateway, NotGiven};
