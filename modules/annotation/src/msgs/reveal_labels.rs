//! `MsgRevealLabels`: a commitment is opened and its labels are accepted.
use cairn_kernel::{Address, Ctx, Result, bps};
use cairn_proto::cairn::annotation::v1::{
    Draft, DraftPage, EventLabelsRevealed, JobState, Label, Lease, LeaseState, MsgRevealLabels, MsgRevealLabelsResponse, Worker,
};

use super::{check_list, hash};
use crate::{
    Error,
    answers::Answer,
    buckets, drafts,
    escrow::{self, shift},
    formats,
    gold::hex,
    job::Running,
    labels::{self, Staged},
    late, leases, lifecycle, partner, rules,
    sets::StagedSet,
    state::{COMMITMENTS, LEASES, SHAPES, WORKERS},
};

/// Gas of a byte of a draft in the clear: it is read, checked and hashed.
const SHAPES_GAS: u64 = 30;
/// Most labels that a lease can have: what a message may carry before anything else is looked at.
const LABELS_MAX: usize = 200;

pub(super) fn reveal_labels(ctx: &mut Ctx, msg: &MsgRevealLabels) -> Result<MsgRevealLabelsResponse> {
    let sender = Address::parse(&msg.sender)?;
    let salt = hash("salt", &msg.salt)?;
    check_list("labels", msg.labels.len(), 1, LABELS_MAX)?;
    let (mut run, mut lease) = leases::load(ctx, msg.lease)?;
    check_window(ctx, &run, &lease)?;
    let annotator = Address::parse(&lease.annotator)?;
    let answers = read_labels(ctx, &run, &lease, &msg.labels)?;
    check_opening(ctx, &run, &lease, &annotator, &salt, &answers)?;

    let accepted = accept(ctx, &run, &lease, &answers)?;
    let skipped = lease.tasks.saturating_sub(accepted);
    leases::uncommit(&mut run, lease.tasks.into())?;
    run.status.skipped = run.status.skipped.saturating_add(skipped.into());
    let freed = run.labels_price(skipped.into())?;
    let mut worker = leases::worker(ctx, &lease)?;
    if lease.late {
        run.status.late_labels = run.status.late_labels.saturating_add(accepted.into());
        late::give_back(&mut run, &lease, freed)?;
        lease.buckets.iter().try_for_each(|bucket| late::settle_seat(ctx, &run, *bucket, lease.id, true))?;
        worker.late_labels = worker.late_labels.saturating_add(accepted.into());
        worker.late_promised = worker.late_promised.saturating_sub(skipped);
    } else {
        run.status.labels = run.status.labels.saturating_add(accepted.into());
        shift(&mut run.money.reserved, &mut run.money.free, freed, "reserved")?;
        lease.buckets.iter().try_for_each(|bucket| buckets::finish(ctx, &run, *bucket, lease.id, true))?;
        worker.labels = worker.labels.saturating_add(accepted.into());
    }
    partner::accept(&mut run, &lease, &mut worker, accepted)?;
    lease.set_state(LeaseState::Revealed);
    (lease.labels, lease.ended_height) = (accepted, ctx.block().height);
    LEASES.set(ctx, &lease.id, &lease)?;
    settle_bond(ctx, &mut run, &lease, &mut worker, &sender, skipped)?;
    WORKERS.set(ctx, &(run.id, worker.number), &worker)?;
    lifecycle::advance(ctx, &mut run)?;
    run.save(ctx)?;
    Ok(MsgRevealLabelsResponse { accepted })
}

/// From R + 1 to R + reveal window of the last of the lease's buckets.
fn check_window(ctx: &Ctx, run: &Running, lease: &Lease) -> Result<()> {
    let (id, height) = (lease.id, ctx.block().height);
    if lease.state() == LeaseState::Revealed {
        return Err(Error::Revealed(id).into());
    }
    if lease.state() == LeaseState::Unrevealed {
        return Err(Error::RevealTooLate { lease: id, until: lease.reveal_until, height }.into());
    }
    leases::require_state(lease, LeaseState::Committed)?;
    if lease.buckets_waiting > 0 {
        return Err(Error::RevealWaits { lease: id, waiting: lease.buckets_waiting }.into());
    }
    if height < lease.reveal_from {
        return Err(Error::RevealTooEarly { lease: id, from: lease.reveal_from, height }.into());
    }
    if height > lease.reveal_until {
        return Err(Error::RevealTooLate { lease: id, until: lease.reveal_until, height }.into());
    }
    // A bucket may be revealed while others of the job are still open.
    run.require_standing(&[JobState::Revealing, JobState::Open, JobState::Late])
}

/// One label for each task of the lease, each of the job's type or skipped.
fn read_labels(ctx: &Ctx, run: &Running, lease: &Lease, labels: &[Label]) -> Result<Vec<(u32, Answer)>> {
    let tasks = leases::tasks(ctx, run, lease)?;
    if tasks.len() != labels.len() {
        return Err(Error::LabelCount { expected: tasks.len(), found: labels.len() }.into());
    }
    let mut out = Vec::with_capacity(tasks.len());
    for (position, (expected, label)) in tasks.into_iter().zip(labels).enumerate() {
        if label.task != expected {
            return Err(Error::WrongTask { position, expected, found: label.task }.into());
        }
        out.push((expected, Answer::read(run, label)?));
    }
    Ok(out)
}

