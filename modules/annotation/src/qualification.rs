//! Who may lease in a job: accounts on its list, with the standing it asks for, that passed its exam. Every part that is set must be met.
use std::collections::BTreeSet;

use cairn_kernel::{Address, Ctx, Result, merkle};
use cairn_proto::cairn::annotation::v1::{Exam, MsgPostJob, Qualification};

use crate::{
    Error, Unqualified, exam, formats, gold,
    job::Running,
    rules, standing,
    state::{ALLOWED, GOLD_ROOTS},
};

/// Refuses an account that does not meet what the job asks for.
pub(crate) fn check(ctx: &Ctx, run: &Running, annotator: &Address) -> Result<()> {
    let Some(asked) = run.job.qualification.as_ref() else { return Ok(()) };
    if asked.allowed > 0 && !ALLOWED.has(ctx, &(run.id, *annotator))? {
        let hint = if asked.allow_root.is_empty() { "" } else { ", or has not proved so with MsgQualify" };
        return Err(Unqualified::NotListed { job: run.id, annotator: annotator.to_string(), hint }.into());
    }
    check_standing(ctx, asked, annotator)?;
    match asked.exam.as_ref() {
        Some(asked) => exam::check(ctx, run, asked, annotator),
        None => Ok(()),
    }
}

/// Refuses an account with less standing than is asked for.
pub(crate) fn check_standing(ctx: &Ctx, asked: &Qualification, annotator: &Address) -> Result<()> {
    if asked.standing_skill.is_empty() {
        return Ok(());
    }
    let found = standing::of(ctx, annotator, &asked.standing_skill)?;
    let found_ppm = standing::mean_kappa_ppm(&found);
    if found.settled_labels >= asked.standing_labels && found_ppm >= asked.standing_kappa_ppm {
        return Ok(());
    }
    let (skill, labels, kappa_ppm) = (asked.standing_skill.clone(), asked.standing_labels, asked.standing_kappa_ppm);
    Err(Unqualified::Standing { skill, labels, kappa_ppm, found: found.settled_labels, found_ppm }.into())
}

/// Whether the requester vouches for who works on the job, so that clusters do not count.
pub(crate) fn has_allow_list(run: &Running) -> bool {
    run.job.qualification.as_ref().is_some_and(|asked| asked.allowed > 0)
}

/// Notes that an account is on the list below the job's root.
pub(crate) fn prove(ctx: &mut Ctx, run: &Running, asked: &Qualification, annotator: &Address, index: u32, path: &[Vec<u8>]) -> Result<()> {
    let root = gold::hash(&asked.allow_root)?;
    let path = merkle::read_path(path).ok_or(Unqualified::AllowProof)?;
    ctx.gas().hash(path.len().saturating_add(1).saturating_mul(65))?;
    if !merkle::verify(&root, &formats::allow_leaf(annotator), index.into(), asked.allowed.into(), &path) {
        return Err(Unqualified::AllowProof.into());
    }
    ALLOWED.insert(ctx, &(run.id, *annotator))
}

/// What a new job asks for, with the number of listed accounts; nothing where it asks for nothing. Gives the accounts of an inline list.
pub(crate) fn read(ctx: &Ctx, msg: &MsgPostJob) -> Result<(Option<Qualification>, BTreeSet<Address>)> {
    let mut asked = msg.qualification.clone().unwrap_or_default();
    let listed = read_list(&msg.allow_list)?;
    if listed.is_empty() {
        if asked.allow_root.is_empty() != (asked.allowed == 0) {
            return Err(Unqualified::AllowList.into());
        }
        if !asked.allow_root.is_empty() && asked.allow_root.len() != 32 {
            return Err(Error::HashLength { what: "allow_root", found: asked.allow_root.len() }.into());
        }
    } else {
        if asked.allowed > 0 || !asked.allow_root.is_empty() {
            return Err(Unqualified::AllowList.into());
        }
        asked.allowed = u32::try_from(listed.len()).map_err(|_| Error::Overflow)?;
    }
    read_standing(&asked)?;
    let of_verifiers = msg.verification.as_ref().and_then(|verification| verification.exam.as_ref());
    for exam in asked.exam.iter().chain(of_verifiers) {
        read_exam(ctx, exam)?;
    }
    if let Some(exam) = asked.exam.as_ref().filter(|exam| of_verifiers.is_some_and(|other| other.root == exam.root)) {
        return Err(Error::GoldRootUsed(gold::hex(&exam.root)).into());
    }
    Ok((Some(asked).filter(|asked| *asked != Qualification::default()), listed))
}

fn read_list(list: &[String]) -> Result<BTreeSet<Address>> {
    if list.len() > rules::ALLOW_LIST_MAX {
        let (what, least, most, found) = ("allow_list", 0, rules::ALLOW_LIST_MAX, list.len());
        return Err(Error::ListLength { what, least, most, found }.into());
    }
    let mut listed = BTreeSet::new();
    for account in list {
        if !listed.insert(Address::parse(account)?) {
            return Err(Unqualified::ListedTwice(account.clone()).into());
        }
    }
    Ok(listed)
}

fn read_standing(asked: &Qualification) -> Result<()> {
    if asked.standing_skill.is_empty() {
        let none = asked.standing_labels == 0 && asked.standing_kappa_ppm == 0;
        return if none { Ok(()) } else { Err(Error::Missing("standing_skill").into()) };
    }
    standing::check_skill(&asked.standing_skill)?;
    let labels = i64::try_from(asked.standing_labels).unwrap_or(i64::MAX);
    range("standing_labels", 0, 1_000_000_000, labels)?;
    range("standing_kappa_ppm", 0, 1_000_000, asked.standing_kappa_ppm)
}

fn read_exam(ctx: &Ctx, asked: &Exam) -> Result<()> {
    let root = <[u8; 32]>::try_from(asked.root.as_slice()).map_err(|_| Error::HashLength { what: "exam.root", found: asked.root.len() })?;
    range("exam.batches", 1, rules::EXAM_BATCHES_MAX.into(), asked.batches.into())?;
    range("exam.items", 1, rules::EXAM_ITEMS_MAX.into(), asked.items.into())?;
    range("exam.pass", 1, asked.items.into(), asked.pass.into())?;
    let (_, most) = rules::ADDRESSES_MAX;
    let (text, what) = (&asked.content_address, "exam.content_address");
    if text.is_empty() || text.len() > most {
        return Err(Error::TextLength { what, least: 1, most, found: text.len() }.into());
    }
    if text.chars().any(char::is_control) {
        return Err(Error::TextControl(what).into());
    }
    if GOLD_ROOTS.has(ctx, &root)? {
        return Err(Error::GoldRootUsed(gold::hex(&root)).into());
    }
    Ok(())
}

/// Refuses a number out of range.
pub(crate) fn range(what: &'static str, least: i64, most: i64, found: i64) -> Result<()> {
    if (least..=most).contains(&found) { Ok(()) } else { Err(Unqualified::Range { what, least, most, found }.into()) }
}

/// Writes the inline list of a new job, and burns the roots of its exams for all others.
pub(crate) fn store(ctx: &mut Ctx, run: &Running, listed: &BTreeSet<Address>) -> Result<()> {
    listed.iter().try_for_each(|account| ALLOWED.insert(ctx, &(run.id, *account)))?;
    let own = run.job.qualification.as_ref().and_then(|asked| asked.exam.as_ref());
    let of_verifiers = run.job.verification.as_ref().and_then(|verification| verification.exam.as_ref());
    own.into_iter().chain(of_verifiers).try_for_each(|exam| GOLD_ROOTS.insert(ctx, &gold::hash(&exam.root)?))
}
