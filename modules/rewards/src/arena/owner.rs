//! What an arena's owner, governance and who finds it stopped may do.
use cairn_auth as auth;
use cairn_kernel::{Address, BPS, Coin, Ctx, Result};
use cairn_proto::cairn::rewards::v1::{
    Arena, ArenaState, EventArenaCreated, EventArenaListed, EventArenaRetried, EventArenaUpdated, MsgCreateArena, MsgListArena,
    MsgRetryArena, MsgUpdateArena,
};

use super::{arena, rules};
use crate::{
    Error, amount, forfeit,
    state::{self, ARENA_IDS, ARENAS, DUE, LISTINGS},
};

/// Handles `MsgCreateArena`. Gives the arena's number.
pub(crate) fn create(ctx: &mut Ctx, m: MsgCreateArena) -> Result<u64> {
    let owner = Address::parse(&m.owner)?;
    let params = state::params(ctx)?;
    let settled = m.rules.ok_or(Error::NoRules)?;
    rules::check(&settled, &params)?;
    rules::check_title(&m.title)?;
    rules::check_content(&m.uri, &m.sha256)?;
    let fee = amount::read(&params.arena_fee)?;
    forfeit(ctx, &owner, &Coin::base(fee), BPS)?;

    let id = ARENA_IDS.next(ctx)?;
    let arena = Arena {
        id,
        owner: owner.to_string(),
        title: m.title,
        uri: m.uri,
        sha256: m.sha256,
        rules: Some(settled),
        state: ArenaState::Dormant.into(),
        created: ctx.block().height,
        issuance: amount::text(0),
        ..Arena::default()
    };
    ARENAS.set(ctx, &id, &arena)?;
    ctx.emit(&EventArenaCreated { arena: id, owner: arena.owner, fee: amount::text(fee) });
    Ok(id)
}

/// Handles `MsgUpdateArena`.
pub(crate) fn update(ctx: &mut Ctx, m: MsgUpdateArena) -> Result<()> {
    let owner = Address::parse(&m.owner)?;
    let mut arena = arena(ctx, m.arena)?;
    if arena.owner != owner.to_string() {
        return Err(Error::NotOwner { arena: m.arena, owner: arena.owner }.into());
    }
    let admit = accounts(&m.admit)?;
    let dismiss = accounts(&m.dismiss)?;
    if let Some(changed) = m.rules {
        rules::check(&changed, &state::params(ctx)?)?;
        arena.next_rules = Some(changed);
    }
    if arena.state() == ArenaState::Dormant {
        arena.rules = arena.next_rules.take().or(arena.rules);
    }
    if !m.uri.is_empty() {
        rules::check_content(&m.uri, &m.sha256)?;
        arena.uri = m.uri;
        arena.sha256 = m.sha256;
    }
    if !m.new_owner.is_empty() {
        arena.owner = Address::parse(&m.new_owner)?.to_string();
    }
    admit.iter().try_for_each(|account| LISTINGS.insert(ctx, &(m.arena, *account)))?;
    dismiss.iter().try_for_each(|account| LISTINGS.remove(ctx, &(m.arena, *account)))?;
    ARENAS.set(ctx, &m.arena, &arena)?;
    ctx.emit(&EventArenaUpdated { arena: m.arena, owner: arena.owner });
    Ok(())
}

/// Addresses from text, not too many.
fn accounts(texts: &[String]) -> Result<Vec<Address>> {
    if texts.len() > rules::MAX_ACCOUNTS {
        return Err(Error::Accounts { most: rules::MAX_ACCOUNTS, found: texts.len() }.into());
    }
    texts.iter().map(|text| Address::parse(text)).collect()
}

/// Handles `MsgListArena`.
pub(crate) fn list(ctx: &mut Ctx, m: &MsgListArena) -> Result<()> {
    auth::require_authority(&m.authority)?;
    let issuance = amount::read(&m.issuance).map_err(|_| Error::Amount("issuance"))?;
    let mut arena = arena(ctx, m.arena)?;

    arena.issuance = amount::text(issuance);
    ARENAS.set(ctx, &m.arena, &arena)?;
    ctx.emit(&EventArenaListed { arena: m.arena, issuance: arena.issuance });
    Ok(())
}

/// Handles `MsgRetryArena`: the epoch's end is due again in this block.
pub(crate) fn retry(ctx: &mut Ctx, m: &MsgRetryArena) -> Result<()> {
    let sender = Address::parse(&m.sender)?;
    let mut arena = arena(ctx, m.arena)?;
    if arena.state() != ArenaState::Stopped {
        return Err(Error::NotStopped(m.arena).into());
    }

    arena.set_state(ArenaState::Running);
    DUE.insert(ctx, &(arena.ends, m.arena))?;
    ARENAS.set(ctx, &m.arena, &arena)?;
    ctx.emit(&EventArenaRetried { arena: m.arena, sender: sender.to_string() });
    Ok(())
}
