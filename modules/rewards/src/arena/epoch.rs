//! An arena's epochs: opened by the first bond, worked out when they end, so many a block as its share of work allows.
use std::collections::BTreeMap;

use cairn_kernel::{Address, Coin, Coins, Ctx, Error as KernelError, Result, bps, key_prefix, tag};
use cairn_proto::{
    cairn::rewards::v1::{
        Arena, ArenaEpoch, ArenaState, BondRow, EventArenaEpochClosed, EventArenaStopped, EventScorerSlashed, Participant, ParticipantBond,
        Scorer,
    },
    coin,
};
use sha2::{Digest, Sha256};

use super::{
    ARENA_ACCOUNT, arena,
    consensus::{self, Ballot, Outcome},
    pots, rules, scores, seats, weight,
};
use crate::{
    Error, amount, forfeit,
    state::{ARENA_EPOCHS, ARENAS, BONDS, DUE, PARTICIPANTS, SCORERS, SCORES},
};

/// Scores looked at in one block, over all arenas: two of the largest, or hundreds of small ones. What is left waits for the next block.
pub(crate) const CELLS_PER_BLOCK: u64 = 32_768;
/// What working out an epoch costs beside its scores, in the same unit.
const CELLS_AN_EPOCH: u64 = 64;
/// What a slashed bond burns, in basis points; the rest goes to the pool.
const SLASH_BURNT_BPS: u32 = 5_000;
/// Most characters of a fault that are kept.
const FAULT: usize = 200;

/// Opens the next epoch from the next block on. The caller writes the arena.
pub(crate) fn open(ctx: &mut Ctx, arena: &mut Arena) -> Result<()> {
    if let Some(rules) = arena.next_rules.take() {
        arena.rules = Some(rules);
    }
    let (blocks, reveal) = arena.rules.as_ref().map(|r| (r.epoch_blocks, r.reveal_blocks)).ok_or(Error::NoRules)?;
    arena.epoch = arena.epoch.checked_add(1).ok_or(Error::Overflow)?;
    arena.starts = ctx.block().height.checked_add(1).ok_or(Error::Overflow)?;
    arena.ends = ctx.block().height.checked_add(blocks).ok_or(Error::Overflow)?;
    arena.commit_until = arena.ends.checked_sub(reveal).ok_or(Error::Overflow)?;
    arena.set_state(ArenaState::Running);
    DUE.insert(ctx, &(arena.ends, arena.id))
}

/// Works out the epochs that are over, oldest first, at least one and then until the block's share of work is done.
pub(crate) fn end_block(ctx: &mut Ctx) -> Result<()> {
    let height = ctx.block().height;
    let mut spent = 0_u64;
    while spent < CELLS_PER_BLOCK {
        let next = DUE.range(ctx, &[]).next().transpose()?;
        let Some((due, id)) = next.filter(|(due, _)| *due <= height) else { break };
        DUE.remove(ctx, &(due, id))?;
        match ctx.atomic(|ctx| close(ctx, id)) {
            Ok(cells) => spent = spent.saturating_add(cells),
            Err(error) => {
                stop(ctx, id, &error)?;
                spent = spent.saturating_add(CELLS_PER_BLOCK / 2); // how far it came is not known
            }
        }
    }
    Ok(())
}

/// Keeps a failed arena out of the way of the others: its epoch stays as it was, for `MsgRetryArena`.
fn stop(ctx: &mut Ctx, id: u64, error: &KernelError) -> Result<()> {
    let fault: String = error.log.chars().take(FAULT).collect();
    // An arena that cannot even be read is left alone.
    if let Ok(mut arena) = arena(ctx, id) {
        arena.set_state(ArenaState::Stopped);
        arena.fault.clone_from(&fault);
        ctx.emit(&EventArenaStopped { arena: id, epoch: arena.epoch, fault });
        ARENAS.set(ctx, &id, &arena)?;
    }
    Ok(())
}

/// A scorer, and what it brings into the epoch.
struct Voter {
    account: Address,
    record: Scorer,
    ballot: Ballot,
}

