//! What people do.
use cairn_dispute::{Court as _, Verdict};
use cairn_kernel::Address;
use cairn_proto::cairn::annotation::v1::{
    AppealSubject, JobState, Label, LeaseState, MsgAppealDecision, MsgCancelJob, MsgClaimTasks, MsgCommitLabels, MsgLeaveCluster,
    MsgRenewLease, MsgResumeJob, MsgRevealLabels, MsgServer, MsgSkipTasks, MsgWithdrawEarnings, SkipReason,
};

use super::{
    super::{
        clusters::send,
        world::{noise, salt, user},
    },
    Schedule, answers,
};
use crate::{
    Annotation, escrow, formats,
    job::Running,
    leases,
    state::{APPEALS, CLAIMS, DUE},
};

/// The state that a job is in, or was in before a step of it failed.
fn stood(run: &Running) -> JobState {
    let state = run.status.state();
    if state == JobState::Quarantine { run.status.quarantined_from() } else { state }
}

impl Schedule {
    pub(super) fn claim(&mut self) {
        let (account, job) = (self.person(), self.some_job());
        let waiting = self.world.ask(|ctx| CLAIMS.get(ctx, &(job, account)));
        let nonce = waiting.as_ref().map_or(self.world.height(), |claim| claim.nonce);
        let lent_bond = self.dice.one_in(3);
        let msg = MsgClaimTasks { annotator: account.to_string(), job, buckets: 1 + self.dice.number(4), nonce, lent_bond };
        let before = self.world.wealth(&account);
        match (self.world.tx(|ctx| Annotation.claim_tasks(ctx, msg)), waiting) {
            (Ok(answer), Some(claim)) => {
                assert_eq!((answer.height, self.world.wealth(&account)), (claim.height, before), "invariant 8");
                self.count("claims sent again");
            }
            (Ok(answer), None) if answer.lease == 0 => {
                assert!(!lent_bond || self.world.wealth(&account) == before, "nothing is taken for a lent bond");
                self.claims.insert((job, account), self.world.height());
                self.count("claims");
            }
            (Ok(answer), None) => assert_eq!(self.world.lease(answer.lease).annotator, account.to_string(), "invariant 8"),
            (Err(_), Some(claim)) => panic!("a claim sent again was refused: {claim:?}"),
            (Err(_), None) => self.count("claims refused"),
        }
    }
    pub(super) fn commit(&mut self) {
        let Some(lease) = self.some_lease(LeaseState::Live) else { return };
        let (run, _) = self.world.ask(|ctx| leases::load(ctx, lease.id));
        let (kind, dice) = (self.work(run.id).kind, self.dice.below(1 << 40));
        let tasks = self.world.ask(|ctx| leases::tasks(ctx, &run, &lease));
        let labels: Vec<Label> = tasks.into_iter().map(|task| answers::answer(kind, noise(dice, task), task)).collect();
        let payloads: Vec<_> = labels.iter().map(|label| (label.task, answers::payload(kind, label))).collect();
        let (annotator, chain) = (Address::parse(&lease.annotator).unwrap(), &self.world.chain.block.chain_id);
        let commitment = formats::label_commitment(chain, run.id, lease.id, &annotator, &salt(lease.id), &payloads).unwrap().to_vec();
        let revealer = if self.dice.one_in(8) { user(6).to_string() } else { String::new() };
        let in_time = self.world.height() <= leases::commit_until(&run, &lease, self.world.height());
        let expected = lease.state() == LeaseState::Live && in_time && matches!(stood(&run), JobState::Open | JobState::Late);
        let msg = MsgCommitLabels { annotator: lease.annotator.clone(), lease: lease.id, commitment, revealer };
        let done = self.world.tx(|ctx| Annotation.commit_labels(ctx, msg));
        assert_eq!(done.is_ok(), expected, "invariant 4: {lease:?} at {}: {done:?}", self.world.height());
        if expected {
            self.labels.insert(lease.id, labels);
            self.count(if lease.late { "late commitments" } else { "commitments" });
        }
    }
    pub(super) fn reveal(&mut self) {
        let Some(lease) = self.some_lease(LeaseState::Committed) else { return };
        let Some(labels) = self.labels.get(&lease.id).cloned() else { return };
        let (sender, holder) = (self.person(), Address::parse(&lease.annotator).unwrap());
        let (run, _) = self.world.ask(|ctx| leases::load(ctx, lease.id));
        let kind = self.work(run.id).kind;
        let skipped = labels.iter().filter(|label| answers::is_skipped(kind, label)).count();
        let (before, worker) = (self.world.claimable(&holder), self.world.ask(|ctx| leases::worker(ctx, &lease)));
        let height = self.world.height();
        let in_window = lease.reveal_from > 0 && (lease.reveal_from..=lease.reveal_until).contains(&height);
        let msg = MsgRevealLabels { sender: sender.to_string(), lease: lease.id, salt: salt(lease.id).to_vec(), labels };
        let done = self.world.tx(|ctx| Annotation.reveal_labels(ctx, msg));
        assert_eq!(done.is_ok(), lease.state() == LeaseState::Committed && in_window, "{lease:?} at {height}: {done:?}");
        if done.is_err() {
            return;
        }
        let within = usize::try_from(run.skip_budget().saturating_sub(worker.skips)).unwrap() >= skipped;
        let back = self.world.claimable(&holder) - before;
        let bond: u128 = lease.bond.parse().unwrap();
        let by_another = lease.revealer == sender.to_string() && sender != holder;
        match (lease.lent, within, by_another) {
            (true, ..) => assert_eq!(back, 0, "invariant 10: a lent bond goes back to the lender"),
            (false, true, false) => assert_eq!(back, bond, "invariant 10"),
            (false, true, true) => assert_eq!(back, bond - bond / 20, "invariant 10, less the reveal fee"),
            (false, false, _) => assert!(back < bond, "what was promised and not delivered costs its part"),
        }
        self.count(if lease.late { "late reveals" } else { "reveals" });
    }
    pub(super) fn skip(&mut self) {
        let Some(lease) = self.some_lease(LeaseState::Live) else { return };
        let holder = Address::parse(&lease.annotator).unwrap();
        let before = self.world.wealth(&holder);
        let unserved = self.dice.one_in(2);
        let reason = if unserved { SkipReason::Unavailable } else { SkipReason::Declined };
        let msg = MsgSkipTasks { annotator: lease.annotator.clone(), lease: lease.id, reason: reason.into() };
        if self.world.tx(|ctx| Annotation.skip_tasks(ctx, msg)).is_ok() {
            let bond: u128 = if lease.lent { 0 } else { lease.bond.parse().unwrap() };
            assert_eq!(self.world.wealth(&holder), before + bond, "invariant 7");
            if unserved {
                self.unserved.insert(lease.id);
            }
            self.count("leases given back");
        }
    }
    pub(super) fn renew(&mut self) {
        let Some(lease) = self.some_lease(LeaseState::Live) else { return };
        let msg = MsgRenewLease { annotator: lease.annotator.clone(), lease: lease.id };
        let done = self.world.tx(|ctx| Annotation.renew_lease(ctx, msg));
        assert!(!(done.is_ok() && lease.renewed), "one renewal");
        if done.is_ok() {
            self.count("renewals");
        }
    }
    pub(super) fn cancel(&mut self) {
        let job = self.some_job();
        let leased = self.world.status(job).leases > 0;
        let done = self.world.tx(|ctx| Annotation.cancel_job(ctx, MsgCancelJob { requester: Self::requester(), job }));
        assert!(!(done.is_ok() && leased), "invariant 9");
    }
    pub(super) fn withdraw(&mut self) {
        let account = self.person();
        let owned = self.world.ask(|ctx| escrow::earnings(ctx, &account, 9));
        let (claimable, before) = (self.world.claimable(&account), self.world.balance(&account));
        let msg = MsgWithdrawEarnings { account: account.to_string(), denoms: vec![] };
        assert_eq!(self.world.tx(|ctx| Annotation.withdraw_earnings(ctx, msg)).is_ok(), !owned.is_empty());
        assert_eq!(self.world.balance(&account), before + claimable);
    }
    pub(super) fn resume(&mut self) {
        let job = self.some_job();
        if self.world.tx(|ctx| Annotation.resume_job(ctx, MsgResumeJob { requester: Self::requester(), job })).is_ok() {
            self.count("jobs resumed");
        }
    }
    pub(super) fn appeal(&mut self) {
        let (account, job, task) = (self.person(), self.some_job(), self.dice.number(100));
        let subject = self.dice.of(&[AppealSubject::Worker, AppealSubject::Gold]).into();
        let msg = MsgAppealDecision { appellant: account.to_string(), job, subject, task, ..MsgAppealDecision::default() };
        if self.world.tx(|ctx| Annotation.appeal_decision(ctx, msg)).is_ok() {
            self.count("appeals");
        }
    }
    /// A verdict about some open case; without it the case ends by its clocks, since nobody is a juror here.
    pub(super) fn verdict(&mut self) {
        let open = self.world.ask(|ctx| APPEALS.range(ctx, &[]).collect::<cairn_kernel::Result<Vec<_>>>());
        let Some((_, case)) = open.get(usize::try_from(self.dice.below(8)).unwrap()).copied() else { return };
        let case = self.world.ask(|ctx| cairn_dispute::case(ctx, case));
        let verdict = self.dice.of(&[Verdict::Overturned, Verdict::VoidGold, Verdict::Upheld]);
        self.world.tx(|ctx| crate::appeals::Court.verdict(ctx, &case, verdict)).unwrap();
        self.count("verdicts");
    }
    /// A payment among them, which may put somebody into a cluster.
    pub(super) fn pay_somebody(&mut self) {
        let (from, to) = (self.person(), self.person());
        if self.world.balance(&from) > 1_000_000 && from != to {
            send(&mut self.world, &from, &to, 150_000);
            self.count("payments");
        }
    }
    pub(super) fn leave_cluster(&mut self) {
        let account = self.person();
        if self.world.tx(|ctx| Annotation.leave_cluster(ctx, MsgLeaveCluster { account: account.to_string() })).is_ok() {
            self.count("clusters left");
        }
    }
    /// A step of some job fails: an item of its queue names no lease. Nobody can retry it with success.
    pub(super) fn fail(&mut self) {
        let (job, height) = (self.some_job(), self.world.height());
        self.world.tx(|ctx| DUE.insert(ctx, &(height, 1, job, u64::MAX))).unwrap();
        self.count("failures");
    }
}
