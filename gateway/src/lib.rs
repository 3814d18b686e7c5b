//! The gateway: keeps the content of jobs and assets by hash, and gives it to those whom the chain admits. See the README.
mod admission;
mod chain;
mod collect;
mod config;
mod connection;
mod delivery;
mod gateway;
mod hash;
mod http;
mod intake;
mod manifest;
mod metrics;
mod quota;
mod recent;
mod refusal;
mod server;
mod sign_in;
mod store;
mod turns;
mod upload;

pub use collect::Report;
pub use config::{Collect, Config, Limits, S3, SignIn};
pub use gateway::Gateway;
pub use server::serve;
