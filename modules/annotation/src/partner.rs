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

/// floor(price * labels * share), `share` in Q32.
pub(crate) fn earned(price: u128, labels: u64, share: u64) -> Result<u128> {
    let labels = u32::try_from(labels).map_err(|_| Error::Overflow)?;
    let result = cairn_truth::WorkerResult { labels, scored: 0, kappa: 0, share, basis: cairn_truth::Basis::Kappa };
    Ok(result.earned(price).map_err(Error::Truth)?)
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

/// Reserves the reward of a lease: from free money, of a late one then from extra. Gives what came from extra; `None` where there is too
/// little, and the lease does not carry the reward.
pub(crate) fn reserve(run: &mut Running, tasks: u32, late: bool) -> Result<Option<u128>> {
    let Some(partner) = run.partner.as_mut() else { return Ok(None) };
    let (amount, money) = (partner.labels_reward(tasks.into())?, &mut partner.money);
    let from_free = amount.min(money.free);
    let from_extra = amount.saturating_sub(from_free);
    if from_extra > if late { money.extra } else { 0 } {
        return Ok(None);
    }
    shift(&mut money.free, &mut money.reserved, from_free, "the partner's free")?;
    shift(&mut money.extra, &mut money.reserved, from_extra, "the partner's extra")?;
    Ok(Some(from_extra))
}

/// Puts what was reserved for so many tasks of a lease back to where it came from, to extra first.
pub(crate) fn give_back(run: &mut Running, lease: &Lease, tasks: u32) -> Result<()> {
    let Some(partner) = run.partner.as_mut().filter(|_| lease.partner) else { return Ok(()) };
    let amount = partner.labels_reward(tasks.into())?;
    let to_extra = amount.min(escrow::number(&lease.partner_from_extra)?);
    let to_free = amount.saturating_sub(to_extra);
    shift(&mut partner.money.reserved, &mut partner.money.extra, to_extra, "the partner's reserved")?;
    shift(&mut partner.money.reserved, &mut partner.money.free, to_free, "the partner's reserved")
}

/// Counts labels that a lease delivered, and frees what was reserved for its skipped tasks.
pub(crate) fn accept(run: &mut Running, lease: &Lease, worker: &mut Worker, accepted: u32) -> Result<()> {
    if lease.partner {
        let labels = if lease.late { &mut worker.partner_late_labels } else { &mut worker.partner_labels };
        *labels = labels.saturating_add(accepted.into());
    }
    give_back(run, lease, lease.tasks.saturating_sub(accepted))
}

/// Credits floor(reward * labels * share) for the blind labels of a worker; the rest is held. Gives what was credited.
pub(crate) fn pay(ctx: &mut Ctx, run: &mut Running, worker: &Worker, share: u64) -> Result<Option<proto::Coin>> {
    let paid = credit(ctx, run, worker, worker.partner_labels, share)?;
    Ok(paid.map(|(coin, _)| coin.into()))
}

/// The same for late labels; of what they did not earn half is extra.
pub(crate) fn pay_late(ctx: &mut Ctx, run: &mut Running, worker: &Worker, share: u64) -> Result<Option<Coin>> {
    let Some((coin, unearned)) = credit(ctx, run, worker, worker.partner_late_labels, share)? else { return Ok(None) };
    let Some(partner) = run.partner.as_mut() else { return Ok(None) };
    shift(&mut partner.money.held, &mut partner.money.extra, unearned / 2, "the partner's held")?;
    Ok(Some(coin))
}

/// Credits a worker for so many labels. Gives what was credited, and the rest, which is held.
fn credit(ctx: &mut Ctx, run: &mut Running, worker: &Worker, labels: u64, share: u64) -> Result<Option<(Coin, u128)>> {
    let Some(partner) = run.partner.as_mut() else { return Ok(None) };
    let (full, pay) = (partner.labels_reward(labels)?, earned(partner.reward, labels, share)?);
    let unearned = full.checked_sub(pay).ok_or(Error::Broken("partner pay is above the reward"))?;
    shift(&mut partner.money.reserved, &mut partner.money.claimable, pay, "the partner's reserved")?;
    shift(&mut partner.money.reserved, &mut partner.money.held, unearned, "the partner's reserved")?;
    let coin = partner.coin(pay);
    escrow::credit(ctx, &Address::parse(&worker.annotator)?, &coin.denom, pay)?;
    Ok(Some((coin, unearned)))
}

/// What a worker would have got of the reward by `share`, above what it got.
pub(crate) fn missed(run: &Running, worker: &Worker, share: u64) -> Result<u128> {
    let (Some(partner), Some(result)) = (&run.partner, &worker.result) else { return Ok(0) };
    let paid = escrow::number(result.partner_pay.as_ref().map_or("", |coin| &coin.amount))?;
    let blind = earned(partner.reward, worker.partner_labels, share)?.saturating_sub(paid);
    if result.late_partner_pay.is_empty() {
        return Ok(blind);
    }
    let late = earned(partner.reward, worker.partner_late_labels, share)?.saturating_sub(escrow::number(&result.late_partner_pay)?);
    add(blind, late)
}

/// What won appeals are paid from.
pub(crate) fn pot(run: &Running) -> Result<u128> {
    run.partner.as_ref().map_or(Ok(0), |partner| add(partner.money.held, partner.money.extra))
}

/// Credits what a won appeal is worth, from held money, then from extra.
pub(crate) fn award(ctx: &mut Ctx, run: &mut Running, worker: &Worker, amount: u128) -> Result<Option<proto::Coin>> {
    let Some(partner) = run.partner.as_mut() else { return Ok(None) };
    let from_held = amount.min(partner.money.held);
    let from_extra = amount.saturating_sub(from_held);
    shift(&mut partner.money.held, &mut partner.money.claimable, from_held, "the partner's held")?;
    shift(&mut partner.money.extra, &mut partner.money.claimable, from_extra, "the partner's extra")?;
    let coin = partner.coin(amount);
    escrow::credit(ctx, &Address::parse(&worker.annotator)?, &coin.denom, amount)?;
    Ok(Some(coin.into()))
}

/// After the last worker: half of what was not earned is for extra overlap and won appeals; what they leave of it goes to the pool when the
/// job ends, so that nobody gains by what others do not earn.
pub(crate) fn divide_unearned(run: &mut Running) -> Result<()> {
    let Some(partner) = run.partner.as_mut() else { return Ok(()) };
    let half = partner.money.held / 2;
    shift(&mut partner.money.held, &mut partner.money.extra, half, "the partner's held")
}

/// What is still held of a job whose gold was false or not opened goes to the pool.
pub(crate) fn forfeit_held(ctx: &mut Ctx, run: &mut Running) -> Result<()> {
    let Some(partner) = run.partner.as_mut() else { return Ok(()) };
    let held = partner.money.held;
    shift(&mut partner.money.held, &mut partner.money.pool, held, "the partner's held")?;
    let denom = partner.denom.clone();
    escrow::fund_pool(ctx, &denom, held)
}

/// The end: what is left of extra goes to the pool, everything else back to the partner.
pub(crate) fn refund(ctx: &mut Ctx, run: &mut Running) -> Result<()> {
    let Some(partner) = run.partner.as_mut() else { return Ok(()) };
    let extra = partner.money.extra;
    shift(&mut partner.money.extra, &mut partner.money.pool, extra, "the partner's extra")?;
    escrow::fund_pool(ctx, &partner.denom, extra)?;
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
