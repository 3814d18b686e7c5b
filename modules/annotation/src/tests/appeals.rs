//! Appeals: who may bring what before a jury, what a verdict pays, and that every job closes whatever jurors do.
use std::ops::RangeInclusive;

use cairn_dispute::{self as dispute, CaseState, Choice, Court as _, Dispute, Verdict};
use cairn_kernel::{Address, Coin, Module};
use cairn_proto::cairn::{
    annotation::v1::{AppealSubject, GoldVerdict, JobState, MsgAppealDecision, MsgPostJob, MsgServer, PayReason, Standing},
    dispute::v1::{MsgCommitVote, MsgJoinJury, MsgRevealVote, MsgServer as _},
};

use super::{
    late::people,
    world::{Person, Post, Posted, World, user},
};
use crate::{Annotation, appeals::Court, escrow, state::STANDINGS};

const JURORS: RangeInclusive<u8> = 30..=37;

fn post() -> Post {
    Post { tasks: 300, bucket_size: 20, overlap: 4, ..Post::default() }
}

/// Users 2 to 10 work well, user 11 always says the same; published and under appeal.
fn published(jurors: bool) -> (World, Posted) {
    published_with(jurors, |_| {})
}

/// The same with the job changed before it is posted.
pub(super) fn published_with(jurors: bool, change: impl FnOnce(&mut MsgPostJob)) -> (World, Posted) {
    let mut genesis = Annotation.default_genesis();
    genesis.params.as_mut().unwrap().rules.as_mut().unwrap().appeal_window = 200;
    let mut world = World::with(40, genesis);
    let mut crew = people(&post());
    crew.push(Person::new(user(11), |_| 0));
    let posted = world.post_with(&post(), change).unwrap();
    world.work(posted.id, &crew);
    world.open_gold(&posted);
    world.until(posted.id, JobState::Appeal);
    let answered = world.height() + crate::rules::CLAIM_BLOCKS;
    world.go_to(answered); // the last claims of the blind round are over, their bonds back
    if jurors {
        for n in JURORS {
            seat(&mut world, &user(n));
        }
    }
    (world, posted)
}

/// A juror with a record.
fn seat(world: &mut World, juror: &Address) {
    let standing = Standing {
        address: juror.to_string(),
        skill: "classify".into(),
        settled_labels: 500,
        settled_jobs: 1,
        labels_ppm: 500_000_000,
        kappa_labels_ppm: 400_000_000,
        ..Standing::default()
    };
    world.tx(|ctx| STANDINGS.set(ctx, &(*juror, "classify".to_owned()), &standing)).unwrap();
    world.tx(|ctx| Dispute.join_jury(ctx, MsgJoinJury { juror: juror.to_string(), skill: "classify".into() })).unwrap();
}

fn msg(job: u64, n: u8, subject: AppealSubject, task: u32) -> MsgAppealDecision {
    let (appellant, subject) = (user(n).to_string(), subject.into());
    MsgAppealDecision { appellant, job, subject, task, statement_uri: String::new(), statement_sha256: vec![] }
}

pub(super) fn appeal(world: &mut World, posted: &Posted, n: u8) -> u64 {
    let msg = msg(posted.id, n, AppealSubject::Worker, 0);
    world.tx(|ctx| Annotation.appeal_decision(ctx, msg)).unwrap().case_id
}

/// Every juror that has a seat votes for `choice`; the case runs to its end.
pub(super) fn decide(world: &mut World, case: u64, choice: Choice) {
    for _ in 0..1_000 {
        let found = world.ask(|ctx| dispute::case(ctx, case));
        if found.closed > 0 {
            return;
        }
        let round = found.rounds.last().map_or(1, |round| round.number);
        for juror in JURORS.map(user) {
            let chain = world.chain.block.chain_id.clone();
            let commitment = dispute::vote_commitment(&chain, case, round, &juror, choice, &[1; 32]).to_vec();
            let commit = MsgCommitVote { juror: juror.to_string(), case_id: case, commitment };
            let reveal = MsgRevealVote { juror: juror.to_string(), case_id: case, choice: choice.into(), salt: vec![1; 32] };
            match found.state() {
                CaseState::Commit => drop(world.tx(|ctx| Dispute.commit_vote(ctx, commit))),
                CaseState::Reveal => drop(world.tx(|ctx| Dispute.reveal_vote(ctx, reveal))),
                _ => {}
            }
        }
        world.block();
    }
    panic!("case {case} never ended");
}

