//! `MsgPostJob`: a job is checked, paid and opened.
use std::collections::BTreeSet;

use cairn_asset as asset;
use cairn_bank as bank;
use cairn_kernel::{Address, Coin, Ctx, Result};
use cairn_proto::cairn::annotation::v1::{
    EventJobPosted, Job, JobState, JobStatus, MsgPostJob, MsgPostJobResponse, Params, Rules, Visibility,
};
use cairn_rewards as rewards;

use super::{DESCRIPTION, check_list, check_text, hash};
use crate::{
    Error, buckets,
    escrow::ACCOUNT,
    formats::Buckets,
    job::{Running, state_key},
    lent, partner, qualification,
    queues::{self, Kind},
    rules, stage, standing,
    state::{self, FUNDERS, GOLD_ROOTS, JOB_IDS, JOBS, JOBS_BY_REQUESTER, JOBS_BY_STATE, OPEN_JOBS},
    types,
};

pub(super) fn post_job(ctx: &mut Ctx, msg: MsgPostJob) -> Result<MsgPostJobResponse> {
    let params = state::params(ctx)?;
    let job_rules = types::rules(&msg, params.rules.ok_or(Error::Broken("parameters have no rules"))?)?;
    let requester = Address::parse(&msg.requester)?;
    let price = Coin::try_from(msg.price.as_ref().ok_or(Error::Missing("price"))?)?;
    check_description(&msg)?;
    check_shape(&msg, &params)?;
    check_pay(&msg, &price, &params, &job_rules)?;
    types::check_verification(&msg, &price, &params)?;
    let gold_root = types::gold_root(&msg)?;
    check_requester(ctx, &requester, &params)?;
    if let Some(root) = &gold_root {
        stage::check_gold_root(ctx, root)?;
    }
    let (asked, listed) = qualification::read(ctx, &msg)?;
    let fee = Coin::try_from(params.posting_fee.as_ref().ok_or(Error::Broken("parameters have no posting fee"))?)?;
    let (reward, partner) = partner::read(&msg, &price)?;
    let mut run = open(ctx, msg, job_rules, |job| (job.qualification, job.partner_reward, job.partner) = (asked, reward, partner))?;
    asset::check_publishable(&run.job.title, &run.content())?;
    let quote = run.quote()?;
    run.fund(&quote)?;
    lent::put_aside(&mut run)?;
    let escrow = Coin::new(price.denom.clone(), run.money.in_total);
    rewards::forfeit(ctx, &requester, &fee, cairn_kernel::BPS)?;
    bank::send(ctx, &requester, &ACCOUNT.address(), std::slice::from_ref(&escrow))?;

    store(ctx, &mut run, &requester, gold_root)?;
    qualification::store(ctx, &run, &listed)?;
    fund_reward(ctx, &mut run)?;
    ctx.emit(&EventJobPosted {
        job: run.id,
        requester: run.job.requester.clone(),
        tasks: run.job.tasks,
        overlap: run.job.overlap_max,
        price: Some(price.into()),
        escrow: Some(escrow.clone().into()),
        commit_deadline: run.job.commit_deadline,
    });
    Ok(MsgPostJobResponse { job: run.id, commit_deadline: run.job.commit_deadline, escrow: Some(escrow.into()) })
}

