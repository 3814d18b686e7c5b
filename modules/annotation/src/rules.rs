//! The rules that are the same for every job, and the parameters that governance sets for new ones.
use cairn_kernel::{Address, BASE_DENOM, Coin, Result};
use cairn_proto::cairn::annotation::v1::{Params, Rules};

use crate::Error;

/// Fewest tasks of a job.
pub const TASKS_MIN: u32 = 10;
/// Tasks of a bucket: fewest and most of the largest one.
pub const BUCKET_SIZE: (u32, u32) = (10, 50);
/// Fewest gold tasks of a job.
pub const GOLD_MIN: u32 = 10;
/// Classes of a job.
pub const CLASSES: (usize, usize) = (2, 64);
/// Contestants of a PAIRWISE job that is ranked.
pub const CONTESTANTS: (u32, u32) = (2, 65_536);
/// Agreement with the truth from which on a draft of a gold task is to be accepted, in basis points.
pub const IOU: (u32, u32) = (1_000, 9_500);
/// Probability of being good from which on a draft is accepted, in basis points.
pub const ACCEPT: (u32, u32) = (5_000, 9_900);
/// Least price of a label, in base units.
pub const PRICE_MIN: u128 = 1_000;
/// Least partner reward of a label, in base units.
pub const PARTNER_REWARD_MIN: u128 = 100;
/// Kappa that earns the full price, in basis points.
pub const KAPPA_TARGET: (u32, u32) = (4_000, 8_000);
/// The gold gate, in bits.
pub const GATE: (i32, i32) = (-4, 0);
/// Most buckets of one lease.
pub const LEASE_BUCKETS_MAX: u32 = 4;
/// Settled labels from which a lease may hold so many buckets, with a mean kappa of at least [`LEASE_KAPPA_PPM`].
pub const LEASE_SIZES: [(u64, u32); 3] = [(1_000, 4), (100, 2), (0, 1)];
/// Mean kappa for leases of more than one bucket, in parts per million: that which the lowest target pays in full.
pub const LEASE_KAPPA_PPM: i64 = 400_000;
/// Name of a skill: most bytes.
pub const SKILL_MAX: usize = 32;
/// Accounts on a list that comes with a job: most of them.
pub const ALLOW_LIST_MAX: usize = 500;
/// Batches of an exam: most of them.
pub const EXAM_BATCHES_MAX: u32 = 256;
/// Items of a batch: most of them.
pub const EXAM_ITEMS_MAX: u32 = 20;
/// Candidates of a batch: most of them.
pub const EXAM_CANDIDATES_MAX: u32 = 500;
/// Blocks for which a batch takes answers, from its first candidate on.
pub const EXAM_BLOCKS: u64 = 600;
/// Settled labels in a skill up to which an account is on probation in it.
pub const PROBATION_LABELS: u64 = 100;
/// Most of a job's seats that one account may hold, as a job may set it, in basis points.
pub const ACCOUNT_SEATS: (u32, u32) = (500, 10_000);
/// Blocks after which an unanswered claim gets NO_SEAT.
pub const CLAIM_BLOCKS: u64 = 60;
/// Blocks between a claim and its draw at the least.
pub const QUICK_LAG: u64 = 2;
/// Buckets open at once: this many, or the job's buckets through [`OPEN_PART`], whichever is more.
pub const OPEN_LEAST: u32 = 64;
/// See [`OPEN_LEAST`].
pub const OPEN_PART: u32 = 8;
/// Buckets opened in one block at the most.
pub const OPENED_PER_BLOCK: u32 = 500;
/// Buckets looked at for one claim at the most.
pub const TRIES: u32 = 64;
/// Blocks without a claim in the job after a lease expired or was given back.
pub const PAUSE_BLOCKS: u64 = 300;
/// Tasks an account may skip, in basis points of the job's tasks; at least one bucket.
pub const SKIP_BPS: u32 = 500;
/// Of a lease's bond, what a named revealer earns, in basis points.
pub const REVEAL_FEE_BPS: u32 = 500;
/// Of a lost bond, what is burnt, in basis points; the rest goes to the pool.
pub const SLASH_BURN_BPS: u32 = 5_000;
/// Accounts whose reports of content not served stop a job's leases.
pub const REPORTS_LEAST: u32 = 5;
/// Part of the job's annotators that must report, in basis points.
pub const REPORTS_BPS: u64 = 2_000;
/// Blocks for which a report counts.
pub const REPORTS_BLOCKS: u64 = 1_000;
/// First credit by a user's payment that makes a cluster, in base units of the chain's own coin: 0.1 CAIRN.
pub const CLUSTER_CREDIT: u128 = 100_000;
/// Seats a bucket may have above the job's most overlap, bought from unearned money.
pub const EXTRA_OVERLAP: u32 = 2;
/// The posterior below which a task gets late labels, in basis points.
pub const POSTERIOR_BOUND: (u32, u32) = (5_000, 9_999);
/// Burnt for leaving a cluster where the parameters say nothing, in base units of the chain's own coin: 0.1 CAIRN.
pub const IDENTITY_PRICE: u128 = 100_000;
/// Shares of a published data set, in base units: a million shares of 6 decimals.
pub const SHARE_SUPPLY: u64 = 1_000_000_000_000;
/// Annotators whose shares are allotted at once; of more, all claim theirs by Merkle proof.
pub const INLINE_HOLDERS: u32 = 499;
/// Annotators that ever had a lease in a job, of which those with shares are still looked for in one block.
pub const INLINE_WORKERS: u32 = 4_096;
/// Title of a job: most bytes.
pub const TITLE_MAX: usize = 128;
/// Instructions of a job: most bytes.
pub const DESCRIPTION_MAX: usize = 4_096;
/// Name of a class: most bytes.
pub const CLASS_MAX: usize = 64;
/// Media type: most bytes.
pub const MEDIA_TYPE_MAX: usize = 128;
/// Content addresses of a job: most of them, and most bytes of one.
pub const ADDRESSES_MAX: (usize, usize) = (8, 512);
/// Denominations withdrawn by one message at the most.
pub const WITHDRAW_MAX: usize = 16;
/// Tasks on one page of a query.
pub const TASKS_PAGE: (u32, u32) = (100, 1_024);