fn withheld(world: &mut World, job: u64, n: u8) -> u128 {
    world.ask(|ctx| crate::accounts::worker(ctx, job, &user(n)).and_then(|worker| crate::appeals::unearned(&worker.unwrap())))
}

#[test]
fn a_won_appeal_pays_what_was_withheld_and_the_job_closes_with_its_last_case() {
    let (mut world, posted) = published(true);
    let (claim, before) = (withheld(&mut world, posted.id, 11), world.wealth(&user(11)));
    let money = world.money(posted.id);
    assert!(claim > 0 && claim <= money.held + money.gold_bond);
    assert!(world.status(posted.id).asset_id > 0, "the data set does not wait for appeals");
    let deadline = world.status(posted.id).appeal_deadline;
    world.go_to(deadline);
    let case = appeal(&mut world, &posted, 11);
    let bond = before - world.wealth(&user(11));
    assert_eq!(bond, (claim / 2).max(500_000));
    world.block();
    assert_eq!(
        (world.status(posted.id).state(), world.status(posted.id).appeals_open),
        (JobState::Appeal, 1),
        "the window is over, the case is not"
    );
    decide(&mut world, case, Choice::Overturn);
    world.until(posted.id, JobState::Closed);
    assert_eq!(world.wealth(&user(11)), before + claim, "bond back, and all that was withheld");
    let result = world.worker(posted.id, &user(11)).result.unwrap();
    assert!(result.appeal_won && result.awarded == claim.to_string());
    let money = world.money(posted.id);
    assert_eq!(money.in_total, money.claimable + money.refunded + money.burnt + money.pool);
}

#[test]
fn a_lost_appeal_changes_nothing_but_the_bond() {
    let (mut world, posted) = published(true);
    let before = world.wealth(&user(11));
    let case = appeal(&mut world, &posted, 11);
    let bond = before - world.wealth(&user(11));
    decide(&mut world, case, Choice::Uphold);
    world.until(posted.id, JobState::Closed);
    assert_eq!(world.wealth(&user(11)), before - bond);
    assert!(!world.worker(posted.id, &user(11)).result.unwrap().appeal_won);
}

/// Nobody ever joins the jury: the case ends by its clocks, the bond goes back, the job closes.
#[test]
fn without_jurors_the_decision_stands_and_the_job_closes() {
    let (mut world, posted) = published(false);
    let before = world.wealth(&user(11));
    appeal(&mut world, &posted, 11);
    world.until(posted.id, JobState::Closed);
    assert_eq!(world.wealth(&user(11)), before);
    assert_eq!(world.status(posted.id).appeals_open, 0);
}

/// A verdict that never arrives (a court that failed too often) does not keep a job open: it asks for its cases again and again.
#[test]
fn a_lost_verdict_does_not_keep_a_job_open() {
    let (mut world, posted) = published(true);
    let case = appeal(&mut world, &posted, 11);
    decide(&mut world, case, Choice::Uphold);
    let mut run = world.ask(|ctx| crate::job::Running::load(ctx, posted.id));
    world.tx(|ctx| crate::appeals::note(ctx, &mut run, case).and_then(|()| run.save(ctx))).unwrap();
    assert_eq!(world.status(posted.id).appeals_open, 1, "as if it had been lost");
    world.until(posted.id, JobState::Closed);
}

