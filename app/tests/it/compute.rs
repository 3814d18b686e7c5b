//! A contested computation from end to end by signed transactions: a program, a job, a wrong result, a rival, the match down to its leaf, the slash.
use bytes::Bytes;
use cairn_app::api::Chain;
use cairn_program::{Graph, Inputs, Kind, Node, Op, Operand, Program, Spot, TensorType, Trace, Weights, testing};
use cairn_proto::{
    Any,
    cairn::{
        compute::v1::{
            Job, JobOutcome, JobState, MsgAcceptJob, MsgBondProvider, MsgChallenge, MsgPostJob, MsgRegisterProgram, MsgSubmitResult,
            QueryJobRequest, QueryJobResponse, QueryProviderRequest, QueryProviderResponse,
        },
        dispute::v1::{MsgDissect, MsgProveLeaf, QueryMatchRequest, QueryMatchResponse, Stage},
    },
    pack,
};

use crate::support::*;

const PRICE: u128 = 100_000;
const BOND: u128 = 1_000_000;
const FEE: u128 = 3_000;
const RUNS: u32 = 2;
const REQUESTER: usize = 0;
const LIAR: usize = 1;
const HONEST: usize = 2;

struct Market {
    net: Net,
    wallets: Vec<Wallet>,
    program: Program,
    weights: Weights,
    inputs: Inputs,
    right: Trace,
    wrong: Trace,
}

