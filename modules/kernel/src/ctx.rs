//! The execution context: `&Ctx` may read, `&mut Ctx` may write.
use std::cell::Cell;

use prost::{Message, Name};

use crate::{Address, Overlay, Result, Router, Store, error::Kernel, sdk};

/// Gas of state access, in the amounts of the Cosmos SDK's key-value store.
pub mod gas {
    /// Looking whether a key is there.
    pub const HAS: u64 = 1_000;
    /// Reading a value, before its bytes.
    pub const READ: u64 = 1_000;
    /// Each byte read.
    pub const READ_BYTE: u64 = 3;
    /// Writing a value, before its bytes.
    pub const WRITE: u64 = 2_000;
    /// Each byte written, key and value.
    pub const WRITE_BYTE: u64 = 30;
    /// Deleting a key.
    pub const DELETE: u64 = 1_000;
    /// Each step of an iteration, before its bytes.
    pub const STEP: u64 = 30;
    /// Each 64 bytes hashed, or part of them.
    pub const HASH_BLOCK: u64 = 10;
}

/// What consensus says of the block being run.
#[derive(Debug, Clone, Default)]
pub struct BlockInfo {
    /// Height, from 1.
    pub height: u64,
    /// Seconds since the epoch, as agreed by the validators.
    pub time: u64,
    /// Nanoseconds within that second.
    pub nanos: u32,
    /// The chain's name.
    pub chain_id: String,
    /// Consensus address of the block's proposer.
    pub proposer: Vec<u8>,
    /// The app hash that this block's header carries: of the state before it.
    pub app_hash: Vec<u8>,
    /// Hash of the validators of the next block.
    pub next_validators_hash: Vec<u8>,
    /// Who signed the block before this one, of all who could have. Known only while a decided block runs.
    pub votes: Vec<Vote>,
    /// Proven misbehavior that this block carries. Known only while a decided block runs.
    pub misbehavior: Vec<Infraction>,
}

/// A validator's part in the commit of the block before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vote {
    /// Its consensus address.
    pub validator: Vec<u8>,
    /// Its voting power in that commit.
    pub power: u64,
    /// Whether it was there, be it with a vote for no block.
    pub present: bool,
}

/// A validator's proven misbehavior: two votes at one height, or an attack on light clients.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Infraction {
    /// Its consensus address.
    pub validator: Vec<u8>,
    /// Its voting power then.
    pub power: u64,
    /// The height at which it happened.
    pub height: u64,
    /// Seconds since the epoch, of the block at that height.
    pub time: u64,
    /// Nanoseconds within that second.
    pub nanos: u32,
}

/// A meter that stops work at its limit.
#[derive(Debug)]
pub struct Gas {
    limit: u64,
    used: Cell<u64>,
}

impl Gas {
    /// A meter that stops at `limit`.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Self { limit, used: Cell::new(0) }
    }
    /// A meter for work that consensus itself asks for: block hooks and genesis.
    #[must_use]
    pub fn unlimited() -> Self {
        Self::new(u64::MAX)
    }
    /// Charges `amount` for work that is not state access.
    pub fn consume(&self, amount: u64) -> Result<()> {
        self.consume_at(amount, "compute")
    }
    /// Charges `amount`; `location` says for what when the limit is passed.
    pub fn consume_at(&self, amount: u64, location: &str) -> Result<()> {
        self.used.set(self.used.get().saturating_add(amount));
        if self.used.get() > self.limit {
            let (limit, used) = (self.limit, self.used.get());
            return Err(sdk::out_of_gas(format!("out of gas in location: {location}; gasWanted: {limit}, gasUsed: {used}")));
        }
        Ok(())
    }
    /// Charges for hashing `bytes` bytes.
    pub fn hash(&self, bytes: usize) -> Result<()> {
        let blocks = u64::try_from(bytes).unwrap_or(u64::MAX).div_ceil(64).max(1);
        self.consume_at(blocks.saturating_mul(gas::HASH_BLOCK), "hash")
    }
    /// Gas charged so far; may be above the limit by the last charge.
    pub fn used(&self) -> u64 {
        self.used.get()
    }
    /// The limit.
    pub fn limit(&self) -> u64 {
        self.limit
    }
}

/// What an event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// An encoded protobuf message, named by the event's kind; JSON attributes are made at the ABCI edge.
    Typed(Vec<u8>),
    /// Attributes as they are, for the names that Cosmos clients search.
    Raw(Vec<(String, String)>),
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Full protobuf name, or the Cosmos SDK's event type.
    pub kind: String,
    /// Its content.
    pub payload: Payload,
}

/// Messages may run messages (a passed proposal, a grant) to this depth.
const MAX_DEPTH: u8 = 4;

/// Everything a handler can touch.
pub struct Ctx<'a> {
    store: &'a mut dyn Store,
    block: &'a BlockInfo,
    gas: &'a Gas,
    router: &'a Router,
    events: Vec<Event>,
    depth: u8,
}