/// Labels and salt must hash to the commitment, under the holder's address, lease, job and chain.
fn check_opening(ctx: &Ctx, run: &Running, lease: &Lease, annotator: &Address, salt: &[u8; 32], answers: &[(u32, Answer)]) -> Result<()> {
    let payloads = answers.iter().map(|(task, answer)| Ok((*task, answer.payload(run)?))).collect::<Result<Vec<_>>>()?;
    let bytes = payloads.iter().fold(160_usize, |sum, (_, payload)| sum.saturating_add(payload.len()).saturating_add(6));
    ctx.gas().hash(bytes)?;
    let drawn = answers.iter().map(|(_, answer)| if let Answer::Shapes(shapes) = answer { shapes.len() } else { 0 });
    let drawn = u64::try_from(drawn.fold(0_usize, usize::saturating_add)).map_err(|_| Error::Overflow)?;
    ctx.gas().consume(drawn.saturating_mul(SHAPES_GAS))?;
    let found = formats::label_commitment(&ctx.block().chain_id, run.id, lease.id, annotator, salt, &payloads).ok_or(Error::Overflow)?;
    let expected = crate::gold::hash(&lease.commitment)?;
    if found == expected {
        return Ok(());
    }
    if let Some(original) = COMMITMENTS.get(ctx, &(run.id, expected))?.filter(|original| *original != lease.id) {
        return Err(Error::CopiedCommitment { lease: lease.id, original }.into());
    }
    Err(Error::RevealMismatch { lease: lease.id, expected: hex(&expected), found: hex(&found) }.into())
}

/// Keeps the answers by bucket until they are judged. Gives how many were not skipped.
fn accept(ctx: &mut Ctx, run: &Running, lease: &Lease, answers: &[(u32, Answer)]) -> Result<u32> {
    for bucket in &lease.buckets {
        let tasks = run.buckets.tasks(*bucket);
        let (mut classes, mut given, mut made, mut drawn) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (task, answer) in answers.iter().filter(|(task, _)| tasks.contains(task)) {
            let (task, worker, committed_height) = (*task, lease.worker, lease.committed_height);
            match answer {
                Answer::Skipped => {}
                Answer::Class(class) => classes.push(Staged { task, worker, class: *class }),
                Answer::Set(set) => given.push(StagedSet { task, worker, set: *set }),
                Answer::Draft(hash) => made.push(Draft { task, worker, committed_height, payload: hash.to_vec(), ..Draft::default() }),
                Answer::Shapes(bytes) => {
                    let payload = answer.payload(run)?;
                    made.push(Draft { task, worker, committed_height, payload, ..Draft::default() });
                    drawn.push(Draft { task, shapes: bytes.clone(), ..Draft::default() });
                }
            }
        }
        if !classes.is_empty() {
            labels::stage(ctx, run.id, *bucket, &classes)?;
        }
        if !given.is_empty() {
            labels::stage(ctx, run.id, *bucket, &given)?;
        }
        if !drawn.is_empty() {
            SHAPES.set(ctx, &(run.id, *bucket, lease.worker), &DraftPage { drafts: drawn })?;
        }
        if !made.is_empty() {
            drafts::add(ctx, run.id, *bucket, made)?;
        }
    }
    let accepted = answers.iter().filter(|(_, answer)| *answer != Answer::Skipped).count();
    Ok(u32::try_from(accepted).map_err(|_| Error::Overflow)?)
}

/// The bond goes back, whatever the labels are worth: 5 % to the revealer that the commitment named, if that is who sends, the rest to the
/// holder. A lent bond goes back whole. Tasks skipped beyond the budget were not delivered: they cost their part of it, as a lease without a reveal costs all.
fn settle_bond(ctx: &mut Ctx, run: &mut Running, lease: &Lease, worker: &mut Worker, sender: &Address, skipped: u32) -> Result<()> {
    let bond = escrow::number(&lease.bond)?;
    let left = run.skip_budget().saturating_sub(worker.skips);
    let excess = u128::from(skipped.saturating_sub(left));
    worker.skips = worker.skips.saturating_add(skipped);
    let lost = bond.checked_mul(excess).and_then(|product| product.checked_div(lease.tasks.into())).ok_or(Error::Overflow)?;
    let named = !lease.lent && !lease.revealer.is_empty() && lease.revealer == sender.to_string();
    let rate = if named { rules::REVEAL_FEE_BPS } else { 0 };
    let kept = bond.saturating_sub(lost);
    let fee = bps(kept, rate).ok_or(Error::Overflow)?;
    let back = leases::give_back(ctx, run, lease, kept.saturating_sub(fee))?;
    escrow::credit(ctx, sender, &run.denom, fee)?;
    ctx.emit(&EventLabelsRevealed {
        lease: lease.id,
        job: run.id,
        annotator: lease.annotator.clone(),
        sender: sender.to_string(),
        accepted: lease.labels,
        skipped,
        bond: Some(run.coin(back)),
        reveal_fee: Some(run.coin(fee)),
    });
    if lost > 0 { leases::lose_bond(ctx, run, lease, lost) } else { Ok(()) }
}
