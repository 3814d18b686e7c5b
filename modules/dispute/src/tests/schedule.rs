//! Random schedules: whatever jurors, appellants and courts do in whatever order, what must hold holds after every block, and every case ends.
use cairn_kernel::{Address, Coin};
use cairn_proto::cairn::dispute::v1::Outcome;
use sha2::{Digest, Sha256};

use super::world::{World, escrow, juror, user};
use crate::{CaseState, Choice, Params, test_params};

/// Numbers that look random, from a written seed.
struct Dice(u64, u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.1 += 1;
        let hash = Sha256::digest([self.0.to_be_bytes(), self.1.to_be_bytes()].concat());
        u64::from_be_bytes(hash[..8].try_into().unwrap()) % n
    }
    fn number(&mut self, n: u16) -> u16 {
        u16::try_from(self.below(u64::from(n))).unwrap()
    }
}

const CHOICES: [Choice; 3] = [Choice::Uphold, Choice::Overturn, Choice::VoidGold];

struct Schedule {
    world: World,
    dice: Dice,
    cases: u64,
    jurors: u16,
}

impl Schedule {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed, 0);
        let params = Params {
            commit_blocks: 2 + dice.below(10),
            reveal_blocks: 2 + dice.below(10),
            appeal_blocks: 2 + dice.below(10),
            absence_bps: u32::try_from(dice.below(10_001)).unwrap(),
            second_size: 5 + u32::try_from(dice.below(4)).unwrap(),
            ..test_params()
        };
        let jurors = 5 + dice.number(20);
        let mut world = World::with(params, jurors);
        world.fund(escrow(), u128::from(dice.below(3_000_000)));
        world.bench.lock().unwrap().parties.extend([user(50), user(51)]);
        world.budget = [1, 12, 20_000][usize::from(dice.number(3))];
        Self { world, dice, cases: 0, jurors }
    }
    /// Somebody does something, which may be refused.
    fn act(&mut self) {
        match self.dice.below(12) {
            0 | 1 => self.complain(),
            2 => self.come_or_go(),
            3 => self.appeal(),
            4 => {
                let mut bench = self.world.bench.lock().unwrap();
                bench.fail_verdict = self.dice.below(4) == 0;
                bench.fail_party = self.dice.below(8) == 0;
                bench.lies = self.dice.below(8) == 0;
            }
            5 => self.world.reveals = self.dice.below(5) > 0,
            _ => (1..=self.cases).for_each(|case| self.vote(case)),
        }
    }
    fn complain(&mut self) {
        let (appellant, id) = (user(1 + self.dice.number(9)), self.dice.below(12));
        let claim = u128::from(self.dice.below(4_000_000));
        self.world.fund(appellant, 500_000 + claim);
        if let Ok(case) = self.world.open(appellant, id, Coin::base(claim)) {
            self.cases = self.cases.max(case);
        }
    }
    fn come_or_go(&mut self) {
        let account = juror(1 + self.dice.number(self.jurors));
        if self.dice.below(2) == 0 {
            self.world.leave(account).ok();
        } else {
            self.world.fund(account, 10_000_000);
            self.world.join(account).ok();
        }
    }
    fn some_case(&mut self) -> Option<u64> {
        (self.cases > 0).then(|| 1 + self.dice.below(self.cases))
    }
    fn appeal(&mut self) {
        let Some(case) = self.some_case() else { return };
        let account = [user(1), user(2), user(3), user(50), user(51)][usize::from(self.dice.number(5))];
        self.world.fund(account, 5_000_000);
        self.world.appeal(account, case).ok();
    }
    /// Most of a jury acts, some too early, too late or falsely.
    fn vote(&mut self, case: u64) {
        let found = self.world.case(case);
        if found.rounds.is_empty() || found.state() == CaseState::Closed {
            return;
        }
        for account in self.world.jury(case) {
            self.cast(account, case);
        }
    }
    fn cast(&mut self, account: Address, case: u64) {
        // A juror's choice follows from its account and the case, but now and then it forgets it.
        let own = (usize::from(account.as_bytes()[1]) + usize::try_from(case).unwrap()) % 3;
        let choice = CHOICES[if self.dice.below(20) == 0 { usize::from(self.dice.number(3)) } else { own }];
        if self.dice.below(4) > 0 {
            self.world.commit(account, case, choice).ok();
            self.world.reveal(account, case, choice).ok();
        }
    }
    /// Everybody stops, proposers reveal, courts answer: all cases end.
    fn finish(&mut self) -> [u32; 5] {
        self.world.reveals = true;
        {
            let mut bench = self.world.bench.lock().unwrap();
            (bench.fail_verdict, bench.fail_party, bench.lies) = (false, false, false);
        }
        for _ in 0..1_000 {
            if (1..=self.cases).all(|id| self.world.case(id).state() == CaseState::Closed) {
                break;
            }
            self.world.block();
        }
        let mut outcomes = [0_u32; 5];
        for id in 1..=self.cases {
            let case = self.world.case(id);
            assert_eq!(case.state(), CaseState::Closed, "{case:?}");
            outcomes[usize::try_from(i32::from(case.outcome())).unwrap()] += 1;
        }
        assert_eq!(outcomes[0], 0);
        let delivered = self.world.bench.lock().unwrap().verdicts.len();
        let undelivered = (1..=self.cases).filter(|id| self.world.case(*id).undelivered).count();
        assert_eq!(delivered + undelivered, usize::try_from(self.cases).unwrap(), "each verdict was told once");
        outcomes
    }
}

#[test]
fn random_schedules_break_no_invariant_and_every_case_ends() {
    let mut outcomes = [0_u32; 5];
    for seed in 1..=16 {
        let mut schedule = Schedule::new(seed);
        for _ in 0..200 {
            for _ in 0..schedule.dice.below(4) {
                schedule.act();
            }
            schedule.world.block();
        }
        for (sum, n) in outcomes.iter_mut().zip(schedule.finish()) {
            *sum += n;
        }
    }
    let count = |outcome: Outcome| outcomes[usize::try_from(i32::from(outcome)).unwrap()];
    let found = [Outcome::Upheld, Outcome::Overturned, Outcome::VoidGold, Outcome::NoQuorum].map(count);
    println!("outcomes of {} cases in 16 schedules: {found:?}", found.iter().sum::<u32>());
    assert!(found.iter().all(|n| *n > 0), "{found:?}");
}
