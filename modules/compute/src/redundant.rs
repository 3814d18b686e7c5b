//! Jobs that several providers run: each seals the root of its trace, opens it, and the root of most of them is the result. Whoever pays for it trusts
//! that most of those who took it are honest; nobody can contest it.
use std::collections::BTreeMap;

use cairn_bank as bank;
use cairn_kernel::{Address, Coin, Ctx, Result, chain32, tag};
use cairn_proto::cairn::{
    compute::v1::{EventJobAccepted, EventResultCommitted, EventResultOpened, Job, JobOutcome, JobState, Member},
    rewards::v1::ContributionKind,
};
use cairn_rewards as rewards;
use sha2::{Digest, Sha256};

use crate::{
    ACCOUNT, Error, audit, jobs, programs,
    providers::{self, End, coin},
    rules, settle,
};

/// Fewest and most providers of a job.
const MEMBERS: std::ops::RangeInclusive<u32> = 2..=5;
/// Of what a provider without an answer loses, the part that is burnt.
const HALF_BPS: u32 = 5_000;

/// What seals a root: SHA-256 of `tag("cairn.result.v1") | SHA-256(chain id) | u64 job | u32 0 | u8 length of the address | address | root | salt`.
#[must_use]
pub fn commitment(chain_id: &str, job: u64, provider: &Address, root: &[u8; 32], salt: &[u8; 32]) -> [u8; 32] {
    let address = provider.as_bytes();
    let length = u8::try_from(address.len()).unwrap_or(u8::MAX); // at most 32 by construction
    let hash = Sha256::new().chain_update(tag("cairn.result.v1")).chain_update(chain32(chain_id)).chain_update(job.to_be_bytes());
    let hash = hash.chain_update(0_u32.to_be_bytes()).chain_update([length]).chain_update(address);
    hash.chain_update(root).chain_update(salt).finalize().into()
}

/// Refuses a number of providers outside its bounds, and one that looks for them in an auction.
pub(crate) fn check(redundancy: u32, class: u64) -> Result<(), Error> {
    let fits = redundancy == 0 || (MEMBERS.contains(&redundancy) && class == 0);
    if fits { Ok(()) } else { Err(Error::Redundancy(redundancy)) }
}

/// One more provider takes the job; with the last one it runs.
pub(crate) fn join(ctx: &mut Ctx, mut job: Job, provider: &Address) -> Result<u64> {
    let account = provider.to_string();
    if job.members.iter().any(|member| member.provider == account) {
        return Err(Error::State(job.id).into());
    }
    let multiple = rules::of_job(&job)?.redundant_multiple;
    let needed = jobs::price(&job)?.checked_mul(multiple.into()).ok_or(Error::Overflow)?;
    providers::lock(ctx, provider, needed)?;
    job.locked = Some(coin(needed));
    job.members.push(Member { provider: account.clone(), ..Member::default() });
    let full = u32::try_from(job.members.len()).map_err(|_| Error::Overflow)? >= job.redundancy;
    let due = if full { jobs::after(ctx, job.run_blocks)? } else { job.due };
    if full {
        job.set_state(JobState::Commit);
    }
    jobs::save(ctx, &mut job, due)?;
    ctx.emit(&EventJobAccepted { job_id: job.id, provider: account, due });
    Ok(due)
}

fn member(job: &mut Job, account: &str) -> Result<usize> {
    let found = job.members.iter().position(|member| member.provider == account);
    Ok(found.ok_or_else(|| Error::NotYours { job: job.id, account: account.to_owned() })?)
}

/// Seals a root.
pub(crate) fn commit(ctx: &mut Ctx, provider: &Address, id: u64, sealed: Vec<u8>) -> Result<()> {
    programs::hash(&sealed)?;
    let mut job = jobs::in_state(ctx, id, JobState::Commit)?;
    let account = provider.to_string();
    let place = member(&mut job, &account)?;
    let own = job.members.get_mut(place).filter(|own| own.commitment.is_empty()).ok_or(Error::State(id))?;
    own.commitment = sealed;
    let all = job.members.iter().all(|member| !member.commitment.is_empty());
    let due = if all { open(ctx, &mut job)? } else { job.due };
    jobs::save(ctx, &mut job, due)?;
    ctx.emit(&EventResultCommitted { job_id: id, provider: account });
    Ok(())
}

fn open(ctx: &Ctx, job: &mut Job) -> Result<u64> {
    job.set_state(JobState::Reveal);
    jobs::after(ctx, rules::of_job(job)?.audit_blocks)
}

/// Opens a root; with the last one the result is found.
pub(crate) fn reveal(ctx: &mut Ctx, provider: &Address, id: u64, root: &[u8], salt: &[u8]) -> Result<()> {
    let (root, salt) = (programs::hash(root)?, programs::hash(salt)?);
    let mut job = jobs::in_state(ctx, id, JobState::Reveal)?;
    let account = provider.to_string();
    let place = member(&mut job, &account)?;
    ctx.gas().hash(256)?;
    let own = job.members.get_mut(place).filter(|own| own.root.is_empty()).ok_or(Error::State(id))?;
    if commitment(&ctx.block().chain_id, id, provider, &root, &salt).as_slice() != own.commitment {
        return Err(Error::Opening.into());
    }
    own.root = root.to_vec();
    let all = job.members.iter().all(|member| !member.root.is_empty() || member.commitment.is_empty());
    let due = job.due;
    jobs::save(ctx, &mut job, due)?;
    ctx.emit(&EventResultOpened { job_id: id, provider: account, root: root.to_vec() });
    if all { tally(ctx, job) } else { Ok(()) }
}