/// Works out the running epoch and opens the next one. Gives the work it was, in scores looked at.
fn close(ctx: &mut Ctx, id: u64) -> Result<u64> {
    let mut arena = arena(ctx, id)?;
    let mut participants = PARTICIPANTS.range(ctx, &key_prefix(&id)).map(|e| Ok(e?.1)).collect::<Result<Vec<_>>>()?;
    let mut voters = voters(ctx, &arena, &participants)?;
    let ballots: Vec<Ballot> = voters.iter().map(|v| v.ballot.clone()).collect();
    let outcome = consensus::work_out(participants.len(), &ballots)?;

    let mut report = report(ctx, &arena, &voters, &participants)?;
    report.digest = digest(&arena, &participants, &voters, &outcome)?.to_vec();
    pay(ctx, &arena, &participants, &voters, &outcome, &mut report)?;
    rate_participants(ctx, &mut participants, &outcome)?;
    settle_scorers(ctx, &mut arena, &participants, &mut voters, &outcome)?;
    ARENA_EPOCHS.set(ctx, &(id, report.number), &report)?;
    ctx.emit(&EventArenaEpochClosed { epoch: Some(report) });
    advance(ctx, &mut arena, voters)?;
    ARENAS.set(ctx, &id, &arena)?;
    let cells = participants.len().saturating_add(1).saturating_mul(ballots.len().saturating_add(8));
    Ok(u64::try_from(cells).unwrap_or(u64::MAX).saturating_add(CELLS_AN_EPOCH))
}

/// The scorers with a seat, by account, with their scores and bonds in the order of the participants.
fn voters(ctx: &Ctx, arena: &Arena, participants: &[Participant]) -> Result<Vec<Voter>> {
    let mut voters = Vec::new();
    for entry in SCORERS.range(ctx, &key_prefix(&arena.id)) {
        let ((_, account), record) = entry?;
        if !record.seated {
            continue;
        }
        let scores = match SCORES.get(ctx, &(arena.id, account))? {
            Some(row) if record.revealed_epoch == arena.epoch => Some(placed(participants, &scores::checked(&row.scores)?)),
            _ => None,
        };
        let held = BONDS.get(ctx, &(arena.id, account))?.unwrap_or_default().bonds;
        let bonds = placed(participants, &held.iter().map(|b| (b.registration, b.bond_q32)).collect::<Vec<_>>());
        let weight = weight(ctx, arena.id, &account)?;
        voters.push(Voter { account, record, ballot: Ballot { weight, scores, bonds } });
    }
    Ok(voters)
}

/// Values by registration, ascending, in the order of the participants; what names no participant is passed over.
fn placed<T: Copy + Default>(participants: &[Participant], values: &[(u64, T)]) -> Vec<T> {
    let find = |p: &Participant| values.binary_search_by_key(&p.registration, |(r, _)| *r).ok().and_then(|at| values.get(at));
    participants.iter().map(|p| find(p).map(|(_, value)| *value).unwrap_or_default()).collect()
}

/// The epoch's record, before its money and its digest.
fn report(ctx: &Ctx, arena: &Arena, voters: &[Voter], participants: &[Participant]) -> Result<ArenaEpoch> {
    let count = |n: usize| u32::try_from(n).map_err(|_| Error::Overflow);
    let weigh = |revealed: bool| {
        let counted = voters.iter().filter(|v| !revealed || v.ballot.scores.is_some());
        counted.map(|v| v.ballot.weight).try_fold(0_u128, u128::checked_add).map(amount::text).ok_or(Error::Overflow)
    };
    Ok(ArenaEpoch {
        arena: arena.id,
        number: arena.epoch,
        starts: arena.starts,
        ends: arena.ends,
        closed: ctx.block().height,
        participants: count(participants.len())?,
        scorers: count(voters.len())?,
        committed: count(voters.iter().filter(|v| v.record.committed_epoch == arena.epoch).count())?,
        revealed: count(voters.iter().filter(|v| v.ballot.scores.is_some()).count())?,
        weight: weigh(false)?,
        weight_revealed: weigh(true)?,
        minted: amount::text(0),
        ..ArenaEpoch::default()
    })
}