#[test]
fn appeals_have_their_window_and_their_grounds() {
    let mut world = World::with(40, Annotation.default_genesis());
    let mut crew: Vec<Person> = (2..=10).map(|n| Person::skilled(user(n), 100, post().truth, 4)).collect();
    crew.push(Person::new(user(11), |_| 0));
    let posted = world.post(&post());
    let job = posted.id;
    let refused = |world: &mut World, msg: MsgAppealDecision| world.refusal(|ctx| Annotation.appeal_decision(ctx, msg));
    assert_eq!(refused(&mut world, msg(job, 11, AppealSubject::Worker, 0)), 163, "nothing is decided");
    world.work(job, &crew);
    world.open_gold(&posted);
    assert_eq!(refused(&mut world, msg(job, 11, AppealSubject::Worker, 0)), 163);
    world.until(job, JobState::Appeal);
    assert_eq!(refused(&mut world, msg(99, 11, AppealSubject::Worker, 0)), 25);
    assert_eq!(refused(&mut world, msg(job, 20, AppealSubject::Worker, 0)), 79, "never had a lease");
    assert_eq!(refused(&mut world, msg(job, 2, AppealSubject::Worker, 0)), 164, "was paid in full");
    assert_eq!(refused(&mut world, msg(job, 11, AppealSubject::Unspecified, 0)), 165);
    let plain = (0..300).find(|task| !posted.gold.truths.contains_key(task)).unwrap();
    assert_eq!(refused(&mut world, msg(job, 11, AppealSubject::Gold, plain)), 166);
    assert_eq!(refused(&mut world, msg(job, 11, AppealSubject::Gold, 300_000)), 166);
    let right = posted.gold.truths.iter().find(|(_, class)| **class == 0).unwrap();
    assert_eq!(refused(&mut world, msg(job, 11, AppealSubject::Gold, *right.0)), 167, "its label is the gold's");
    let deadline = world.status(job).appeal_deadline;
    assert_eq!(deadline, world.status(job).pay_height + 60);
    world.go_to(deadline);
    let again = msg(job, 11, AppealSubject::Worker, 0);
    world.tx(|ctx| Annotation.appeal_decision(ctx, again.clone())).unwrap();
    let twice = world.tx(|ctx| Annotation.appeal_decision(ctx, again.clone())).unwrap_err();
    assert_eq!(twice.codespace, "dispute");
    world.block();
    assert_eq!(refused(&mut world, again), 163);
}

/// Gold answers that user 11 contradicts.
fn missed(world: &mut World, posted: &Posted) -> Vec<u32> {
    let query = cairn_proto::cairn::annotation::v1::QueryLabelsRequest { job: posted.id, from: 0, limit: 1_000 };
    let tasks = world.ask(|ctx| cairn_proto::cairn::annotation::v1::QueryServer::labels(&Annotation, ctx, query)).tasks;
    let name = user(11).to_string();
    let wrong = |task: u32, class: u32| posted.gold.truths.get(&task).is_some_and(|truth| u32::from(*truth) != class);
    tasks.iter().filter(|t| t.labels.iter().any(|l| l.annotator == name && wrong(t.task, l.class))).map(|t| t.task).collect()
}

/// A jury voids gold answers, one verdict each, as `dispute` tells it.
fn void(world: &mut World, posted: &Posted, tasks: &[u32]) {
    let most = 3; // open appeals of one account
    for task in tasks.iter().take(most) {
        let msg = msg(posted.id, 11, AppealSubject::Gold, *task);
        let case = world.tx(|ctx| Annotation.appeal_decision(ctx, msg)).unwrap().case_id;
        let case = world.ask(|ctx| dispute::case(ctx, case));
        world.tx(|ctx| Court.verdict(ctx, &case, Verdict::VoidGold)).unwrap();
        world.tx(|ctx| Court.verdict(ctx, &case, Verdict::VoidGold)).unwrap(); // the second one finds nothing to do
    }
}

#[test]
fn void_gold_pays_whom_it_alone_had_kept_out_and_costs_its_requester() {
    let (mut world, posted) = published(false);
    let tasks = missed(&mut world, &posted);
    let before = world.worker(posted.id, &user(11)).result.unwrap();
    assert_eq!(before.reason(), PayReason::Gated);
    let needed = (1..=before.gold_seen - before.gold_hits)
        .find(|voided| !cairn_truth::is_gated(4, -2, before.gold_hits, before.gold_seen - voided).unwrap())
        .unwrap();
    let most = tasks.len().min(3);
    void(&mut world, &posted, &tasks);
    world.until(posted.id, JobState::Closed);
    let (status, result) = (world.status(posted.id), world.worker(posted.id, &user(11)).result.unwrap());
    println!("{most} of {} missed gold answers void, {needed} would let it in", tasks.len());
    assert_eq!(result.gold_voided as usize, most);
    assert_eq!(result.appeal_won, most >= needed as usize, "a guesser is not paid for one bad answer among many");
    let settlement = status.settlement.unwrap();
    assert_eq!(settlement.gold_void as usize, most);
    let verdict = cairn_truth::GoldVerdict { opened: status.gold_opened, void: settlement.gold_void };
    assert_eq!(settlement.gold() == GoldVerdict::False, verdict.is_false());
    if settlement.gold() == GoldVerdict::False {
        assert!(world.money(posted.id).refunded < 1_200_000, "held money and bond are not the requester's");
    }
}

