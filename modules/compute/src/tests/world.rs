//! A chain with a provider, a requester and a small program.
use std::sync::Arc;

use cairn_asset::Asset;
use cairn_auth::Auth;
use cairn_bank::{self as bank, Bank};
use cairn_beacon::{self as beacon, Beacon};
use cairn_dispute::Dispute;
use cairn_kernel::{Address, BASE_DENOM, Coded, Coin, Error as Refusal, Module, ModuleAccount, Result, testing::Chain};
use cairn_program::{
    Graph, Inputs, Kind, Node, Op, Operand, Program as Checked, Spot, Tensor, TensorType, Trace, Weights, testing, testing::Dice,
};
use cairn_proto::{
    cairn::{
        beacon::v1::{GenesisState, Params as BeaconParams},
        compute::v1::{
            Job, JobState, MsgAcceptJob, MsgBondProvider, MsgChallenge, MsgPostJob, MsgRegisterProgram, MsgServer, MsgSubmitResult,
            Provider, QueryJobRequest, QueryProviderRequest, QueryServer,
        },
        dispute::v1::{Match, MsgDissect, MsgProveLeaf, MsgServer as _, QueryContestRequest, QueryMatchRequest, QueryServer as _, Stage},
    },
    cosmos::base::v1beta1::Coin as Wire,
};
use cairn_rewards::Rewards;

use crate::{Compute, Error};

const FAUCET: ModuleAccount = ModuleAccount::new("faucet").mints();
pub(super) const PRICE: u128 = 1_000_000;
pub(super) const BOND: u128 = 12_000_000;
/// What a job locks of the bond.
pub(super) const LOCKED: u128 = 5 * PRICE;
pub(super) const RUNS: u32 = 3;

/// The account of number `n`.
pub(super) fn user(n: u16) -> Address {
    let mut bytes = [5; 20];
    bytes[..2].copy_from_slice(&n.to_be_bytes());
    Address::new(&bytes).unwrap()
}

pub(super) fn requester() -> Address {
    user(1)
}

pub(super) fn provider() -> Address {
    user(2)
}

pub(super) fn owner() -> Address {
    user(3)
}

pub(super) fn base(amount: u128) -> Option<Wire> {
    Some(Coin::base(amount).into())
}

/// A program with weights and inputs, and the traces of an honest and of a lying provider.
pub(super) struct Work {
    pub(super) program: Checked,
    pub(super) weights: Weights,
    pub(super) inputs: Inputs,
    pub(super) right: Trace,
    pub(super) wrong: Trace,
}

impl Work {
    pub(super) fn new() -> Self {
        let bytes = |dims: &[u32]| TensorType::new(Kind::I8, dims);
        let nodes = vec![
            Node { op: Op::Linear, operands: vec![Operand::Input, Operand::Weight(0)] },
            Node { op: Op::Requantise { multiplier: 300, shift: 16 }, operands: vec![Operand::Node(0)] },
            Node { op: Op::Argmax, operands: vec![Operand::Node(1)] },
        ];
        let program = Checked::check(Graph::new(bytes(&[40, 16]), vec![bytes(&[30, 16])], nodes)).unwrap();
        let mut dice = Dice::new(1);
        let weights = testing::weights(&program, &mut dice).unwrap();
        let inputs = testing::inputs(&program, RUNS, &mut dice).unwrap();
        let right = Trace::execute(&program, &weights, &inputs, &|_, _| None).unwrap();
        let mut outputs: Vec<Vec<Tensor>> = (0..RUNS).map(|run| right.tensors(run).unwrap().to_vec()).collect();
        outputs[1][0].values[700] += 1;
        let wrong = Trace::of(&program, outputs);
        Self { program, weights, inputs, right, wrong }
    }
}

pub(super) struct World {
    pub(super) chain: Chain,
    pub(super) work: Work,
}

