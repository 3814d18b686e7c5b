//! Audits: who is drawn, what an auditor must show, what it is paid and what it loses; and what copying and colluding are worth.
use cairn_auth::authority;
use cairn_kernel::{Address, BPS, Result};
use cairn_program::Spot;
use cairn_proto::cairn::compute::v1::{
    Audit, AuditState, JobOutcome, JobState, MsgCommitAudit, MsgPostJob, MsgRevealAudit, MsgServer, MsgUpdateParams, QueryAuditRequest,
    QueryAuditsRequest, QueryServer,
};

use super::world::{BOND, PRICE, World, base, provider, refused, requester, user};
use crate::{Compute, Error, Params, audit_commitment, main_params, test_params};

/// What an audit is paid: 23,730 multiplications, three runs, a tenth of a ucairn each; and a tenth more.
const PAY: u128 = 7_119 + 712;
/// What it locks of the auditor's bond.
const LOCKED: u128 = 5 * PAY;
const SALT: [u8; 32] = [9; 32];

fn auditor() -> Address {
    user(60)
}

/// Every result is audited.
pub(super) fn always() -> Params {
    Params { audit_bps: BPS, giga_mac_price: "100000000".into(), ..test_params() }
}

impl World {
    pub(super) fn set_params(&mut self, params: Params) {
        let update = MsgUpdateParams { authority: authority().to_string(), params: Some(params) };
        self.chain.tx(|ctx| Compute.update_params(ctx, update)).unwrap();
    }
    /// With a filled fund, a provider to audit, and the given settings.
    fn audited(params: Params) -> Self {
        let mut world = Self::new();
        let (_, until) = world.delivered(true, 0);
        world.run_to(until + 1);
        assert_eq!(world.fund_held(), PRICE / 100);
        world.bond(auditor(), BOND).unwrap();
        world.set_params(params);
        world
    }
    fn fund_held(&mut self) -> u128 {
        let found = self.chain.run(|ctx| Compute.audits(ctx, QueryAuditsRequest::default())).unwrap();
        found.fund.unwrap().amount.parse().unwrap()
    }
    fn audit(&mut self, job_id: u64) -> Result<Audit> {
        self.chain.run(|ctx| Compute.audit(ctx, QueryAuditRequest { job_id })).map(|found| found.audit.unwrap())
    }
    /// A delivered result whose audit is drawn.
    fn drawn(&mut self, right: bool) -> u64 {
        let (job, _) = self.delivered_again(right);
        assert_eq!(self.audit(job).unwrap().state(), AuditState::Draw);
        let until = self.height() + 4;
        self.run_to(until);
        assert_eq!((self.audit(job).unwrap().state(), self.audit(job).unwrap().auditor), (AuditState::Commit, auditor().to_string()));
        job
    }
    fn seal(&mut self, job_id: u64, root: [u8; 32]) -> Result<()> {
        let commitment = audit_commitment(&self.chain.block.chain_id, job_id, &auditor(), &root, &SALT).to_vec();
        let m = MsgCommitAudit { auditor: auditor().to_string(), job_id, commitment };
        self.chain.tx(|ctx| Compute.commit_audit(ctx, m)).map(drop)
    }
    /// Runs until the chunk is drawn.
    fn run_to_opening(&mut self, job: u64) {
        while self.audit(job).unwrap().state() != AuditState::Open {
            self.block();
        }
    }
    fn opening(&mut self, job_id: u64, right: bool) -> MsgRevealAudit {
        let audit = self.audit(job_id).unwrap();
        let trace = if right { &self.work.right } else { &self.work.wrong };
        let spot = Spot { run: audit.run, node: audit.node, chunk: audit.chunk };
        let preimages = trace.open_spot(&self.work.program, spot).unwrap().preimages;
        MsgRevealAudit { auditor: auditor().to_string(), job_id, root: trace.root().to_vec(), salt: SALT.to_vec(), preimages }
    }
    fn open_audit(&mut self, m: MsgRevealAudit) -> Result<u64> {
        self.chain.tx(|ctx| Compute.reveal_audit(ctx, m)).map(|done| done.case_id)
    }
    fn bonded(&mut self, of: Address) -> u128 {
        self.provider(of).bond.unwrap().amount.parse().unwrap()
    }
}

#[test]
fn an_auditor_that_ran_the_program_is_paid_when_its_root_stands() {
    let mut world = World::audited(always());
    let fund = world.fund_held();
    let job = world.drawn(true);
    assert_eq!((world.fund_held(), world.provider(auditor()).locked.unwrap().amount), (fund - PAY, LOCKED.to_string()));
    world.seal(job, world.work.right.root()).unwrap();
    world.run_to_opening(job);
    let m = world.opening(job, true);
    assert_eq!(world.open_audit(m).unwrap(), 0);
    assert_eq!((world.audit(job).unwrap().state(), world.balance(auditor())), (AuditState::Opened, 0));
    let due = world.job(job).due;
    world.run_to(due + 1);
    assert_eq!((world.job(job).outcome(), world.balance(auditor())), (JobOutcome::Paid, PAY));
    assert_eq!((world.fund_held(), world.bonded(auditor())), (fund - PAY + PRICE / 100, BOND));
    refused(world.audit(job), &Error::NoAudit(job));
}

