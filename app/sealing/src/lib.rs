//! Folders sealed into items under one content key, and opened again: what stands between files and `cairn-content`.
mod item;
mod listing;
mod manifest;
mod open;
mod seal;
#[cfg(test)]
mod tests;

pub use manifest::{Entry, MANIFEST, Manifest};
pub use open::{Opened, Sealed, open_folder};
pub use seal::{Summary, item_path, seal_folder};

/// Plain bytes of an item at most: with its tags an item stays below what gateways take by default, 64 MiB.
pub const PART: u64 = 32 << 20;

/// Told of every piece of work done: bytes so far, and of how many.
pub type Progress<'a> = dyn FnMut(u64, u64) + 'a;