/// Carries a job on whose height has come.
pub(crate) fn go_on(ctx: &mut Ctx, mut job: Job) -> Result<()> {
    match job.state() {
        JobState::Open => release(ctx, job, JobOutcome::Expired),
        JobState::Commit if job.members.iter().any(|member| !member.commitment.is_empty()) => {
            let due = open(ctx, &mut job)?;
            jobs::save(ctx, &mut job, due)
        }
        JobState::Commit => release(ctx, job, JobOutcome::NoMajority),
        JobState::Reveal => tally(ctx, job),
        JobState::Deliver => release(ctx, job, JobOutcome::Poison),
        _ => Err(Error::Broken("a clock of providers that agree").into()),
    }
}

/// Finds the root of more than half of all providers that took the job.
fn tally(ctx: &mut Ctx, mut job: Job) -> Result<()> {
    let mut votes = BTreeMap::<&[u8], usize>::new();
    for member in job.members.iter().filter(|member| !member.root.is_empty()) {
        let count = votes.entry(&member.root).or_default();
        *count = count.saturating_add(1);
    }
    let most = votes.into_iter().find(|(_, count)| count.saturating_mul(2) > job.members.len()).map(|(root, _)| root.to_vec());
    let Some(root) = most else { return release(ctx, job, JobOutcome::NoMajority) };
    job.trace_root = root;
    job.set_state(JobState::Deliver);
    let due = jobs::after(ctx, job.run_blocks)?;
    jobs::save(ctx, &mut job, due)
}

/// The members of the majority.
fn agreed(job: &Job) -> Result<Vec<Address>> {
    job.members
        .iter()
        .filter(|member| !member.root.is_empty() && member.root == job.trace_root)
        .map(|m| Address::parse(&m.provider))
        .collect()
}

/// Whether an account may deliver the outputs of the root that was found.
pub(crate) fn delivers(job: &Job, provider: &Address) -> Result<bool> {
    Ok(agreed(job)?.contains(provider))
}

/// Pays the majority in equal parts, and settles with everybody.
pub(crate) fn pay(ctx: &mut Ctx, mut job: Job, first: &Address) -> Result<()> {
    let (price, winners) = (jobs::price(&job)?, agreed(&job)?);
    settle_members(ctx, &job, &winners)?;
    let (fee, audits) = (rules::part(price, rules::of_job(&job)?.fee_bps)?, rules::part(price, rules::of_job(&job)?.audit_fee_bps)?);
    let contributors: Vec<_> = winners.iter().map(|winner| (*winner, 1)).collect();
    rewards::take_fee(ctx, &ACCOUNT.address(), &Coin::base(fee), ContributionKind::Compute, &contributors)?;
    audit::fill(ctx, audits)?;
    let rest = price.checked_sub(fee).and_then(|rest| rest.checked_sub(audits)).ok_or(Error::Overflow)?;
    let program = programs::load(ctx, &job.program_id)?;
    let model = rules::part(rest, program.model_bps)?;
    settle::pay_model(ctx, program.asset_id, &Address::parse(&program.owner)?, model)?;
    let paid = rest.checked_sub(model).ok_or(Error::Overflow)?;
    let count = u128::try_from(winners.len()).map_err(|_| Error::Overflow)?;
    let each = paid.checked_div(count).ok_or(Error::Broken("a majority of nobody"))?;
    let odd = each.checked_mul(count).and_then(|all| paid.checked_sub(all)).ok_or(Error::Overflow)?;
    for winner in &winners {
        bank::send(ctx, &ACCOUNT.address(), winner, &[Coin::base(each)])?;
    }
    bank::send(ctx, &ACCOUNT.address(), first, &[Coin::base(odd)])?;
    settle::close(ctx, &mut job, JobOutcome::Paid, paid, model)
}

/// Refunds, and settles with everybody.
fn release(ctx: &mut Ctx, job: Job, outcome: JobOutcome) -> Result<()> {
    settle_members(ctx, &job, &[])?;
    settle::refund(ctx, job, outcome)
}

/// Who owes an answer loses a part; who told another root than most loses all that was locked, where most agree; the others lose nothing.
fn settle_members(ctx: &mut Ctx, job: &Job, paid: &[Address]) -> Result<()> {
    let locked = jobs::locked(job)?;
    let late = rules::part(jobs::price(job)?, rules::of_job(job)?.late_bps)?.min(locked);
    let found = job.state() == JobState::Deliver;
    let majority = if found { agreed(job)? } else { Vec::new() };
    for member in &job.members {
        let account = Address::parse(&member.provider)?;
        let agrees = majority.contains(&account);
        let owes = job.state() != JobState::Open && (member.root.is_empty() || (agrees && paid.is_empty()));
        if owes {
            providers::unlock(ctx, job.id, &account, locked, late, End::Late)?;
            rewards::forfeit(ctx, &ACCOUNT.address(), &Coin::base(late), HALF_BPS)?;
        } else if agrees {
            providers::unlock(ctx, job.id, &account, locked, 0, End::Paid)?;
        } else if found {
            providers::unlock(ctx, job.id, &account, locked, locked, End::Wrong)?;
            settle::split_wrong(ctx, locked, &majority)?;
        } else {
            providers::free(ctx, &account, locked)?;
        }
    }
    Ok(())
}