#[test]
fn an_auditor_with_another_root_opens_the_case_itself() {
    let mut world = World::audited(always());
    let job = world.drawn(false);
    world.seal(job, world.work.right.root()).unwrap();
    world.run_to_opening(job);
    let m = world.opening(job, true);
    assert_eq!(world.open_audit(m.clone()).unwrap_err().code, 5, "it puts up the bond of a rival");
    world.fund(auditor(), PRICE);
    let case = world.open_audit(m).unwrap();
    assert_eq!((world.state(job), world.job(job).case_id), (JobState::Contested, case));
    let until = world.job(job).due;
    assert!(until > world.height());
    world.play_out_from_window(job, case, auditor());
    assert_eq!(world.job(job).outcome(), JobOutcome::Wrong);
    assert_eq!(world.balance(auditor()), PRICE + 5 * PRICE * 35 / 100 + PAY, "its bond, the finder's fee, the pay");
    assert_eq!((world.balance(requester()), world.bonded(auditor())), (PRICE, BOND));
    assert_eq!(world.fund_held(), PRICE / 100 - PAY + 5 * PRICE * 15 / 100, "15 % of the slash");
}

impl World {
    fn play_out_from_window(&mut self, job: u64, case: u64, right: Address) {
        let _ = job;
        for _ in 0..70 {
            self.block();
        }
        self.play_out(case, Some(right), Some(provider()));
    }
}

#[test]
fn a_silent_auditor_loses_a_small_part_and_the_job_goes_on() {
    for sealed in [false, true] {
        let mut world = World::audited(always());
        let fund = world.fund_held();
        let job = world.drawn(true);
        if sealed {
            world.seal(job, [1; 32]).unwrap();
        }
        let due = world.job(job).due;
        world.run_to(due + 1);
        let lost = LOCKED / 10;
        assert_eq!((world.job(job).outcome(), world.bonded(auditor())), (JobOutcome::Paid, BOND - lost));
        assert_eq!(world.fund_held(), fund + PRICE / 100 + (lost - lost / 2));
        assert_eq!(world.provider(auditor()).locked.unwrap().amount, "0");
    }
}

#[test]
fn an_auditor_that_copies_the_root_gains_nothing_and_loses_its_part() {
    let mut world = World::audited(always());
    let job = world.drawn(true);
    let copied: [u8; 32] = world.job(job).trace_root.try_into().unwrap();
    world.seal(job, copied).unwrap();
    world.run_to_opening(job);
    // All that the chain has told of the result: outputs and roots, no chunk of an inner node, and no sibling of one.
    let claim = world.work.right.claim();
    let told: Vec<Vec<u8>> = claim.nodes_roots.iter().map(|root| root.to_vec()).chain(claim.outputs).collect();
    let m = MsgRevealAudit { root: copied.to_vec(), preimages: told, ..world.opening(job, true) };
    refused(world.open_audit(m), &Error::Spot);
    let due = world.job(job).due;
    world.run_to(due + 1);
    let (gain, lost) = (world.balance(auditor()), BOND - world.bonded(auditor()));
    println!("copied root: the auditor gains {gain} of a pay of {PAY} and loses {lost}; others lose 0");
    assert_eq!((gain, lost), (0, LOCKED / 10));
}

#[test]
fn an_auditor_that_vouches_for_its_friends_lie_loses_more_than_it_is_paid() {
    let mut world = World::audited(always());
    let job = world.drawn(false);
    world.seal(job, world.work.wrong.root()).unwrap();
    world.run_to_opening(job);
    // Its friend gave it the whole false trace.
    let m = world.opening(job, false);
    assert_eq!(world.open_audit(m).unwrap(), 0);
    let case = world.challenge(user(10), job, world.work.right.root()).unwrap();
    world.play_out_from_window(job, case, user(10));
    let (gain, lost) = (world.balance(auditor()), BOND - world.bonded(auditor()));
    println!("vouching for a lie: the auditor gains {gain} and loses {lost}, its friend {}; the requester loses 0", 5 * PRICE);
    assert_eq!((world.job(job).outcome(), gain, lost), (JobOutcome::Wrong, 0, LOCKED));
}

