//! Partner rewards: a second denomination paid beside the price, by the same score, out of a second escrow without fee and gold bond. What
//! is not paid out goes back to the partner who paid it in.
use cairn_kernel::{Address, Coded, Coin, Ctx, Module, Result};
use cairn_proto::{
    cairn::annotation::v1::{EventPartnerRefunded, Job, JobStatus, Lease, MsgPostJob, Worker},
    cosmos::base::v1beta1 as proto,
};

use crate::{
    Annotation, Error,
    escrow::{self, Money, add, shift},
    job::Running,
    rules,
};

/// Why a partner reward is refused. Codes are consensus.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the texts say what each value is")]
pub enum PartnerRefusal {
    /// The reward of a label is below the least.
    #[error("a partner reward must be at least {least} base units a label, found {found}")]
    Reward { least: u128, found: u128 },
    /// The denomination of the price.
    #[error("a partner reward is in another denomination than the price, found {0} for both")]
    SameDenomination(String),
    /// A partner without a reward.
    #[error("job {0} has no partner reward")]
    NoReward(u64),
    /// Another account's reward.
    #[error("the partner reward of job {job} is paid by {expected}, not by {found}")]
    NotPartner { job: u64, expected: String, found: String },
    /// More than all labels can earn.
    #[error("{missing} base units of the partner reward are missing, found {found}")]
    TooMuch { missing: u128, found: u128 },
}

impl Coded for PartnerRefusal {
    const CODESPACE: &'static str = Annotation::NAME;
    fn code(&self) -> u32 {
        match self {
            Self::Reward { .. } => 145,
            Self::SameDenomination(_) => 146,
            Self::NoReward(_) => 147,
            Self::NotPartner { .. } => 148,
            Self::TooMuch { .. } => 149,
        }
    }
}

/// A job's partner reward in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Partner {
    pub(crate) account: Address,
    /// For one label.
    pub(crate) reward: u128,
    pub(crate) denom: String,
    pub(crate) money: Money,
}

impl Partner {
    /// That of a job; `None` where it has none.
    pub(crate) fn of(job: &Job, status: &JobStatus) -> Result<Option<Self>> {
        let Some(coin) = job.partner_reward.as_ref() else { return Ok(None) };
        let reward = Coin::try_from(coin)?;
        let money = Money::read(status.partner_escrow.as_ref().unwrap_or(&Money::default().write()))?;
        Ok(Some(Self { account: Address::parse(&job.partner)?, reward: reward.amount, denom: reward.denom, money }))
    }
    /// The reward of so many labels.
    pub(crate) fn labels_reward(&self, labels: u64) -> Result<u128> {
        Ok(self.reward.checked_mul(labels.into()).ok_or(Error::Overflow)?)
    }
    /// What all labels of the job can earn.
    fn whole(&self, job: &Job) -> Result<u128> {
        self.labels_reward(u64::from(job.tasks).saturating_mul(job.overlap_max.into()))
    }
    /// What is not paid in yet.
    pub(crate) fn missing(&self, job: &Job) -> Result<u128> {
        Ok(self.whole(job)?.saturating_sub(self.money.in_total))
    }
    fn coin(&self, amount: u128) -> Coin {
        Coin::new(self.denom.clone(), amount)
    }
}

/// The reward and the partner of a new job; nothing where there is none.
pub(crate) fn read(msg: &MsgPostJob, price: &Coin) -> Result<(Option<proto::Coin>, String)> {
    let Some(coin) = msg.partner_reward.as_ref() else {
        return if msg.partner.is_empty() { Ok((None, String::new())) } else { Err(Error::Missing("partner_reward").into()) };
    };
    let reward = Coin::try_from(coin)?;
    if reward.amount < rules::PARTNER_REWARD_MIN {
        return Err(PartnerRefusal::Reward { least: rules::PARTNER_REWARD_MIN, found: reward.amount }.into());
    }
    if reward.denom == price.denom {
        return Err(PartnerRefusal::SameDenomination(reward.denom).into());
    }
    let partner = if msg.partner.is_empty() { &msg.requester } else { &msg.partner };
    Ok((Some(coin.clone()), Address::parse(partner)?.to_string()))
}

/// Takes money of the partner into the escrow.
pub(crate) fn pay_in(ctx: &mut Ctx, run: &mut Running, amount: u128) -> Result<()> {
    let Some(partner) = run.partner.as_mut() else { return Err(PartnerRefusal::NoReward(run.id).into()) };
    cairn_bank::send(ctx, &partner.account, &escrow::ACCOUNT.address(), &[partner.coin(amount)])?;
    partner.money.in_total = add(partner.money.in_total, amount)?;
    partner.money.free = add(partner.money.free, amount)?;
    Ok(())
}