#[test]
fn jurors_are_paid_by_the_bond_of_void_gold_and_never_out_of_what_was_won() {
    let (mut world, posted) = published(false);
    let task = missed(&mut world, &posted)[0];
    let gold = msg(posted.id, 11, AppealSubject::Gold, task);
    let about_gold = world.tx(|ctx| Annotation.appeal_decision(ctx, gold)).unwrap().case_id;
    let about_pay = appeal(&mut world, &posted, 11);
    let before = world.money(posted.id);
    let mut fee = |case, verdict, fee| {
        let case = world.ask(|ctx| dispute::case(ctx, case));
        let paid = world.tx(|ctx| Court.jury_fee(ctx, &case, verdict, &Coin::base(fee))).unwrap().amount;
        (paid, world.money(posted.id))
    };
    let (paid, money) = fee(about_gold, Verdict::VoidGold, 1_000);
    assert_eq!((paid, before.gold_bond - money.gold_bond, money.held), (1_000, 1_000, before.held));
    let (paid, after) = fee(about_pay, Verdict::Overturned, u128::MAX);
    let claim: u128 = escrow::number(&world.worker(posted.id, &user(11)).result.unwrap().unearned.unwrap().amount).unwrap();
    assert_eq!(money.held - after.held, paid);
    assert!(after.held + after.gold_bond >= claim, "what was won stays");
}

#[test]
fn parties_are_no_jurors() {
    let (mut world, posted) = published(false);
    let number = u64::from(world.worker(posted.id, &user(11)).number);
    let subject = crate::appeals::subject(posted.id, AppealSubject::Worker, number);
    super::clusters::send(&mut world, &user(21), &user(150), 500_000);
    let mut party = |account: Address| world.tx(|ctx| Court.is_party(ctx, &subject, &account)).unwrap();
    assert!(party(user(1)), "the requester");
    assert!(party(user(11)) && party(user(2)), "the appellant, and whoever had a lease");
    assert!(!party(user(30)) && !party(user(150)));
}

/// The exit from quarantine waits for cases too, and credits what they won.
#[test]
fn a_job_in_quarantine_waits_for_its_cases() {
    let (mut world, posted) = published(true);
    let case = appeal(&mut world, &posted, 11);
    let claim = withheld(&mut world, posted.id, 11);
    world.tx(|ctx| crate::quarantine::contain(ctx, posted.id, 0, 0, &crate::Error::Overflow.into())).unwrap();
    assert_eq!(world.status(posted.id).state(), JobState::Quarantine);
    let before = world.wealth(&user(11));
    decide(&mut world, case, Choice::Overturn);
    world.until(posted.id, JobState::Closed);
    assert!(world.wealth(&user(11)) >= before + claim);
    assert!(world.worker(posted.id, &user(11)).result.unwrap().appeal_won);
}

/// Ten of 600 tasks are of class 1, and gold: one class is nearly everywhere, and who is scored is scored by gold.
fn one_class() -> Post {
    let truth = |task| u16::from(super::world::noise(1, task) < u64::MAX / 60);
    Post { tasks: 600, bucket_size: 20, classes: 2, truth, gold_truth: truth, ..Post::default() }
}