#[test]
fn messages_of_audits_are_refused_by_their_codes() {
    let mut world = World::audited(always());
    refused(world.seal(1, [1; 32]), &Error::NoAudit(1));
    let job = world.drawn(true);
    let early = world.opening(job, true);
    refused(world.open_audit(early.clone()), &Error::State(job));
    let m = MsgCommitAudit { auditor: user(9).to_string(), job_id: job, commitment: vec![1; 32] };
    refused(world.chain.tx(|ctx| Compute.commit_audit(ctx, m.clone())), &Error::NotYours { job, account: user(9).to_string() });
    let short = MsgCommitAudit { commitment: vec![1; 31], ..m };
    refused(world.chain.tx(|ctx| Compute.commit_audit(ctx, short)), &Error::Hash(31));
    let last = world.audit(job).unwrap().until;
    world.run_to(last);
    world.seal(job, world.work.right.root()).unwrap();
    refused(world.seal(job, [1; 32]), &Error::State(job));
    world.run_to_opening(job);
    refused(world.seal(job, [1; 32]), &Error::State(job));
    let right = world.opening(job, true);
    let mut cut = right.clone();
    cut.preimages.pop();
    let mut spoilt = right.clone();
    spoilt.preimages.last_mut().unwrap()[20] ^= 1;
    let cases = [
        (MsgRevealAudit { auditor: user(9).to_string(), ..right.clone() }, Error::NotYours { job, account: user(9).to_string() }),
        (MsgRevealAudit { root: vec![1; 32], ..right.clone() }, Error::Spot),
        (MsgRevealAudit { salt: vec![1; 32], ..right.clone() }, Error::Spot),
        (MsgRevealAudit { salt: vec![1; 31], ..right.clone() }, Error::Hash(31)),
        (MsgRevealAudit { preimages: vec![vec![0; 131_073]], ..right.clone() }, Error::Spot),
        (MsgRevealAudit { preimages: vec![vec![]; 513], ..right.clone() }, Error::Spot),
        (cut, Error::Spot),
        (spoilt, Error::Spot),
    ];
    for (m, error) in cases {
        refused(world.open_audit(m), &error);
    }
    let last = world.audit(job).unwrap().until;
    world.run_to(last);
    world.open_audit(right.clone()).unwrap();
    refused(world.open_audit(right), &Error::State(job));
}

#[test]
fn the_window_stays_open_until_the_audit_is_over() {
    let mut world = World::audited(Params { window_blocks: 3, ..always() });
    let (job, until) = world.delivered_again(true);
    world.run_to(until + 10);
    assert_eq!(world.audit(job).unwrap().state(), AuditState::Commit);
    world.seal(job, world.work.right.root()).unwrap();
    world.run_to_opening(job);
    assert_eq!(world.state(job), JobState::Window);
    assert!(world.challenge(user(10), job, world.work.wrong.root()).is_ok(), "and the result may be contested");
}

#[test]
fn no_audit_is_drawn_without_a_rate_a_fund_or_somebody_else() {
    let mut without = World::audited(Params { audit_bps: 0, ..always() });
    let mut dear = World::audited(Params { giga_mac_price: "1000000000000".into(), challenge_bps: 1, ..always() });
    let mut alone = World::new();
    alone.register(alone.registration(0, 0)).unwrap();
    alone.set_params(always());
    for world in [&mut without, &mut dear, &mut alone] {
        let (job, until) = world.delivered_again(true);
        let soon = world.height() + 5;
        world.run_to(soon);
        refused(world.audit(job), &Error::NoAudit(job));
        world.run_to(until + 1);
        assert_eq!(world.job(job).outcome(), JobOutcome::Paid);
    }
}

/// Deterrence: with detection probability p, a gain of at most the price, and a slash S of the locked bond, cheating does not pay where
/// p * S > (1 - p) * price.
#[test]
fn the_bond_outweighs_what_cheating_gains_at_the_audit_rate() {
    for (name, params) in [("test", test_params()), ("main", main_params())] {
        let (p, whole) = (u128::from(params.audit_bps), u128::from(BPS));
        let slash = PRICE * u128::from(params.bond_multiple);
        let (risk, gain) = (p * slash / whole, (whole - p) * PRICE / whole);
        println!("{name} network: a lie about a price of {PRICE} gains {gain} on average and costs {risk}");
        assert!(risk > gain);
    }
}

/// Somebody orders a heavy program from itself for next to nothing, to be drawn as its own auditor and paid for work that it need not do.
#[test]
fn ordering_from_oneself_does_not_drain_the_fund() {
    let mut world = World::audited(always());
    let fund = world.fund_held();
    // The pay of a job's audit is at most its fees over the rate: of this price, less than running it costs.
    let cheap = 50 * PAY - 100;
    let job = world.post(MsgPostJob { price: base(cheap), ..world.order() }).unwrap();
    world.accept(provider(), job).unwrap();
    let until = world.submit(world.result(provider(), job, true)).unwrap();
    world.run_to(until + 1);
    let after = world.fund_held();
    println!("a price of {cheap}: no audit of pay {PAY}, the fund grows by {}", after - fund);
    assert!(after > fund);
    for params in [test_params(), main_params()] {
        let (fees, rate) = (u128::from(params.fee_bps + params.audit_fee_bps), u128::from(params.audit_bps));
        let (price, most) = (PRICE, PRICE * fees / rate);
        let (gain, cost) = (most * rate / u128::from(BPS), price * fees / u128::from(BPS));
        println!("all providers one's own: an order of {price} gains {gain} of the fund on average and pays {cost} of fees");
        assert!(gain <= cost);
    }
}