/// The rules of a test network (blocks of 1 s). The main one (2 s) starts with: lease 450, seat gap 150, bucket wait 129,600,
/// reveal window 43,200, gold window 129,600, late round 43,200 and 21,600 in 2 waves, appeals 129,600, quarantine 43,200; fee 500, gold bond 1,000, lease bond 2,500,
/// seats an account 1,000 bps; 2,000 labels a day, 200 on probation, days of 43,200.
pub const TEST_RULES: Rules = Rules {
    lease_blocks: 300,
    seat_gap: 2,
    bucket_wait: 3_600,
    reveal_window: 120,
    gold_window: 120,
    quarantine_window: 600,
    fee_bps: 200,
    gold_bond_bps: 1_000,
    lease_bond_bps: 1_000,
    account_seats_bps: 2_000,
    late_commit: 120,
    late_reveal: 60,
    labels_per_day: 0,
    probation_labels_per_day: 0,
    day_blocks: 86_400,
    appeal_window: 60,
    late_waves: 2,
};

/// The parameters of a test network. The main one starts with: longest job 3,888,000, overlap 3 to 16, posting fee 5 CAIRN, identity price
/// 5 CAIRN, else the same.
#[must_use]
pub fn test_params() -> Params {
    Params {
        rules: Some(TEST_RULES),
        longest_job: 100_000,
        overlap_min: 3,
        overlap_max: 32,
        tasks_max: 4_194_304,
        open_jobs_max: 64,
        posting_fee: Some(Coin::base(100_000).into()),
        expiries_per_block: 2_000,
        draws_per_block: 500,
        label_visits_per_block: 2_000_000,
        claims_waiting_max: 10_000,
        exempt_funders: vec![],
        identity_price: Some(Coin::base(IDENTITY_PRICE).into()),
    }
}

