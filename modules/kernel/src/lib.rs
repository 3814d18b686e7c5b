//! What every module stands on: typed state, the execution context, routes and the [`Module`] trait. It knows no module.
mod account;
mod coin;
mod ctx;
mod decimal;
mod error;
mod instant;
mod key;
pub mod merkle;
mod module;
mod page;
mod rate;
mod route;
pub mod sdk;
mod state;
mod store;
mod tag;
pub mod testing;

pub use account::{Address, ModuleAccount, PREFIX};
pub use coin::{BASE_DENOM, Coin, Coins, check_denom};
pub use ctx::{BlockInfo, Ctx, Event, Gas, Infraction, Payload, Vote, gas};
pub use decimal::Dec;
pub use error::{Coded, Error, Result, Status};
pub use instant::Instant;
pub use key::{Key, key_prefix};
pub use module::{AnyModule, Invariant, Module, erase, report};
pub use page::{DEFAULT_LIMIT, MAX_LIMIT, MAX_UNASKED_COUNT, Page, PageRequest};
pub use rate::{BPS, bps};
pub use route::{MsgRoute, QueryRoute, Router};
pub use state::{Entry, Item, Map, Sequence, Set, Table};
pub use store::{MemStore, Overlay, Store, Writes};
pub use tag::{chain32, tag};

#[cfg(test)]
mod tests;
