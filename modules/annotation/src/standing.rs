//! Standing: what an account's labels of a skill were worth, discounted as newer ones come. Settlement and missed reveals write it; no
//! message does, so that it can be neither bought nor moved.
use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cairn::annotation::v1::{Job, JobType};
use cairn_truth::{Basis, WorkerResult};

pub use cairn_proto::cairn::annotation::v1::Standing;

use crate::{Error, rules, state::STANDINGS};

/// One, in the unit of the discounted sums.
const PPM: u64 = 1_000_000;
/// After so many newer labels, older ones count half.
const HALF_LIFE: u64 = 4_000;

/// The standing of `account` in `skill`; all zero where it never worked in it.
///
/// # Errors
/// Only where the state cannot be read.
pub fn of(ctx: &Ctx, account: &Address, skill: &str) -> Result<Standing> {
    let found = STANDINGS.get(ctx, &(*account, skill.to_owned()))?;
    Ok(found.unwrap_or_else(|| Standing { address: account.to_string(), skill: skill.to_owned(), ..Standing::default() }))
}

/// The discounted mean of kappa, in parts per million, rounded towards zero; 0 where no label was scored.
#[must_use]
pub fn mean_kappa_ppm(standing: &Standing) -> i64 {
    let scaled = i128::from(standing.kappa_labels_ppm).saturating_mul(PPM.into());
    scaled.checked_div(standing.labels_ppm.into()).and_then(|mean| i64::try_from(mean).ok()).unwrap_or(0)
}

/// The discounted part of the gold that was answered right, in parts per million; 0 where none was met.
#[must_use]
pub fn gold_ppm(standing: &Standing) -> u64 {
    let scaled = u128::from(standing.gold_hits_ppm).saturating_mul(PPM.into());
    scaled.checked_div(standing.gold_seen_ppm.into()).and_then(|part| u64::try_from(part).ok()).unwrap_or(0)
}

/// Most buckets of a lease.
pub(crate) fn lease_buckets(ctx: &Ctx, account: &Address, skill: &str) -> Result<u32> {
    let standing = of(ctx, account, skill)?;
    Ok(rules::lease_buckets(standing.settled_labels, mean_kappa_ppm(&standing)))
}

/// The skill of a job of this type that names none: the type's name, such as `multi-label`.
pub(crate) fn default_skill(kind: JobType) -> String {
    kind.as_str_name().trim_start_matches("JOB_TYPE_").to_ascii_lowercase().replace('_', "-")
}

/// The skill of a job; of one that was posted before there were skills, that of its type.
pub(crate) fn skill(job: &Job) -> String {
    if job.skill.is_empty() { default_skill(job.r#type()) } else { job.skill.clone() }
}

/// Refuses what is no skill's name.
pub(crate) fn check_skill(skill: &str) -> Result<(), Error> {
    let plain = skill.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if plain && (1..=rules::SKILL_MAX).contains(&skill.len()) { Ok(()) } else { Err(Error::Skill(skill.chars().take(64).collect())) }
}

/// Counts what settlement found of an account's labels in one job, after older ones were discounted.
pub(crate) fn settle(ctx: &mut Ctx, account: &Address, skill: &str, result: &WorkerResult, kappa_ppm: i64) -> Result<()> {
    let mut standing = of(ctx, account, skill)?;
    discount(&mut standing, result.labels.into())?;
    let scored = match result.basis {
        Basis::Kappa | Basis::Gold => u64::from(result.scored),
        Basis::Excluded => u64::from(result.labels),
        // Nothing was measured: no label, nobody to compare with, one class everywhere.
        Basis::Idle | Basis::Silence | Basis::OneClass => 0,
    };
    let kappa = if result.basis == Basis::Excluded { 0 } else { kappa_ppm };
    let labels = i64::try_from(scored).map_err(|_| Error::Overflow)?;
    standing.labels_ppm = add(standing.labels_ppm, scored)?;
    let kappa_labels = kappa.checked_mul(labels).and_then(|worth| worth.checked_add(standing.kappa_labels_ppm));
    standing.kappa_labels_ppm = kappa_labels.ok_or(Error::Overflow)?;
    let worth = if result.share > 0 { u64::from(result.labels) } else { 0 };
    standing.settled_labels = standing.settled_labels.saturating_add(worth);
    standing.settled_jobs = standing.settled_jobs.saturating_add(1);
    STANDINGS.set(ctx, &(*account, skill.to_owned()), &standing)
}

/// Counts gold answers, of which `hits` were right. A lease that is not revealed counts as all of its gold missed.
pub(crate) fn count_gold(ctx: &mut Ctx, account: &Address, skill: &str, seen: u32, hits: u32) -> Result<()> {
    let mut standing = of(ctx, account, skill)?;
    standing.gold_seen_ppm = add(standing.gold_seen_ppm, seen.into())?;
    standing.gold_hits_ppm = add(standing.gold_hits_ppm, hits.into())?;
    STANDINGS.set(ctx, &(*account, skill.to_owned()), &standing)
}

/// Multiplies the sums by H / (H + labels): by the size of what is new, so that many small jobs forget no more than one large one would.
fn discount(standing: &mut Standing, labels: u64) -> Result<()> {
    let whole = HALF_LIFE.checked_add(labels).ok_or(Error::Overflow)?;
    let kept = |sum: i128| sum.checked_mul(HALF_LIFE.into()).and_then(|scaled| scaled.checked_div(whole.into())).ok_or(Error::Overflow);
    for sum in [&mut standing.labels_ppm, &mut standing.gold_seen_ppm, &mut standing.gold_hits_ppm] {
        *sum = u64::try_from(kept((*sum).into())?).map_err(|_| Error::Overflow)?;
    }
    standing.kappa_labels_ppm = i64::try_from(kept(standing.kappa_labels_ppm.into())?).map_err(|_| Error::Overflow)?;
    Ok(())
}

/// A sum in millionths with whole ones added.
fn add(sum: u64, whole: u64) -> Result<u64> {
    Ok(whole.checked_mul(PPM).and_then(|scaled| scaled.checked_add(sum)).ok_or(Error::Overflow)?)
}
