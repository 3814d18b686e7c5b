//! A job with what changes of it, loaded to be worked on.
use cairn_kernel::{Address, Coin, Ctx, Result};
use cairn_proto::{
    cairn::{
        annotation::v1::{EventJobStateChanged, Job, JobState, JobStatus, Lease, Rules, Settlement},
        asset::v1::{Encryption, VersionContent},
    },
    cosmos::base::v1beta1 as proto,
};

use crate::{
    Error,
    escrow::{self, Money},
    formats::{Buckets, Quote, lease_bond},
    partner::Partner,
    rules, stage,
    state::{JOBS, JOBS_BY_STATE, OPEN_JOBS, STATUS},
    types,
};

/// A job in memory. Changes stay only after [`Running::save`].
#[derive(Debug, Clone)]
pub(crate) struct Running {
    pub(crate) id: u64,
    pub(crate) job: Job,
    pub(crate) requester: Address,
    pub(crate) price: u128,
    pub(crate) denom: String,
    pub(crate) rules: Rules,
    pub(crate) buckets: Buckets,
    pub(crate) status: JobStatus,
    pub(crate) money: Money,
    pub(crate) partner: Option<Partner>,
}

impl Running {
    pub(crate) fn load(ctx: &Ctx, id: u64) -> Result<Self> {
        let job = JOBS.get(ctx, &id)?.ok_or(Error::NoJob(id))?;
        let status = STATUS.get(ctx, &id)?.ok_or(Error::Broken("a job has no status"))?;
        Self::new(job, status)
    }
    pub(crate) fn new(job: Job, status: JobStatus) -> Result<Self> {
        let price = Coin::try_from(job.price.as_ref().ok_or(Error::Broken("a job has no price"))?)?;
        Ok(Self {
            id: job.id,
            requester: Address::parse(&job.requester)?,
            price: price.amount,
            denom: price.denom,
            rules: job.rules.ok_or(Error::Broken("a job has no rules"))?,
            buckets: buckets(&job).ok_or(Error::Broken("a job has no tasks"))?,
            partner: Partner::of(&job, &status)?,
            money: Money::read(status.escrow.as_ref().unwrap_or(&Money::default().write()))?,
            job,
            status,
        })
    }
    /// Writes what changed.
    pub(crate) fn save(&mut self, ctx: &mut Ctx) -> Result<()> {
        self.status.escrow = Some(self.money.write());
        self.status.partner_escrow = self.partner.as_ref().map(|partner| partner.money.write());
        STATUS.set(ctx, &self.id, &self.status)
    }
    /// Goes on to another state, in the index too.
    pub(crate) fn enter(&mut self, ctx: &mut Ctx, to: JobState) -> Result<()> {
        let from = self.status.state();
        JOBS_BY_STATE.remove(ctx, &(state_key(from)?, self.id))?;
        JOBS_BY_STATE.insert(ctx, &(state_key(to)?, self.id))?;
        self.status.set_state(to);
        if is_final(to) && !is_final(from) {
            self.status.closed_height = ctx.block().height;
        }
        if let (true, false, Some(parent)) = (is_final(to), is_final(from), self.job.stage) {
            stage::ended(ctx, self, parent.parent)?;
        } else if is_final(to) && !is_final(from) {
            let open = OPEN_JOBS.get(ctx, &self.requester)?.unwrap_or(0);
            OPEN_JOBS.set(ctx, &self.requester, &open.saturating_sub(1))?;
        }
        ctx.emit(&EventJobStateChanged { job: self.id, from: from.into(), to: to.into() });
        Ok(())
    }
    /// Refuses a job that is in another state.
    pub(crate) fn require(&self, state: JobState) -> Result<()> {
        let found = self.status.state();
        if found == state {
            return Ok(());
        }
        Err(Error::JobState { job: self.id, expected: state_name(state), found: state_name(found) }.into())
    }
    /// Refuses a job that is in none of `states` and was in none when a step of it failed: what annotators owe has a deadline, and a
    /// fault that is not theirs must not make them miss it.
    pub(crate) fn require_standing(&self, states: &[JobState]) -> Result<()> {
        let state = self.status.state();
        let stood = if state == JobState::Quarantine { self.status.quarantined_from() } else { state };
        match states {
            [] => Ok(()),
            _ if states.contains(&stood) => Ok(()),
            [first, ..] => self.require(*first),
        }
    }
    /// Refuses anybody but the requester.
    pub(crate) fn require_requester(&self, sender: &Address) -> Result<()> {
        if *sender == self.requester {
            return Ok(());
        }
        Err(Error::NotRequester { job: self.id, expected: self.requester.to_string(), found: sender.to_string() }.into())
    }
    /// Classes of the job.
    pub(crate) fn classes(&self) -> Result<u16> {
        Ok(u16::try_from(self.job.classes.len()).map_err(|_| Error::Broken("a job has too many classes"))?)
    }
    /// The price of so many labels.
    pub(crate) fn labels_price(&self, labels: u64) -> Result<u128> {
        Ok(self.price.checked_mul(labels.into()).ok_or(Error::Overflow)?)
    }
    /// The bond of a lease with so many tasks.
    pub(crate) fn bond(&self, tasks: u32) -> Result<u128> {
        Ok(lease_bond(tasks, self.price, self.rules.lease_bond_bps).ok_or(Error::Overflow)?)
    }
    /// What all labels cost, with fee and gold bond.
    pub(crate) fn quote(&self) -> Result<Quote> {
        if types::produces(self.job.r#type()) {
            return stage::quote(self);
        }
        let Rules { fee_bps, gold_bond_bps, .. } = self.rules;
        Ok(Quote::new(self.job.tasks, self.job.overlap_max, self.price, fee_bps, gold_bond_bps).ok_or(Error::Overflow)?)
    }
    /// Puts money into the job's buckets.
    pub(crate) fn fund(&mut self, quote: &Quote) -> Result<()> {
        let total = quote.total().ok_or(Error::Overflow)?;
        for (bucket, amount) in [
            (&mut self.money.in_total, total),
            (&mut self.money.free, quote.labels),
            (&mut self.money.fee_held, quote.fee),
            (&mut self.money.gold_bond, quote.gold_bond),
        ] {
            *bucket = escrow::add(*bucket, amount)?;
        }
        Ok(())
    }
    /// Bucket seats of the whole blind round.
    pub(crate) fn seats(&self) -> u64 {
        u64::from(self.buckets.count()).saturating_mul(self.job.overlap_min.into())
    }
    /// The last height at which a commitment to the lease can ever count.
    pub(crate) fn deadline(&self, lease: &Lease) -> u64 {
        if lease.late { self.status.late_commit_until } else { self.job.commit_deadline }
    }
    /// Most bucket seats of one account: its part of all of them, at least one.
    pub(crate) fn seat_cap(&self) -> u32 {
        let cap = self.seats().saturating_mul(self.rules.account_seats_bps.into()) / 10_000;
        u32::try_from(cap).unwrap_or(u32::MAX).max(1)
    }
    /// Tasks that one account may skip: its part of all of them, at least one bucket.
    pub(crate) fn skip_budget(&self) -> u32 {
        let part = u64::from(self.job.tasks).saturating_mul(rules::SKIP_BPS.into()) / 10_000;
        u32::try_from(part).unwrap_or(u32::MAX).max(self.buckets.largest())
    }
    /// Buckets that may be open at once.
    pub(crate) fn open_at_once(&self) -> u32 {
        rules::OPEN_LEAST.max(self.buckets.count() / rules::OPEN_PART)
    }
    /// An amount in the denomination of the price, for messages and events.
    pub(crate) fn coin(&self, amount: u128) -> proto::Coin {
        Coin::new(self.denom.clone(), amount).into()
    }
    /// The settlement, which must have begun.
    pub(crate) fn settlement(&mut self) -> Result<&mut Settlement> {
        Ok(self.status.settlement.as_mut().ok_or(Error::Broken("a job in settlement has none"))?)
    }
    /// What the data set's first version says of its content.
    pub(crate) fn content(&self) -> VersionContent {
        VersionContent {
            manifest_root: self.job.manifest_root.clone(),
            items: self.job.tasks.into(),
            bytes: self.job.bytes,
            media_type: self.job.media_type.clone(),
            content_addresses: self.job.content_addresses.clone(),
            encryption: Encryption::None.into(),
            key_commitment: Vec::new(),
            croissant_sha256: Vec::new(),
        }
    }
    /// What the inference runs under.
    pub(crate) fn truth_params(&self, gold: cairn_truth::Gold) -> Result<cairn_truth::Params> {
        Ok(cairn_truth::Params {
            tasks: self.job.tasks,
            classes: self.classes()?,
            workers: self.status.workers,
            target_bps: self.job.kappa_target_bps,
            gate_bits: self.job.gate_bits,
            gold,
        })
    }
}