/// User 7 says 0 to every other task; the others are right. Published and under appeal, with the gold that user 7 missed.
fn scored_by_gold() -> (World, Posted, Vec<u32>) {
    let mut genesis = Annotation.default_genesis();
    genesis.params.as_mut().unwrap().rules.as_mut().unwrap().appeal_window = 200;
    let mut world = World::with(8, genesis);
    let (post, truth) = (one_class(), one_class().truth);
    let mut crew: Vec<Person> = (2..=6).map(|n| Person::new(user(n), truth)).collect();
    crew.push(Person::new(user(7), move |task| if task.is_multiple_of(2) { 0 } else { truth(task) }));
    let posted = world.post(&post);
    world.work(posted.id, &crew);
    world.open_gold(&posted);
    world.until(posted.id, JobState::Appeal);
    let answered = world.height() + crate::rules::CLAIM_BLOCKS;
    world.go_to(answered); // the last claims of the blind round are over, their bonds back
    let query = cairn_proto::cairn::annotation::v1::QueryLabelsRequest { job: posted.id, from: 0, limit: 1_000 };
    let tasks = world.ask(|ctx| cairn_proto::cairn::annotation::v1::QueryServer::labels(&Annotation, ctx, query)).tasks;
    let name = user(7).to_string();
    let is_missed = |task: u32, class: u32| posted.gold.truths.get(&task).is_some_and(|truth| u32::from(*truth) != class);
    let missed = tasks.iter().filter(|t| t.labels.iter().any(|l| l.annotator == name && is_missed(t.task, l.class)));
    let missed = missed.map(|t| t.task).collect();
    (world, posted, missed)
}

fn void_for(world: &mut World, posted: &Posted, task: u32) {
    let msg = msg(posted.id, 7, AppealSubject::Gold, task);
    let case = world.tx(|ctx| Annotation.appeal_decision(ctx, msg)).unwrap().case_id;
    let case = world.ask(|ctx| dispute::case(ctx, case));
    world.tx(|ctx| Court.verdict(ctx, &case, Verdict::VoidGold)).unwrap();
}

/// Who was scored by gold answers of which a jury voids one is scored by the others, and gets the difference.
#[test]
fn void_gold_scores_anew_whom_gold_scored() {
    let (mut world, posted, missed) = scored_by_gold();
    let before = world.worker(posted.id, &user(7));
    let result = before.result.clone().unwrap();
    assert_eq!((result.reason(), missed.len() as u32), (PayReason::GoldSkill, result.gold_seen - result.gold_hits));
    assert_eq!(result.gold_truths.iter().sum::<u32>(), result.gold_seen);
    assert!(result.score_q32 < cairn_truth::ONE && !missed.is_empty(), "{} missed", missed.len());
    let others: Vec<u128> = (2..=6).map(|n| world.wealth(&user(n))).collect();
    let wealth = world.wealth(&user(7));
    void_for(&mut world, &posted, missed[0]);
    world.until(posted.id, JobState::Closed);
    let after = world.worker(posted.id, &user(7)).result.unwrap();
    assert_eq!((after.gold_voided, after.appeal_won), (1, false), "it is scored, not acquitted");
    assert_eq!(after.gold_truths.iter().sum::<u32>() + 1, result.gold_seen);
    assert!(after.won_share_q32 > result.score_q32, "{missed:?} missed; {result:?}, then {after:?}");
    let pay = |share: u64| (u128::from(before.labels) * 10_000 * u128::from(share)) >> 32;
    let more = pay(after.won_share_q32) - pay(result.score_q32);
    println!("score {} of 1000, {} without the void answer", (result.score_q32 * 1_000) >> 32, (after.won_share_q32 * 1_000) >> 32);
    assert_eq!((after.awarded, world.status(posted.id).appeals_won), (more.to_string(), more.to_string()));
    let bond = 2 * 500_000; // the case was ended by hand: its bond stays with `dispute`
    assert!(world.wealth(&user(7)) + bond >= wealth + more);
    let same: Vec<u128> = (2..=6).map(|n| world.wealth(&user(n))).collect();
    assert_eq!(others, same, "who was right about it loses nothing");
    let money = world.money(posted.id);
    assert_eq!(money.in_total, money.claimable + money.refunded + money.burnt + money.pool);
}

/// Nobody voids anything: the same job, and nobody is owed more.
#[test]
fn without_a_void_answer_nobody_is_scored_anew() {
    let (mut world, posted, _) = scored_by_gold();
    world.until(posted.id, JobState::Closed);
    assert!((2..=7).all(|n| world.worker(posted.id, &user(n)).result.unwrap().won_share_q32 == 0));
    assert!(world.status(posted.id).appeals_won.is_empty());
}