/// What the job says of itself. Its limits are those of a data set asset, which it is to become.
fn check_description(msg: &MsgPostJob) -> Result<()> {
    check_text("title", &msg.title, 1, rules::TITLE_MAX)?;
    check_text(DESCRIPTION, &msg.description, 0, rules::DESCRIPTION_MAX)?;
    check_text("media type", &msg.media_type, 1, rules::MEDIA_TYPE_MAX)?;
    let (addresses, address) = rules::ADDRESSES_MAX;
    check_list("content addresses", msg.content_addresses.len(), 0, addresses)?;
    msg.content_addresses.iter().try_for_each(|found| check_text("content address", found, 1, address))?;
    let (least, most) = types::class_limits(msg.r#type());
    check_list("classes", msg.classes.len(), least, most)?;
    let mut names = BTreeSet::new();
    for class in &msg.classes {
        check_text("class", class, 1, rules::CLASS_MAX)?;
        if !names.insert(class) {
            return Err(Error::RepeatedClass(class.clone()).into());
        }
    }
    types::check(msg)?;
    if msg.visibility() == Visibility::Unspecified {
        return Err(Error::Visibility(msg.visibility).into());
    }
    if !msg.skill.is_empty() {
        standing::check_skill(&msg.skill)?;
    }
    hash("manifest_root", &msg.manifest_root)?;
    Ok(())
}

/// Labels a task, and the posterior below which it gets more of them.
fn check_overlap(msg: &MsgPostJob, params: &Params) -> Result<()> {
    let (min, max, bound) = (msg.overlap_min, msg.overlap_max, msg.posterior_bound_bps);
    if min > max || (min < max && bound == 0) {
        return Err(Error::OverlapNotFixed { min, max }.into());
    }
    let (least, most) = (types::overlap_min(msg.r#type(), params), params.overlap_max);
    for found in [min, max] {
        if !(least..=most).contains(&found) {
            return Err(Error::Overlap { least, most, found }.into());
        }
    }
    let (least, most) = rules::POSTERIOR_BOUND;
    if bound > 0 && !(least..=most).contains(&bound) {
        return Err(Error::PosteriorBound { least, most, found: bound }.into());
    }
    Ok(())
}

/// Tasks, overlap, buckets and gold.
fn check_shape(msg: &MsgPostJob, params: &Params) -> Result<()> {
    let (least, most) = (rules::TASKS_MIN, params.tasks_max);
    if !(least..=most).contains(&msg.tasks) {
        return Err(Error::TaskCount { least, most, found: msg.tasks }.into());
    }
    check_overlap(msg, params)?;
    let (least, most) = rules::BUCKET_SIZE;
    if !(least..=most).contains(&msg.bucket_size) {
        return Err(Error::BucketSize { least, most, found: msg.bucket_size }.into());
    }
    let buckets = Buckets::new(msg.tasks, msg.bucket_size).ok_or(Error::Broken("a job without tasks"))?;
    let most = (buckets.smallest() / 2).max(1);
    if !(1..=most).contains(&msg.gold_per_bucket) {
        return Err(Error::GoldPerBucket { least: 1, most, found: msg.gold_per_bucket }.into());
    }
    let gold = u64::from(msg.gold_per_bucket).saturating_mul(buckets.count().into());
    if gold < rules::GOLD_MIN.into() {
        return Err(Error::TooLittleGold { least: rules::GOLD_MIN, found: gold }.into());
    }
    Ok(())
}

/// Price, rule of pay, gate, shares and time.
fn check_pay(msg: &MsgPostJob, price: &Coin, params: &Params, job_rules: &Rules) -> Result<()> {
    if price.amount < rules::PRICE_MIN {
        return Err(Error::Price { least: rules::PRICE_MIN, found: price.amount }.into());
    }
    let (least, most) = rules::ACCOUNT_SEATS;
    if msg.account_seats_bps > 0 {
        qualification::range("account_seats_bps", least.into(), most.into(), msg.account_seats_bps.into())?;
    }
    let (least, most) = rules::KAPPA_TARGET;
    if !(least..=most).contains(&msg.kappa_target_bps) {
        return Err(Error::KappaTarget { least, most, found: msg.kappa_target_bps }.into());
    }
    let (least, most) = rules::GATE;
    if !(least..=most).contains(&msg.gate_bits) {
        return Err(Error::Gate { least, most, found: msg.gate_bits }.into());
    }
    let publication = msg.publication.ok_or(Error::Missing("publication"))?;
    if publication.requester_bps > cairn_kernel::BPS {
        return Err(Error::RequesterShares(publication.requester_bps).into());
    }
    let (least, most) = (job_rules.lease_blocks.saturating_add(rules::CLAIM_BLOCKS), params.longest_job);
    if !(least..=most).contains(&msg.duration) {
        return Err(Error::Duration { least, most, found: msg.duration }.into());
    }
    Ok(())
}

fn check_requester(ctx: &Ctx, requester: &Address, params: &Params) -> Result<()> {
    if !asset::may_hold(ctx, requester)? {
        return Err(Error::ModuleAccount(requester.to_string()).into());
    }
    if OPEN_JOBS.get(ctx, requester)?.unwrap_or(0) >= params.open_jobs_max {
        return Err(Error::TooManyJobs { most: params.open_jobs_max }.into());
    }
    Ok(())
}

/// The job as it will be stored, `extend`ed by what was read from the message before.
fn open(ctx: &mut Ctx, msg: MsgPostJob, mut job_rules: Rules, extend: impl FnOnce(&mut Job)) -> Result<Running> {
    let (id, height) = (JOB_IDS.next(ctx)?, ctx.block().height);
    if msg.account_seats_bps > 0 {
        job_rules.account_seats_bps = msg.account_seats_bps;
    }
    let skill = if msg.skill.is_empty() { standing::default_skill(msg.r#type()) } else { msg.skill.clone() };
    let mut job = Job {
        id,
        requester: msg.requester,
        title: msg.title,
        description: msg.description,
        r#type: msg.r#type,
        item_kind: msg.item_kind,
        visibility: msg.visibility,
        classes: msg.classes,
        manifest_root: msg.manifest_root,
        tasks: msg.tasks,
        bytes: msg.bytes,
        media_type: msg.media_type,
        content_addresses: msg.content_addresses,
        price: msg.price,
        overlap_min: msg.overlap_min,
        overlap_max: msg.overlap_max,
        bucket_size: msg.bucket_size,
        gold_per_bucket: msg.gold_per_bucket,
        gold_root: msg.gold_root,
        kappa_target_bps: msg.kappa_target_bps,
        gate_bits: msg.gate_bits,
        publication: msg.publication,
        posted_height: height,
        commit_deadline: height.checked_add(msg.duration).ok_or(Error::Overflow)?,
        rules: Some(job_rules),
        skill,
        contestants: msg.contestants,
        pairs_root: msg.pairs_root,
        posterior_bound_bps: msg.posterior_bound_bps,
        verification: msg.verification,
        stage: None,
        lent_bonds: msg.lent_bonds,
        ..Job::default()
    };
    extend(&mut job);
    let mut run = Running::new(job, JobStatus { job: id, ..JobStatus::default() })?;
    run.status.set_state(JobState::Open);
    run.status.buckets = run.buckets.count();
    Ok(run)
}

/// A requester that is its own partner pays the whole reward at once; another partner never leases in the job.
fn fund_reward(ctx: &mut Ctx, run: &mut Running) -> Result<()> {
    let Some(found) = run.partner.as_ref() else { return Ok(()) };
    let (account, missing) = (found.account, found.missing(&run.job)?);
    if account != run.requester {
        return FUNDERS.insert(ctx, &(run.id, account));
    }
    partner::pay_in(ctx, run, missing)?;
    run.save(ctx)
}

fn store(ctx: &mut Ctx, run: &mut Running, requester: &Address, gold_root: Option<[u8; 32]>) -> Result<()> {
    JOBS.set(ctx, &run.id, &run.job)?;
    JOBS_BY_STATE.insert(ctx, &(state_key(JobState::Open)?, run.id))?;
    JOBS_BY_REQUESTER.insert(ctx, &(*requester, run.id))?;
    let open = OPEN_JOBS.get(ctx, requester)?.unwrap_or(0);
    OPEN_JOBS.set(ctx, requester, &open.saturating_add(1))?;
    if let Some(root) = gold_root {
        GOLD_ROOTS.insert(ctx, &root)?;
    }
    queues::schedule(ctx, run.job.commit_deadline, Kind::CommitDeadline, run.id, 0)?;
    buckets::open_more(ctx, run)?;
    run.save(ctx)
}