/// What anybody who works the epoch out again must find:
/// SHA-256(tag | u64 arena | u64 epoch | u32 n | n * (u64 registration | u64 consensus | u64 incentive) | u32 m | m * (u8 length | account |
/// u64 trust | u64 dividend)), the tag `cairn.arena.v1`, integers big-endian, scorers by account.
fn digest(arena: &Arena, participants: &[Participant], voters: &[Voter], outcome: &Outcome) -> Result<[u8; 32], Error> {
    let count = |n: usize| u32::try_from(n).map_err(|_| Error::Overflow);
    let mut hash = Sha256::new();
    hash.update(tag("cairn.arena.v1"));
    hash.update(arena.id.to_be_bytes());
    hash.update(arena.epoch.to_be_bytes());
    hash.update(count(participants.len())?.to_be_bytes());
    for ((participant, consensus), incentive) in participants.iter().zip(&outcome.consensus).zip(&outcome.incentives) {
        hash.update(participant.registration.to_be_bytes());
        hash.update(consensus.to_be_bytes());
        hash.update(incentive.to_be_bytes());
    }
    hash.update(count(voters.len())?.to_be_bytes());
    for ((voter, trust), dividend) in voters.iter().zip(&outcome.trust).zip(&outcome.dividends) {
        hash.update([u8::try_from(voter.account.as_bytes().len()).map_err(|_| Error::Overflow)?]);
        hash.update(voter.account.as_bytes());
        hash.update(trust.to_be_bytes());
        hash.update(dividend.to_be_bytes());
    }
    Ok(hash.finalize().into())
}

/// Pays the epoch out of the pots, in every denomination. Without a consensus nothing is minted and nothing leaves them.
fn pay(
    ctx: &mut Ctx,
    arena: &Arena,
    participants: &[Participant],
    voters: &[Voter],
    outcome: &Outcome,
    report: &mut ArenaEpoch,
) -> Result<()> {
    let minted = if outcome.incentives.iter().any(|i| *i > 0) { pots::mint(ctx, arena)? } else { 0 };
    let rate = arena.rules.as_ref().ok_or(Error::NoRules)?.dividend_bps;
    let contestants = participants.iter().map(|p| Address::parse(&p.account)).collect::<Result<Vec<_>>>()?;
    let scorers: Vec<Address> = voters.iter().map(|v| v.account).collect();
    let mut earned = BTreeMap::<Address, Coins>::new();
    let (mut budgets, mut incentives, mut dividends) = (Coins::default(), Coins::default(), Coins::default());
    for (budget, held) in pots::budget(ctx, arena, minted)? {
        let Coin { denom, amount: all } = &budget;
        let for_scorers = bps(*all, rate).ok_or(Error::Overflow)?;
        let for_contestants = all.checked_sub(for_scorers).ok_or(Error::Overflow)?;
        let mut spread = |sum: &mut Coins, accounts: &[Address], parts: Vec<u128>| -> Result<()> {
            for (account, amount) in accounts.iter().zip(parts).filter(|(_, amount)| *amount > 0) {
                let coin = Coin { denom: denom.clone(), amount };
                earned.entry(*account).or_default().add(&coin)?;
                sum.add(&coin)?;
            }
            Ok(())
        };
        spread(&mut incentives, &contestants, consensus::divide(for_contestants, &outcome.incentives)?)?;
        spread(&mut dividends, &scorers, consensus::divide(for_scorers, &outcome.dividends)?)?;
        let paid = incentives.amount_of(denom).checked_add(dividends.amount_of(denom)).ok_or(Error::Overflow)?;
        pots::set_pot(ctx, arena.id, denom, held.checked_sub(paid).ok_or(Error::Overflow)?)?;
        budgets.add(&budget)?;
    }
    report.minted = amount::text(minted);
    report.budget = coin::to_proto(&budgets);
    report.incentives = coin::to_proto(&incentives);
    report.dividends = coin::to_proto(&dividends);
    pots::credit(ctx, arena.id, earned)
}