/// What it costs to leave a cluster.
pub(crate) fn identity_price(params: &Params) -> Result<Coin> {
    params.identity_price.as_ref().map_or_else(|| Ok(Coin::base(IDENTITY_PRICE)), Coin::try_from)
}

/// Refuses parameters under which jobs could not run or blocks would not be bounded.
pub(crate) fn check_params(params: &Params) -> Result<()> {
    let rules = params.rules.ok_or(Error::Missing("rules"))?;
    let (blocks, none_or_blocks) = (1..=10_000_000, 0..=10_000_000);
    let bps = 0..=10_000;
    let ranges = [
        ("lease_blocks", rules.lease_blocks, blocks.clone()),
        ("seat_gap", rules.seat_gap, blocks.clone()),
        ("bucket_wait", rules.bucket_wait, blocks.clone()),
        ("reveal_window", rules.reveal_window, blocks.clone()),
        ("gold_window", rules.gold_window, blocks.clone()),
        ("quarantine_window", rules.quarantine_window, blocks.clone()),
        ("late_commit", rules.late_commit, none_or_blocks.clone()),
        ("late_reveal", rules.late_reveal, none_or_blocks.clone()),
        ("appeal_window", rules.appeal_window, none_or_blocks),
        ("late_waves", rules.late_waves.into(), 0..=8),
        ("fee_bps", rules.fee_bps.into(), bps.clone()),
        ("gold_bond_bps", rules.gold_bond_bps.into(), bps.clone()),
        ("lease_bond_bps", rules.lease_bond_bps.into(), bps),
        ("account_seats_bps", rules.account_seats_bps.into(), 1..=10_000),
        ("labels_per_day", rules.labels_per_day.into(), 0..=1_000_000_000),
        ("probation_labels_per_day", rules.probation_labels_per_day.into(), 0..=1_000_000_000),
        ("day_blocks", rules.day_blocks, u64::from(is_capped(&rules))..=10_000_000),
        ("longest_job", params.longest_job, blocks),
        ("overlap_min", params.overlap_min.into(), 1..=params.overlap_max.into()),
        ("overlap_max", params.overlap_max.into(), 1..=32),
        ("tasks_max", params.tasks_max.into(), TASKS_MIN.into()..=cairn_truth::MAX_TASKS.into()),
        ("open_jobs_max", params.open_jobs_max.into(), 1..=10_000),
        ("expiries_per_block", params.expiries_per_block.into(), 1..=100_000),
        ("draws_per_block", params.draws_per_block.into(), 1..=100_000),
        ("label_visits_per_block", params.label_visits_per_block, 1..=1_000_000_000),
        ("claims_waiting_max", params.claims_waiting_max.into(), 1..=1_000_000),
        ("exempt_funders", u64::try_from(params.exempt_funders.len()).map_err(|_| Error::Overflow)?, 0..=100),
    ];
    for (what, found, range) in ranges {
        if !range.contains(&found) {
            return Err(Error::Parameter { what, least: *range.start(), most: *range.end(), found }.into());
        }
    }
    params.exempt_funders.iter().try_for_each(|funder| Address::parse(funder).map(drop))?;
    let fee = Coin::try_from(params.posting_fee.as_ref().ok_or(Error::Missing("posting_fee"))?)?;
    for coin in [fee, identity_price(params)?] {
        if coin.denom != BASE_DENOM {
            return Err(Error::Denomination { expected: BASE_DENOM.into(), found: coin.denom }.into());
        }
    }
    Ok(())
}

/// Whether there is a cap a day, for which days have a length.
fn is_capped(rules: &Rules) -> bool {
    rules.labels_per_day > 0 || rules.probation_labels_per_day > 0
}

/// Most buckets in a lease of an account with so many settled labels in the skill, and such a mean kappa.
#[must_use]
pub fn lease_buckets(settled_labels: u64, mean_kappa_ppm: i64) -> u32 {
    if mean_kappa_ppm < LEASE_KAPPA_PPM {
        return 1;
    }
    LEASE_SIZES.iter().find(|(least, _)| settled_labels >= *least).map_or(1, |(_, buckets)| *buckets)
}
