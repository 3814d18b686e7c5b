//! The one trait a module implements, and its type-erased twin that the app holds.
use std::sync::Arc;

use prost::{Message, Name};

use crate::{Ctx, Result, Router, Table, error::Kernel};

/// A named check of state that must hold after every block.
pub type Invariant = (&'static str, fn(&Ctx) -> Result<(), String>);

/// What an invariant that looks for a fault tells: the fault, or what kept it from looking.
///
/// # Errors
/// Either of them, as text.
pub fn report(found: Result<Option<String>>) -> Result<(), String> {
    match found {
        Ok(None) => Ok(()),
        Ok(Some(fault)) => Err(fault),
        Err(error) => Err(error.to_string()),
    }
}

/// A part of the state machine.
pub trait Module: Send + Sync + 'static {
    /// Store prefix, error codespace and key in the genesis file.
    const NAME: &'static str;
    /// Every collection the module owns.
    const TABLES: &'static [Table];
    /// The module's part of the genesis file.
    type Genesis: Message + Name + Default;

    /// Adds the module's generated services and its hooks into lower modules.
    fn routes(self: &Arc<Self>, router: &mut Router);
    /// What a new chain starts with where its makers say nothing: default parameters and no content.
    fn default_genesis(&self) -> Self::Genesis {
        Self::Genesis::default()
    }
    /// Fills an empty store. An error refuses the genesis file.
    fn init(&self, ctx: &mut Ctx, genesis: Self::Genesis) -> Result<()>;
    /// The inverse of [`Module::init`].
    fn export(&self, ctx: &Ctx) -> Result<Self::Genesis>;
    /// Runs before the block's transactions. An error undoes what this hook did and is reported as an event.
    fn begin_block(&self, _ctx: &mut Ctx) -> Result<()> {
        Ok(())
    }
    /// Runs after the block's transactions. An error undoes what this hook did and is reported as an event.
    fn end_block(&self, _ctx: &mut Ctx) -> Result<()> {
        Ok(())
    }
    /// Checks for tests, simulations and `cairnd check`.
    fn invariants(&self) -> Vec<Invariant> {
        vec![]
    }
}

/// Puts a module into the app's list.
pub fn erase(module: impl Module) -> Box<dyn AnyModule> {
    Box::new(Arc::new(module))
}

/// [`Module`] without its types, so that the app can hold a list. Never implemented by hand.
pub trait AnyModule: Send + Sync {
    /// [`Module::NAME`].
    fn name(&self) -> &'static str;
    /// [`Module::TABLES`].
    fn tables(&self) -> &'static [Table];
    /// The protobuf name of [`Module::Genesis`].
    fn genesis_type(&self) -> String;
    /// [`Module::routes`].
    fn routes(&self, router: &mut Router);
    /// [`Module::default_genesis`], as bytes.
    fn default_genesis(&self) -> Vec<u8>;
    /// [`Module::init`], from bytes.
    fn init(&self, ctx: &mut Ctx, genesis: &[u8]) -> Result<()>;
    /// [`Module::export`], to bytes.
    fn export(&self, ctx: &Ctx) -> Result<Vec<u8>>;
    /// [`Module::begin_block`].
    fn begin_block(&self, ctx: &mut Ctx) -> Result<()>;
    /// [`Module::end_block`].
    fn end_block(&self, ctx: &mut Ctx) -> Result<()>;
    /// [`Module::invariants`].
    fn invariants(&self) -> Vec<Invariant>;
}

impl<M: Module> AnyModule for Arc<M> {
    fn name(&self) -> &'static str {
        M::NAME
    }
    fn tables(&self) -> &'static [Table] {
        M::TABLES
    }
    fn genesis_type(&self) -> String {
        M::Genesis::full_name()
    }
    fn routes(&self, router: &mut Router) {
        M::routes(self, router);
    }
    fn default_genesis(&self) -> Vec<u8> {
        M::default_genesis(self).encode_to_vec()
    }
    fn init(&self, ctx: &mut Ctx, genesis: &[u8]) -> Result<()> {
        let genesis = M::Genesis::decode(genesis).map_err(|_| Kernel::Corrupt("genesis"))?;
        M::init(self, ctx, genesis)
    }
    fn export(&self, ctx: &Ctx) -> Result<Vec<u8>> {
        Ok(M::export(self, ctx)?.encode_to_vec())
    }
    fn begin_block(&self, ctx: &mut Ctx) -> Result<()> {
        M::begin_block(self, ctx)
    }
    fn end_block(&self, ctx: &mut Ctx) -> Result<()> {
        M::end_block(self, ctx)
    }
    fn invariants(&self) -> Vec<Invariant> {
        M::invariants(self)
    }
}