impl<'a> Ctx<'a> {
    /// A context over `store`.
    pub fn new(store: &'a mut dyn Store, block: &'a BlockInfo, gas: &'a Gas, router: &'a Router) -> Self {
        Self { store, block, gas, router, events: Vec::new(), depth: 0 }
    }
    /// The block being run; for a query, the newest committed block at the asked height.
    #[must_use]
    pub fn block(&self) -> &'a BlockInfo {
        self.block
    }
    /// The meter, for work that is not state access (proof verification, hashing).
    #[must_use]
    pub fn gas(&self) -> &'a Gas {
        self.gas
    }
    /// What higher modules registered under a trait of a lower one, in the order of the module list.
    #[must_use]
    pub fn hooks<H: Send + Sync + 'static>(&self) -> &'a [H] {
        self.router.hooks()
    }
    /// Records a typed event.
    pub fn emit<E: Message + Name>(&mut self, event: &E) {
        self.events.push(Event { kind: E::full_name(), payload: Payload::Typed(event.encode_to_vec()) });
    }
    /// Records an event under a name that Cosmos clients search.
    pub fn emit_raw(&mut self, kind: &str, attributes: &[(&str, &str)]) {
        let attributes = attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        self.events.push(Event { kind: kind.to_owned(), payload: Payload::Raw(attributes) });
    }
    /// The events so far.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }
    /// Adds an attribute to those events from the place `from` on that have attributes as they are.
    pub fn mark_events(&mut self, from: usize, key: &str, value: &str) {
        for event in self.events.iter_mut().skip(from) {
            if let Payload::Raw(pairs) = &mut event.payload {
                pairs.push((key.to_owned(), value.to_owned()));
            }
        }
    }
    /// Whether a message has a handler.
    #[must_use]
    pub fn handles(&self, url: &str) -> bool {
        self.router.response_url(url).is_ok()
    }
    /// Whose signatures a message needs, as [`Router::signers`].
    pub fn signers(&self, url: &str, bytes: &[u8]) -> Result<Vec<Address>> {
        self.router.signers(url, bytes)
    }
    /// Takes the events so far out, so that the caller can mark where they came from.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }
    /// Runs `f`; keeps its writes and events only if it succeeds. Gas stays spent either way.
    pub fn atomic<T>(&mut self, f: impl FnOnce(&mut Ctx) -> Result<T>) -> Result<T> {
        let mut overlay = Overlay::new(&*self.store);
        let mut inner =
            Ctx { store: &mut overlay, block: self.block, gas: self.gas, router: self.router, events: Vec::new(), depth: self.depth };
        let out = f(&mut inner)?;
        let events = inner.events;
        for (key, value) in overlay.into_writes() {
            self.store.put(&key, value);
        }
        self.events.extend(events);
        Ok(out)
    }
    /// Runs `f` under another meter, as a transaction within a block; all or nothing like [`Ctx::atomic`].
    pub fn metered<T>(&mut self, gas: &Gas, f: impl FnOnce(&mut Ctx) -> Result<T>) -> Result<T> {
        let mut inner = Ctx { store: &mut *self.store, block: self.block, gas, router: self.router, events: Vec::new(), depth: self.depth };
        let out = inner.atomic(f)?;
        let events = inner.events;
        self.events.extend(events);
        Ok(out)
    }
    /// Runs a message that `account` alone signs, as governance does for a passed proposal; all or nothing.
    pub fn execute(&mut self, account: &Address, url: &str, bytes: &[u8]) -> Result<Vec<u8>> {
        let router = self.router;
        let signers = router.signers(url, bytes)?;
        if signers.as_slice() != [*account] {
            return Err(sdk::unauthorized(format!("{account} must be the only signer of {url}")));
        }
        if self.depth >= MAX_DEPTH {
            return Err(Kernel::Depth(MAX_DEPTH).into());
        }
        self.atomic(|ctx| {
            ctx.depth = ctx.depth.saturating_add(1);
            router.execute(ctx, url, bytes)
        })
    }
    pub(crate) fn has(&self, key: &[u8]) -> Result<bool> {
        self.gas.consume_at(gas::HAS, "Has")?;
        Ok(self.store.get(key).is_some())
    }
    pub(crate) fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.gas.consume_at(gas::READ, "ReadFlat")?;
        let value = self.store.get(key);
        let bytes = key.len().saturating_add(value.as_ref().map_or(0, Vec::len));
        self.gas.consume_at(per_byte(bytes, gas::READ_BYTE), "ReadPerByte")?;
        Ok(value)
    }
    pub(crate) fn write(&mut self, key: &[u8], value: Vec<u8>) -> Result<()> {
        self.gas.consume_at(gas::WRITE, "WriteFlat")?;
        self.gas.consume_at(per_byte(key.len().saturating_add(value.len()), gas::WRITE_BYTE), "WritePerByte")?;
        self.store.put(key, Some(value));
        Ok(())
    }
    pub(crate) fn delete(&mut self, key: &[u8]) -> Result<()> {
        self.gas.consume_at(gas::DELETE, "Delete")?;
        self.store.put(key, None);
        Ok(())
    }
    pub(crate) fn scan(&self, from: &[u8], to: &[u8], reverse: bool) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
        let found = if reverse { self.store.prev(from, to) } else { self.store.next(from, to) };
        let bytes = found.as_ref().map_or(0, |(k, v)| k.len().saturating_add(v.len()));
        self.gas.consume_at(gas::STEP.saturating_add(per_byte(bytes, gas::READ_BYTE)), "IterNext")?;
        Ok(found)
    }
}

fn per_byte(bytes: usize, price: u64) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(price)
}