/// Reserves the reward of a blind lease. Gives whether the money was there.
pub(crate) fn reserve(run: &mut Running, tasks: u32) -> Result<bool> {
    let Some(partner) = run.partner.as_mut() else { return Ok(false) };
    let amount = partner.labels_reward(tasks.into())?;
    if amount > partner.money.free {
        return Ok(false);
    }
    shift(&mut partner.money.free, &mut partner.money.reserved, amount, "the partner's free")?;
    Ok(true)
}

/// Frees what was reserved for so many tasks of a lease.
pub(crate) fn give_back(run: &mut Running, lease: &Lease, tasks: u32) -> Result<()> {
    let Some(partner) = run.partner.as_mut().filter(|_| lease.partner) else { return Ok(()) };
    let amount = partner.labels_reward(tasks.into())?;
    shift(&mut partner.money.reserved, &mut partner.money.free, amount, "the partner's reserved")
}

/// Counts labels that a lease delivered, and frees what was reserved for its skipped tasks.
pub(crate) fn accept(run: &mut Running, lease: &Lease, worker: &mut Worker, accepted: u32) -> Result<()> {
    if lease.partner {
        worker.partner_labels = worker.partner_labels.saturating_add(accepted.into());
    }
    give_back(run, lease, lease.tasks.saturating_sub(accepted))
}

/// Credits floor(reward * labels * share) to a worker; the rest is held. Gives what was credited.
pub(crate) fn pay(ctx: &mut Ctx, run: &mut Running, worker: &Worker, share: u64) -> Result<Option<proto::Coin>> {
    let Some(partner) = run.partner.as_mut() else { return Ok(None) };
    let full = partner.labels_reward(worker.partner_labels)?;
    let labels = u32::try_from(worker.partner_labels).map_err(|_| Error::Overflow)?;
    let result = cairn_truth::WorkerResult { labels, scored: 0, kappa: 0, share, basis: cairn_truth::Basis::Kappa };
    let pay = result.earned(partner.reward).map_err(Error::Truth)?;
    let unearned = full.checked_sub(pay).ok_or(Error::Broken("partner pay is above the reward"))?;
    shift(&mut partner.money.reserved, &mut partner.money.claimable, pay, "the partner's reserved")?;
    shift(&mut partner.money.reserved, &mut partner.money.held, unearned, "the partner's reserved")?;
    let (denom, coin) = (partner.denom.clone(), partner.coin(pay));
    escrow::credit(ctx, &Address::parse(&worker.annotator)?, &denom, pay)?;
    Ok(Some(coin.into()))
}

/// After the last worker: half of what was not earned goes to the pool, so that nobody gains by what others do not earn.
pub(crate) fn divide_unearned(ctx: &mut Ctx, run: &mut Running) -> Result<()> {
    let half = run.partner.as_ref().map_or(0, |partner| partner.money.held / 2);
    to_pool(ctx, run, half)
}

/// What is still held of a job whose gold was false or not opened.
pub(crate) fn forfeit_held(ctx: &mut Ctx, run: &mut Running) -> Result<()> {
    let held = run.partner.as_ref().map_or(0, |partner| partner.money.held);
    to_pool(ctx, run, held)
}

fn to_pool(ctx: &mut Ctx, run: &mut Running, amount: u128) -> Result<()> {
    let Some(partner) = run.partner.as_mut() else { return Ok(()) };
    shift(&mut partner.money.held, &mut partner.money.pool, amount, "the partner's held")?;
    let denom = partner.denom.clone();
    escrow::fund_pool(ctx, &denom, amount)
}

/// Gives everything that is left back to the partner.
pub(crate) fn refund(ctx: &mut Ctx, run: &mut Running) -> Result<()> {
    let Some(partner) = run.partner.as_mut() else { return Ok(()) };
    let rest = partner.money.buckets()?;
    let money = &mut partner.money;
    (money.free, money.reserved, money.held) = (0, 0, 0);
    money.refunded = add(money.refunded, rest)?;
    let (account, coin) = (partner.account, partner.coin(rest));
    escrow::credit(ctx, &account, &coin.denom, rest)?;
    if rest > 0 {
        ctx.emit(&EventPartnerRefunded { job: run.id, partner: account.to_string(), amount: Some(coin.into()) });
    }
    Ok(())
}