/// Writes what the epoch found of each participant.
fn rate_participants(ctx: &mut Ctx, participants: &mut [Participant], outcome: &Outcome) -> Result<()> {
    for ((participant, consensus), incentive) in participants.iter_mut().zip(&outcome.consensus).zip(&outcome.incentives) {
        participant.consensus_q32 = *consensus;
        participant.incentive_q32 = *incentive;
        participant.standing_q32 = consensus::average(participant.standing_q32, (*incentive).into())?;
        PARTICIPANTS.set(ctx, &(participant.arena, participant.registration), participant)?;
    }
    Ok(())
}

/// Writes what the epoch found of each scorer: bonds in participants, what silence cost.
fn settle_scorers(ctx: &mut Ctx, arena: &mut Arena, participants: &[Participant], voters: &mut [Voter], outcome: &Outcome) -> Result<()> {
    let rate = arena.rules.as_ref().ok_or(Error::NoRules)?.no_reveal_bps;
    let results = outcome.bonds.iter().zip(outcome.trust.iter().zip(&outcome.dividends));
    for (voter, (bonds, (trust, dividend))) in voters.iter_mut().zip(results) {
        let key = (arena.id, voter.account);
        voter.record.trust_q32 = *trust;
        voter.record.dividend_q32 = *dividend;
        let kept = participants.iter().zip(bonds).filter(|(_, bond)| **bond > 0);
        let bonds: Vec<_> = kept.map(|(p, bond)| ParticipantBond { registration: p.registration, bond_q32: *bond }).collect();
        if bonds.is_empty() {
            BONDS.remove(ctx, &key)?;
        } else {
            BONDS.set(ctx, &key, &BondRow { arena: arena.id, account: voter.record.account.clone(), bonds })?;
        }
        let silent = voter.ballot.scores.is_none();
        if silent && voter.record.committed_epoch == arena.epoch {
            slash(ctx, arena, voter, rate)?;
        }
        // A bond that does not count yet could not score, and without participants there is nothing to score.
        let missed = silent && voter.ballot.weight > 0 && !participants.is_empty();
        voter.record.missed = if missed { voter.record.missed.saturating_add(1) } else { 0 };
    }
    Ok(())
}

/// Takes a part of the bond of a scorer that hid what it had committed to.
fn slash(ctx: &mut Ctx, arena: &Arena, voter: &mut Voter, rate: u32) -> Result<()> {
    let held = amount::read(&voter.record.bond)?;
    let lost = bps(held, rate).ok_or(Error::Overflow)?;
    amount::shrink(&mut voter.record.bond, lost)?.ok_or(Error::Overflow)?;
    forfeit(ctx, &ARENA_ACCOUNT.address(), &Coin::base(lost), SLASH_BURNT_BPS)?;
    let scorer = voter.account.to_string();
    ctx.emit(&EventScorerSlashed { arena: arena.id, epoch: arena.epoch, scorer, amount: amount::text(lost) });
    Ok(())
}

/// Clears the epoch's scores, takes the seats of who lost them, and opens the next epoch if a scorer is left.
fn advance(ctx: &mut Ctx, arena: &mut Arena, voters: Vec<Voter>) -> Result<()> {
    let rows: Vec<(u64, Address)> = SCORES.range(ctx, &key_prefix(&arena.id)).map(|e| Ok(e?.0)).collect::<Result<_>>()?;
    rows.iter().try_for_each(|key| SCORES.remove(ctx, key))?;
    if let Some(rules) = arena.next_rules.take() {
        arena.rules = Some(rules);
    }
    for Voter { account, mut record, .. } in voters {
        record.counted = record.bond.clone();
        let out = record.missed >= rules::MAX_MISSED || amount::read(&record.bond)? == 0;
        if out || !seats::is_admitted(ctx, arena, &account)? {
            seats::unseat(ctx, arena, &account, &mut record)?;
        }
        SCORERS.set(ctx, &(arena.id, account), &record)?;
    }
    arena.fault.clear();
    if arena.scorers > 0 {
        return open(ctx, arena);
    }
    arena.set_state(ArenaState::Dormant);
    Ok(())
}
