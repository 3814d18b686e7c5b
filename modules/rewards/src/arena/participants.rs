//! Participants: registered at a price, evicted by standing.
use cairn_kernel::{Address, Coin, Ctx, Result, key_prefix};
use cairn_proto::cairn::rewards::v1::{
    Arena, EventParticipantEvicted, EventParticipantRegistered, MsgRegister, MsgRegisterResponse, Participant,
};

use super::{rules, usable};
use crate::{
    Error, amount, forfeit,
    state::{ARENAS, PARTICIPANTS, REGISTERED},
};

/// Handles `MsgRegister`.
pub(crate) fn register(ctx: &mut Ctx, m: MsgRegister) -> Result<MsgRegisterResponse> {
    let account = Address::parse(&m.participant)?;
    rules::check_content(&m.uri, &m.sha256)?;
    let mut arena = usable(ctx, m.arena)?;
    if let Some(registration) = REGISTERED.get(ctx, &(m.arena, account))? {
        return Err(Error::Registered { account: account.to_string(), registration, arena: m.arena }.into());
    }
    let settled = arena.rules.clone().ok_or(Error::NoRules)?;
    let evicted = if arena.participants < settled.max_participants { 0 } else { evict(ctx, &mut arena, settled.immunity_epochs)? };
    let price = Coin::base(amount::read(&settled.registration_price)?);
    forfeit(ctx, &account, &price, cairn_kernel::BPS)?;

    let registration = arena.last_registration.checked_add(1).ok_or(Error::Overflow)?;
    arena.last_registration = registration;
    arena.participants = arena.participants.checked_add(1).ok_or(Error::Overflow)?;
    let participant = Participant {
        arena: m.arena,
        registration,
        account: account.to_string(),
        uri: m.uri,
        sha256: m.sha256,
        registered_epoch: arena.epoch,
        ..Participant::default()
    };
    PARTICIPANTS.set(ctx, &(m.arena, registration), &participant)?;
    REGISTERED.set(ctx, &(m.arena, account), &registration)?;
    ARENAS.set(ctx, &m.arena, &arena)?;
    let price = amount::text(price.amount);
    ctx.emit(&EventParticipantRegistered { arena: m.arena, registration, participant: account.to_string(), price });
    Ok(MsgRegisterResponse { registration, evicted })
}

/// Removes the participant of the lowest standing, of equal ones the oldest, that is no longer immune; what it earned stays claimable.
fn evict(ctx: &mut Ctx, arena: &mut Arena, immunity: u32) -> Result<u64> {
    let mut lowest: Option<Participant> = None;
    for entry in PARTICIPANTS.range(ctx, &key_prefix(&arena.id)) {
        let (_, participant) = entry?;
        let free_from = participant.registered_epoch.saturating_add(immunity.into());
        if arena.epoch > free_from && lowest.as_ref().is_none_or(|least| participant.standing_q32 < least.standing_q32) {
            lowest = Some(participant);
        }
    }
    let Participant { registration, account, .. } = lowest.ok_or(Error::Full { arena: arena.id, most: arena.participants })?;
    PARTICIPANTS.remove(ctx, &(arena.id, registration))?;
    REGISTERED.remove(ctx, &(arena.id, Address::parse(&account)?))?;
    arena.participants = arena.participants.checked_sub(1).ok_or(Error::Overflow)?;
    ctx.emit(&EventParticipantEvicted { arena: arena.id, registration, participant: account });
    Ok(registration)
}