impl World {
    /// With a bonded provider.
    pub(super) fn new() -> Self {
        let mut world = Self::unstarted();
        world.chain.block.app_hash = vec![1; 32];
        let params = BeaconParams { weak_after: 2, ..beacon::DEFAULT_PARAMS };
        let genesis = GenesisState { params: Some(params), ..GenesisState::default() };
        world.chain.tx(|ctx| Beacon.init(ctx, genesis)).unwrap();
        world.begin();
        world.bond(provider(), BOND).unwrap();
        world
    }
    pub(super) fn unstarted() -> Self {
        let mut chain = Chain::default();
        let router = &mut chain.router;
        Arc::new(Auth).routes(router);
        Arc::new(Bank).routes(router);
        Arc::new(Beacon).routes(router);
        Arc::new(Asset).routes(router);
        Arc::new(Rewards).routes(router);
        Arc::new(Dispute).routes(router);
        Arc::new(Compute).routes(router);
        router.hook(FAUCET);
        Self { chain, work: Work::new() }
    }
    pub(super) fn fund(&mut self, to: Address, amount: u128) {
        let coins = [Coin::base(amount)];
        self.chain.tx(|ctx| bank::mint(ctx, &FAUCET, &coins)).unwrap();
        self.chain.tx(|ctx| bank::send(ctx, &FAUCET.address(), &to, &coins)).unwrap();
    }
    pub(super) fn balance(&mut self, of: Address) -> u128 {
        self.chain.run(|ctx| bank::balance(ctx, &of, BASE_DENOM)).unwrap()
    }
    pub(super) fn supply(&mut self) -> u128 {
        self.chain.run(|ctx| bank::supply(ctx, BASE_DENOM)).unwrap()
    }
    pub(super) fn height(&self) -> u64 {
        self.chain.block.height
    }
    /// Ends the block as the chain does, highest module first, checks what must hold, and begins the next.
    pub(super) fn block(&mut self) {
        self.chain.tx(|ctx| Compute.end_block(ctx)).unwrap();
        self.chain.tx(|ctx| Dispute.end_block(ctx)).unwrap();
        self.check();
        self.chain.advance();
        self.begin();
    }
    /// Begins a block, of a proposer without a key: seeds are weak, and there after two blocks.
    pub(super) fn begin(&mut self) {
        self.chain.run(|ctx| beacon::observe(ctx, None)).unwrap();
    }
    #[track_caller]
    pub(super) fn check(&mut self) {
        let all = Compute.invariants().into_iter().chain(Dispute.invariants()).chain(Bank.invariants()).chain(Rewards.invariants());
        for (name, check) in all {
            self.chain.run(|ctx| check(ctx)).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        }
    }
    pub(super) fn run_to(&mut self, height: u64) {
        while self.height() < height {
            self.block();
        }
    }
    /// Puts up a bond, with money for it.
    pub(super) fn bond(&mut self, account: Address, amount: u128) -> Result<()> {
        self.fund(account, amount);
        let m = MsgBondProvider { provider: account.to_string(), bond: base(amount) };
        self.chain.tx(|ctx| Compute.bond_provider(ctx, m)).map(drop)
    }
    pub(super) fn registration(&self, asset_id: u64, model_bps: u32) -> MsgRegisterProgram {
        MsgRegisterProgram {
            owner: owner().to_string(),
            asset_id,
            model_bps,
            graph: self.work.program.encoded().to_vec(),
            weights_root: self.work.weights.root().to_vec(),
            uri: "https://weights".into(),
            ..MsgRegisterProgram::default()
        }
    }
    pub(super) fn register(&mut self, m: MsgRegisterProgram) -> Result<Vec<u8>> {
        self.chain.tx(|ctx| Compute.register_program(ctx, m)).map(|done| done.program_id)
    }
    pub(super) fn order(&self) -> MsgPostJob {
        MsgPostJob {
            requester: requester().to_string(),
            program_id: self.work.program.id(&self.work.weights.root()).to_vec(),
            input_root: self.work.inputs.root().to_vec(),
            runs: RUNS,
            uri: "https://inputs".into(),
            price: base(PRICE),
            accept_blocks: 10,
            run_blocks: 20,
            ..MsgPostJob::default()
        }
    }
    /// Posts a job, with money for it.
    pub(super) fn post(&mut self, m: MsgPostJob) -> Result<u64> {
        self.fund(requester(), PRICE);
        self.chain.tx(|ctx| Compute.post_job(ctx, m)).map(|done| done.job_id)
    }
    pub(super) fn accept(&mut self, account: Address, job_id: u64) -> Result<u64> {
        let m = MsgAcceptJob { provider: account.to_string(), job_id };
        self.chain.tx(|ctx| Compute.accept_job(ctx, m)).map(|done| done.due)
    }
    pub(super) fn result(&self, account: Address, job_id: u64, right: bool) -> MsgSubmitResult {
        let claim = if right { self.work.right.claim() } else { self.work.wrong.claim() };
        let nodes_roots = claim.nodes_roots.iter().map(|root| root.to_vec()).collect();
        MsgSubmitResult { provider: account.to_string(), job_id, nodes_roots, outputs: claim.outputs, ..MsgSubmitResult::default() }
    }
    pub(super) fn submit(&mut self, m: MsgSubmitResult) -> Result<u64> {
        self.chain.tx(|ctx| Compute.submit_result(ctx, m)).map(|done| done.contest_until)
    }
    /// A job whose result was delivered; gives its number and the last height of a contest.
    pub(super) fn delivered(&mut self, right: bool, model_bps: u32) -> (u64, u64) {
        self.register(self.registration(0, model_bps)).unwrap();
        self.delivered_again(right)
    }
    pub(super) fn delivered_again(&mut self, right: bool) -> (u64, u64) {
        let job = self.post(self.order()).unwrap();
        self.accept(provider(), job).unwrap();
        let until = self.submit(self.result(provider(), job, right)).unwrap();
        (job, until)
    }
    /// Contests a result, with money for it.
    pub(super) fn challenge(&mut self, account: Address, job_id: u64, root: [u8; 32]) -> Result<u64> {
        self.fund(account, PRICE);
        let m = MsgChallenge { challenger: account.to_string(), job_id, root: root.to_vec() };
        self.chain.tx(|ctx| Compute.challenge(ctx, m)).map(|done| done.case_id)
    }
    pub(super) fn job(&mut self, job_id: u64) -> Job {
        self.chain.run(|ctx| Compute.job(ctx, QueryJobRequest { job_id })).unwrap().job.unwrap()
    }
    pub(super) fn state(&mut self, job: u64) -> JobState {
        self.job(job).state()
    }
    pub(super) fn provider(&mut self, account: Address) -> Provider {
        let q = QueryProviderRequest { account: account.to_string() };
        self.chain.run(|ctx| Compute.provider(ctx, q)).unwrap().provider.unwrap()
    }

