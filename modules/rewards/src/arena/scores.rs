//! Scores: committed in the first part of an epoch, revealed in the last.
use cairn_kernel::{Address, Ctx, Result, chain32, tag};
use cairn_proto::cairn::rewards::v1::{EventScoresCommitted, EventScoresRevealed, MsgCommitScores, MsgRevealScores, Score, ScoreRow};
use sha2::{Digest, Sha256};

use super::{rules, running, scorer, weight};
use crate::{
    Error,
    state::{SCORERS, SCORES},
};

/// The commitment to the scores of an epoch:
/// SHA-256(tag | chain32 | u64 arena | u32 epoch | u8 address length | address | u16 n | n * (u64 registration | u16 score) | salt), the tag
/// `cairn.score.v1`, integers big-endian.
///
/// `None` where the epoch, a score or their number is more than the format can count.
#[must_use]
pub fn score_commitment(
    chain_id: &str,
    arena: u64,
    epoch: u64,
    scorer: &Address,
    scores: &[(u64, u16)],
    salt: &[u8; 32],
) -> Option<[u8; 32]> {
    let mut hash = Sha256::new();
    hash.update(tag("cairn.score.v1"));
    hash.update(chain32(chain_id));
    hash.update(arena.to_be_bytes());
    hash.update(u32::try_from(epoch).ok()?.to_be_bytes());
    hash.update([u8::try_from(scorer.as_bytes().len()).ok()?]);
    hash.update(scorer.as_bytes());
    hash.update(u16::try_from(scores.len()).ok()?.to_be_bytes());
    for (registration, score) in scores {
        hash.update(registration.to_be_bytes());
        hash.update(score.to_be_bytes());
    }
    hash.update(salt);
    Some(hash.finalize().into())
}

/// Refuses a height outside of `from..=until`.
fn check_window(ctx: &Ctx, what: &'static str, from: u64, until: u64) -> Result<(), Error> {
    let height = ctx.block().height;
    if (from..=until).contains(&height) { Ok(()) } else { Err(Error::Window { what, from, until, height }) }
}

/// Handles `MsgCommitScores`.
pub(crate) fn commit(ctx: &mut Ctx, m: &MsgCommitScores) -> Result<()> {
    let account = Address::parse(&m.scorer)?;
    let arena = running(ctx, m.arena)?;
    if m.epoch != arena.epoch {
        return Err(Error::WrongEpoch { arena: m.arena, running: arena.epoch, named: m.epoch }.into());
    }
    let commitment = rules::bytes32("commitment", &m.commitment)?;
    let mut scorer = scorer(ctx, m.arena, &account)?;
    if weight(ctx, m.arena, &account)? == 0 {
        return Err(Error::NoWeight(account.to_string()).into());
    }
    if scorer.committed_epoch == arena.epoch {
        return Err(Error::Committed(account.to_string()).into());
    }
    check_window(ctx, "commitments", arena.starts, arena.commit_until)?;

    scorer.committed_epoch = arena.epoch;
    scorer.commitment = commitment.to_vec();
    SCORERS.set(ctx, &(m.arena, account), &scorer)?;
    ctx.emit(&EventScoresCommitted { arena: m.arena, epoch: arena.epoch, scorer: account.to_string() });
    Ok(())
}

/// Handles `MsgRevealScores`.
pub(crate) fn reveal(ctx: &mut Ctx, m: MsgRevealScores) -> Result<()> {
    Address::parse(&m.sender)?;
    let account = Address::parse(&m.scorer)?;
    let arena = running(ctx, m.arena)?;
    let mut scorer = scorer(ctx, m.arena, &account)?;
    if scorer.committed_epoch != arena.epoch {
        return Err(Error::NotCommitted(account.to_string()).into());
    }
    if scorer.revealed_epoch == arena.epoch {
        return Err(Error::Revealed(account.to_string()).into());
    }
    check_window(ctx, "reveals", arena.commit_until.saturating_add(1), arena.ends)?;
    let scores = checked(&m.scores)?;
    let salt = rules::bytes32("salt", &m.salt)?;
    ctx.gas().hash(m.scores.len().saturating_mul(10).saturating_add(160))?;
    let opened = score_commitment(&ctx.block().chain_id, m.arena, arena.epoch, &account, &scores, &salt).ok_or(Error::Scores)?;
    if opened.as_slice() != scorer.commitment {
        return Err(Error::Opening.into());
    }

    scorer.revealed_epoch = arena.epoch;
    SCORERS.set(ctx, &(m.arena, account), &scorer)?;
    SCORES.set(ctx, &(m.arena, account), &ScoreRow { arena: m.arena, account: account.to_string(), scores: m.scores })?;
    ctx.emit(&EventScoresRevealed { arena: m.arena, epoch: arena.epoch, scorer: account.to_string() });
    Ok(())
}

/// At most as many scores as an arena has participants, ascending, each within 16 bits. Registrations that are evicted, or never were, are
/// passed over at the epoch's end.
pub(crate) fn checked(scores: &[Score]) -> Result<Vec<(u64, u16)>, Error> {
    let few = scores.len() <= usize::try_from(rules::MAX_PARTICIPANTS).unwrap_or(usize::MAX);
    if !few || !scores.is_sorted_by(|a, b| a.registration < b.registration) {
        return Err(Error::Scores);
    }
    scores.iter().map(|s| Ok((s.registration, u16::try_from(s.score).map_err(|_| Error::Scores)?))).collect()
}