impl Market {
    fn new() -> Self {
        let bytes = |dims: &[u32]| TensorType::new(Kind::I8, dims);
        let nodes = vec![
            Node { op: Op::Linear, operands: vec![Operand::Input, Operand::Weight(0)] },
            Node { op: Op::Argmax, operands: vec![Operand::Node(0)] },
        ];
        let program = Program::check(Graph::new(bytes(&[40, 16]), vec![bytes(&[30, 16])], nodes)).unwrap();
        let mut dice = testing::Dice::new(3);
        let weights = testing::weights(&program, &mut dice).unwrap();
        let inputs = testing::inputs(&program, RUNS, &mut dice).unwrap();
        let right = Trace::execute(&program, &weights, &inputs, &|_, _| None).unwrap();
        let mut outputs: Vec<_> = (0..RUNS).map(|run| right.tensors(run).unwrap().to_vec()).collect();
        outputs[1][0].values[600] += 1;
        let wrong = Trace::of(&program, outputs);
        let mut net = Net::new();
        net.run(vec![]);
        Self { wallets: net.wallets.clone(), net, program, weights, inputs, right, wrong }
    }
    fn name(&self, n: usize) -> String {
        self.wallets[n].address.to_string()
    }
    /// Runs a block with one transaction, which must succeed.
    fn send(&mut self, n: usize, message: Any) {
        let wallet = &mut self.wallets[n];
        let mut draft = Draft::of(vec![message]).gas(3_000_000);
        draft.fee.amount = vec![coin(FEE)];
        let tx: Bytes = draft.sign(&[wallet]);
        wallet.sequence += 1;
        let outcome = self.net.run(vec![tx]).remove(0);
        assert_eq!(outcome.code(), 0, "{:?}", outcome.result);
    }
    fn job(&self) -> Job {
        let found: QueryJobResponse = self.net.ask("/cairn.compute.v1.Query/Job", &QueryJobRequest { job_id: 1 });
        found.job.unwrap()
    }
    fn until(&mut self, done: impl Fn(&Self) -> bool) {
        let last = self.net.app.height() + 500;
        while !done(self) {
            assert!(self.net.app.height() < last, "it never came");
            self.net.run(vec![]);
        }
    }
    /// A job whose result is wrong.
    fn deliver(&mut self) {
        let (owner, provider) = (self.name(REQUESTER), self.name(LIAR));
        let (graph, weights_root) = (self.program.encoded().to_vec(), self.weights.root().to_vec());
        self.send(REQUESTER, pack(&MsgRegisterProgram { owner: owner.clone(), graph, weights_root, ..MsgRegisterProgram::default() }));
        self.send(LIAR, pack(&MsgBondProvider { provider: provider.clone(), bond: Some(coin(BOND)) }));
        let order = MsgPostJob {
            requester: owner,
            program_id: self.program.id(&self.weights.root()).to_vec(),
            input_root: self.inputs.root().to_vec(),
            runs: RUNS,
            price: Some(coin(PRICE)),
            accept_blocks: 10,
            run_blocks: 10,
            ..MsgPostJob::default()
        };
        self.send(REQUESTER, pack(&order));
        self.send(LIAR, pack(&MsgAcceptJob { provider: provider.clone(), job_id: 1 }));
        let claim = self.wrong.claim();
        let nodes_roots = claim.nodes_roots.iter().map(|root| root.to_vec()).collect();
        self.send(LIAR, pack(&MsgSubmitResult { provider, job_id: 1, nodes_roots, outputs: claim.outputs }));
    }
    /// The move that a side owes, if it does.
    fn owed(&self, n: usize, trace: &Trace) -> Option<Any> {
        let found: QueryMatchResponse = self.net.ask("/cairn.dispute.v1.Query/Match", &QueryMatchRequest { case_id: 1, match_number: 1 });
        let (game, root) = (found.r#match.unwrap(), trace.root().to_vec());
        let awaited = found.awaited.into_iter().find(|awaited| awaited.root == root)?;
        let (mover, case_id, match_number) = (self.name(n), 1, 1);
        let level = u8::try_from(game.level).unwrap();
        let (preimage, path) = match awaited.stage() {
            Stage::Leaf => {
                let spot = Spot { run: game.run, node: game.node, chunk: game.chunk };
                let preimages = trace.witness(&self.program, &self.weights, &self.inputs, spot).unwrap().preimages;
                return Some(pack(&MsgProveLeaf { mover, case_id, match_number, root, preimages, proof: vec![] }));
            }
            Stage::Runs => (trace.open_runs(level, game.index).unwrap(), vec![]),
            Stage::Record => trace.open_record(game.run).unwrap(),
            Stage::Nodes => (trace.open_nodes(game.run, level, game.index).unwrap(), vec![]),
            _ => (trace.open_chunks(game.run, game.node, level, game.index).unwrap(), vec![]),
        };
        Some(pack(&MsgDissect { mover, case_id, match_number, root, preimage, path }))
    }
}

#[test]
fn a_wrong_result_is_contested_down_to_its_leaf_and_slashed() {
    let mut market = Market::new();
    let before: Vec<_> = (0..3).map(|n| market.net.balance(&market.wallets[n].address)).collect();
    market.deliver();
    let (challenger, root) = (market.name(HONEST), market.right.root().to_vec());
    market.send(HONEST, pack(&MsgChallenge { challenger, job_id: 1, root }));
    assert_eq!(market.job().state(), JobState::Contested);
    let due = market.net.app.height() + 60;
    market.until(|market| market.net.app.height() > due);
    for _ in 0..20 {
        if market.job().state() == JobState::Closed {
            break;
        }
        for (n, right) in [(LIAR, false), (HONEST, true)] {
            let trace = if right { market.right.clone() } else { market.wrong.clone() };
            // The liar keeps up with it down to the leaf, and proves nothing there.
            let message = market.owed(n, &trace).filter(|message| right || !message.type_url.ends_with("MsgProveLeaf"));
            if let Some(message) = message {
                market.send(n, message);
            }
        }
    }
    let job = market.job();
    assert_eq!((job.state(), job.outcome(), job.case_id), (JobState::Closed, JobOutcome::Wrong, 1));
    let fees = |n: usize| u128::from(market.wallets[n].sequence) * FEE;
    let after: Vec<_> = (0..3).map(|n| market.net.balance(&market.wallets[n].address) + fees(n)).collect();
    let locked = 5 * PRICE;
    assert_eq!(after[REQUESTER], before[REQUESTER], "refunded");
    assert_eq!(after[HONEST], before[HONEST] + locked * 35 / 100);
    assert_eq!(after[LIAR], before[LIAR] - BOND);
    let query = QueryProviderRequest { account: market.name(LIAR) };
    let found: QueryProviderResponse = market.net.ask("/cairn.compute.v1.Query/Provider", &query);
    let provider = found.provider.unwrap();
    assert_eq!((provider.wrong, provider.bond.unwrap().amount), (1, (BOND - locked).to_string()));
}