    /// Moves for the right, or the wrong, trace in the first match of a case, where it owes a move.
    pub(super) fn play(&mut self, mover: Address, case_id: u64, right: bool) {
        let asked = self.chain.run(|ctx| Dispute.r#match(ctx, QueryMatchRequest { case_id, match_number: 1 }));
        let Ok(asked) = asked else { return };
        let game = asked.r#match.unwrap();
        let root = if right { self.work.right.root() } else { self.work.wrong.root() };
        if let Some(awaited) = asked.awaited.iter().find(|awaited| awaited.root == root) {
            let own = game.left.iter().chain(&game.right).find(|side| side.claim == awaited.claim).is_some();
            assert!(own);
            self.step(mover, &game, right, awaited.stage());
        }
    }
    /// The leaf of a match with the operands as the right, or the wrong, trace has them.
    pub(super) fn leaf(&self, mover: Address, game: &Match, right: bool, proof: Vec<u8>) -> MsgProveLeaf {
        let Work { program, weights, inputs, right: honest, wrong } = &self.work;
        let trace = if right { honest } else { wrong };
        let spot = Spot { run: game.run, node: game.node, chunk: game.chunk };
        let preimages = trace.witness(program, weights, inputs, spot).unwrap().preimages;
        let (case_id, match_number) = (game.case_id, game.number);
        MsgProveLeaf { mover: mover.to_string(), case_id, match_number, root: trace.root().to_vec(), preimages, proof }
    }
    fn step(&mut self, mover: Address, game: &Match, right: bool, stage: Stage) {
        let trace = if right { &self.work.right } else { &self.work.wrong };
        let level = u8::try_from(game.level).unwrap();
        if stage == Stage::Leaf {
            let m = self.leaf(mover, game, right, vec![]);
            self.chain.tx(|ctx| Dispute.prove_leaf(ctx, m)).unwrap();
            return;
        }
        let (preimage, path) = match stage {
            Stage::Runs => (trace.open_runs(level, game.index).unwrap(), vec![]),
            Stage::Record => trace.open_record(game.run).unwrap(),
            Stage::Nodes => (trace.open_nodes(game.run, level, game.index).unwrap(), vec![]),
            _ => (trace.open_chunks(game.run, game.node, level, game.index).unwrap(), vec![]),
        };
        let (mover, root, case_id, match_number) = (mover.to_string(), trace.root().to_vec(), game.case_id, game.number);
        let m = MsgDissect { mover, case_id, match_number, root, preimage, path };
        self.chain.tx(|ctx| Dispute.dissect(ctx, m)).unwrap();
    }
    /// Plays a case to its end; `None` does not move.
    pub(super) fn play_out(&mut self, case_id: u64, right: Option<Address>, wrong: Option<Address>) {
        for _ in 0..3_000 {
            if let Some(mover) = right {
                self.play(mover, case_id, true);
            }
            if let Some(mover) = wrong {
                self.play(mover, case_id, false);
            }
            self.block();
            let found = self.chain.run(|ctx| Dispute.contest(ctx, QueryContestRequest { case_id })).unwrap();
            if found.case.unwrap().closed > 0 {
                return;
            }
        }
        panic!("case {case_id} does not end");
    }
}

#[track_caller]
pub(super) fn refused<T: std::fmt::Debug>(result: Result<T, Refusal>, error: &Error) {
    let found = result.unwrap_err();
    assert_eq!((found.codespace, found.code, found.log), ("compute", error.code(), error.to_string()));
}
