//! Classes of hardware, which governance lists.
use cairn_kernel::{Ctx, Result};
use cairn_proto::cairn::compute::v1::{Class, EventClassSet, MsgSetClass};

use crate::{
    Error,
    state::{CLASS_IDS, CLASSES},
};

/// Longest name of a class, in bytes.
const MAX_NAME: usize = 64;
/// Longest description of a class, in bytes.
const MAX_DESCRIPTION: usize = 512;
/// Most classes: what a block looks at in any case.
pub(super) const MAX_CLASSES: u64 = 64;

/// Adds a class, or changes one. Gives its number.
pub(crate) fn set(ctx: &mut Ctx, m: MsgSetClass) -> Result<u64> {
    let mut class = if m.class_id > 0 { load(ctx, m.class_id)? } else { Class { id: next(ctx)?, ..Class::default() } };
    (class.name, class.description, class.giga_macs, class.closed) = (m.name, m.description, m.giga_macs, m.closed);
    check(&class)?;
    CLASSES.set(ctx, &class.id, &class)?;
    ctx.emit(&EventClassSet { class_id: class.id, name: class.name, closed: class.closed });
    Ok(class.id)
}

fn next(ctx: &mut Ctx) -> Result<u64> {
    let id = CLASS_IDS.next(ctx)?;
    if id > MAX_CLASSES { Err(Error::Classes.into()) } else { Ok(id) }
}

/// Refuses texts outside their bounds.
pub(super) fn check(class: &Class) -> Result<(), Error> {
    let fits = (1..=MAX_NAME).contains(&class.name.len()) && class.description.len() <= MAX_DESCRIPTION;
    if fits { Ok(()) } else { Err(Error::Classes) }
}

/// The class of a number.
pub(crate) fn load(ctx: &Ctx, id: u64) -> Result<Class> {
    Ok(CLASSES.get(ctx, &id)?.ok_or(Error::NoClass(id))?)
}

/// The class of a number, where it takes jobs and offers.
pub(crate) fn takes_jobs(ctx: &Ctx, id: u64) -> Result<Class> {
    let class = load(ctx, id)?;
    if class.closed { Err(Error::NoClass(id).into()) } else { Ok(class) }
}