/// How the tasks lie in buckets: those of a stage as in its parent, once for each slot.
fn buckets(job: &Job) -> Option<Buckets> {
    match job.stage {
        Some(stage) => Buckets::new(job.tasks.checked_div(stage.slots)?, job.bucket_size)?.times(stage.slots),
        None => Buckets::new(job.tasks, job.bucket_size),
    }
}

/// Whether nothing ever happens to a job in this state.
pub(crate) fn is_final(state: JobState) -> bool {
    matches!(state, JobState::Closed | JobState::Cancelled)
}

/// The state's place in the index of jobs by state.
pub(crate) fn state_key(state: JobState) -> Result<u8> {
    Ok(u8::try_from(i32::from(state)).map_err(|_| Error::Broken("a job's state has no number"))?)
}

/// The state's name in texts.
pub(crate) fn state_name(state: JobState) -> &'static str {
    match state {
        JobState::Unspecified => "nowhere",
        JobState::Open => "open",
        JobState::Revealing => "revealing",
        JobState::Gold => "opening its gold",
        JobState::Infer => "being settled",
        JobState::Late => "in its late round",
        JobState::Appeal => "under appeal",
        JobState::Closed => "closed",
        JobState::Cancelled => "cancelled",
        JobState::Quarantine => "in quarantine",
        JobState::Verifying => "having its drafts verified",
    }
}
