//! Computations from end to end by signed transactions: a wrong result, a rival, the match down to its leaf, the slash; a job that finds its provider in an
//! auction, and an audit.
use bytes::Bytes;
use cairn_app::{Genesis, api::Chain};
use cairn_compute::{audit_commitment, bid_commitment};
use cairn_program::{Graph, Inputs, Kind, Node, Op, Operand, Program, Spot, TensorType, Trace, Weights, testing};
use cairn_proto::{
    Any,
    cairn::{
        compute::v1::{
            AuditState, EnclaveKind, Job, JobOutcome, JobState, MsgAcceptJob, MsgBondProvider, MsgChallenge, MsgCommitAudit, MsgCommitBid,
            MsgPostJob, MsgRegisterEnclave, MsgRegisterProgram, MsgRevealAudit, MsgRevealBid, MsgSubmitResult, QueryAuditsRequest,
            QueryAuditsResponse, QueryJobRequest, QueryJobResponse, QueryProviderRequest, QueryProviderResponse,
        },
        dispute::v1::{MsgDissect, MsgProveLeaf, QueryMatchRequest, QueryMatchResponse, Stage},
    },
    pack,
};

use serde_json::json;

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
        Self::over(Net::new(), program, weights, inputs, [right, wrong])
    }
    fn over(mut net: Net, program: Program, weights: Weights, inputs: Inputs, [right, wrong]: [Trace; 2]) -> Self {
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
    fn register(&mut self) {
        let (owner, graph, weights_root) = (self.name(REQUESTER), self.program.encoded().to_vec(), self.weights.root().to_vec());
        self.send(REQUESTER, pack(&MsgRegisterProgram { owner, graph, weights_root, ..MsgRegisterProgram::default() }));
    }
    fn bond(&mut self, n: usize) {
        let provider = self.name(n);
        self.send(n, pack(&MsgBondProvider { provider, bond: Some(coin(BOND)) }));
    }
    fn order(&self) -> MsgPostJob {
        MsgPostJob {
            requester: self.name(REQUESTER),
            program_id: self.program.id(&self.weights.root()).to_vec(),
            input_root: self.inputs.root().to_vec(),
            runs: RUNS,
            price: Some(coin(PRICE)),
            accept_blocks: 10,
            run_blocks: 10,
            ..MsgPostJob::default()
        }
    }
    /// A job whose result is wrong.
    fn deliver(&mut self) {
        let provider = self.name(LIAR);
        self.register();
        self.bond(LIAR);
        self.send(REQUESTER, pack(&self.order()));
        self.send(LIAR, pack(&MsgAcceptJob { provider: provider.clone(), job_id: 1 }));
        let claim = self.wrong.claim();
        let nodes_roots = claim.nodes_roots.iter().map(|root| root.to_vec()).collect();
        self.send(LIAR, pack(&MsgSubmitResult { provider, job_id: 1, nodes_roots, outputs: claim.outputs, ..MsgSubmitResult::default() }));
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

/// A network with a class of hardware, on which every result is audited.
fn audited() -> Net {
    let mut state = app_state();
    state["compute"] = json!({
        "params": {
            "bond_multiple": 5, "window_blocks": "10", "unbonding_blocks": "100", "fee_bps": 100, "late_bps": 1000, "challenge_bps": 500,
            "giga_mac_price": "1000", "max_failures": 3, "least_bond": "1000000", "bid_blocks": "4", "open_blocks": "10",
            "deposit_bps": 1000, "offer_fee_bps": 10, "max_offers": 10, "audit_bps": 10000, "audit_blocks": "5",
            "auditor_late_bps": 1000, "audit_fee_bps": 100, "redundant_multiple": 2, "proof_bond_multiple": 1,
            "circuit_fee": "100000", "test_keys": true,
        },
        "classes": [{ "id": "1", "name": "laptops", "giga_macs": "50" }],
    });
    Net::with(&Genesis { app_state: state.to_string().into_bytes(), ..genesis() })
}

impl Market {
    fn result(&mut self, n: usize, job_id: u64) {
        let (provider, claim) = (self.name(n), self.right.claim());
        let nodes_roots = claim.nodes_roots.iter().map(|root| root.to_vec()).collect();
        self.send(n, pack(&MsgSubmitResult { provider, job_id, nodes_roots, outputs: claim.outputs, ..MsgSubmitResult::default() }));
    }
    fn numbered(&self, job_id: u64) -> Job {
        let found: QueryJobResponse = self.net.ask("/cairn.compute.v1.Query/Job", &QueryJobRequest { job_id });
        found.job.unwrap()
    }
    fn audits(&self) -> QueryAuditsResponse {
        self.net.ask("/cairn.compute.v1.Query/Audits", &QueryAuditsRequest::default())
    }
    /// Seals a price, and gives what opens it.
    fn offer(&mut self, n: usize, job_id: u64, price: u128) -> Any {
        let (bidder, ask, salt) = (self.name(n), job_id == 0, [u8::from(job_id == 0); 32]);
        let commitment = bid_commitment(CHAIN_ID, 1, 1, &self.wallets[n].address, job_id, price, &salt).to_vec();
        let ceiling = ask.then(|| coin(PRICE));
        let capacity = u32::from(ask);
        self.send(n, pack(&MsgCommitBid { bidder: bidder.clone(), class_id: 1, epoch: 1, job_id, ceiling, capacity, commitment }));
        pack(&MsgRevealBid { bidder, class_id: 1, job_id, price: Some(coin(price)), salt: salt.to_vec() })
    }
}

/// A program on such a network.
fn market_with_audits() -> Market {
    let Market { program, weights, inputs, right, wrong, .. } = Market::new();
    let mut market = Market::over(audited(), program, weights, inputs, [right, wrong]);
    market.register();
    market
}

#[test]
fn a_job_finds_its_provider_in_an_auction_and_the_next_one_is_audited() {
    let mut market = market_with_audits();
    market.bond(LIAR);
    market.send(REQUESTER, pack(&MsgPostJob { class_id: 1, ..market.order() }));
    let bid = market.offer(REQUESTER, 1, 80_000);
    let ask = market.offer(LIAR, 0, 50_000);
    let opens = market.net.app.height() + 4;
    market.until(|market| market.net.app.height() >= opens);
    market.send(REQUESTER, bid);
    market.send(LIAR, ask);
    market.until(|market| market.job().state() == JobState::Running);
    assert_eq!((market.job().price.unwrap().amount, market.job().provider), ("80000".into(), market.name(LIAR)));
    market.result(LIAR, 1);
    market.until(|market| market.job().state() == JobState::Closed);
    assert_eq!((market.job().outcome(), market.audits().fund.unwrap().amount), (JobOutcome::Paid, "800".into()));

    market.bond(HONEST);
    market.send(REQUESTER, pack(&market.order()));
    let provider = market.name(LIAR);
    market.send(LIAR, pack(&MsgAcceptJob { provider, job_id: 2 }));
    market.result(LIAR, 2);
    market.until(|market| market.audits().audits.iter().any(|audit| audit.state() == AuditState::Commit));
    let (auditor, root, salt) = (market.name(HONEST), market.right.root(), [5; 32]);
    assert_eq!(market.audits().audits[0].auditor, auditor);
    let commitment = audit_commitment(CHAIN_ID, 2, &market.wallets[HONEST].address, &root, &salt).to_vec();
    market.send(HONEST, pack(&MsgCommitAudit { auditor: auditor.clone(), job_id: 2, commitment }));
    market.until(|market| market.audits().audits.iter().any(|audit| audit.state() == AuditState::Open));
    let audit = market.audits().audits.remove(0);
    let spot = Spot { run: audit.run, node: audit.node, chunk: audit.chunk };
    let preimages = market.right.open_spot(&market.program, spot).unwrap().preimages;
    market.send(HONEST, pack(&MsgRevealAudit { auditor, job_id: 2, root: root.to_vec(), salt: salt.to_vec(), preimages }));
    let before = market.net.balance(&market.wallets[HONEST].address);
    market.until(|market| market.numbered(2).state() == JobState::Closed);
    let pay: u128 = audit.pay.unwrap().amount.parse().unwrap();
    assert_eq!((market.numbered(2).outcome(), market.net.balance(&market.wallets[HONEST].address) - before), (JobOutcome::Paid, pay));
    assert!(pay > 0 && market.audits().audits.is_empty());
}

/// States on the way of these tests: a match that goes down a wrong result, sealed offers beside open ones, an audit that is awaited.
pub(crate) fn scenes() -> Vec<(&'static str, Net)> {
    vec![("contested", contested()), ("offers", offered()), ("audited", awaited())]
}

fn contested() -> Net {
    let mut market = Market::new();
    market.deliver();
    let (challenger, root) = (market.name(HONEST), market.right.root().to_vec());
    market.send(HONEST, pack(&MsgChallenge { challenger, job_id: 1, root }));
    let due = market.net.app.height() + 61;
    market.until(|market| market.net.app.height() > due);
    for (n, trace) in [(LIAR, market.wrong.clone()), (HONEST, market.right.clone())] {
        let message = market.owed(n, &trace).unwrap();
        market.send(n, message);
    }
    market.net
}

fn offered() -> Net {
    let mut market = market_with_audits();
    market.bond(LIAR);
    market.bond(HONEST);
    market.send(REQUESTER, pack(&MsgPostJob { class_id: 1, ..market.order() }));
    let bid = market.offer(REQUESTER, 1, 80_000);
    let _ask = market.offer(LIAR, 0, 50_000);
    let opens = market.net.app.height() + 4;
    market.until(|market| market.net.app.height() >= opens);
    market.send(REQUESTER, bid);
    let (registrar, program_id) = (market.name(REQUESTER), market.order().program_id);
    let kind = EnclaveKind::Sgx.into();
    market.send(REQUESTER, pack(&MsgRegisterEnclave { registrar, program_id, kind, measurement: vec![7; 32] }));
    market.net
}

fn awaited() -> Net {
    let mut market = market_with_audits();
    market.bond(LIAR);
    market.bond(HONEST);
    let (order, provider) = (pack(&market.order()), market.name(LIAR));
    for job_id in 1..=4 {
        market.send(REQUESTER, order.clone());
        if job_id < 4 {
            market.send(LIAR, pack(&MsgAcceptJob { provider: provider.clone(), job_id }));
        }
        if job_id == 1 {
            // What it pays lets the next one be audited.
            market.result(LIAR, job_id);
            market.until(|market| market.job().state() == JobState::Closed);
        }
    }
    market.result(LIAR, 2);
    market.until(|market| market.audits().audits.iter().any(|audit| audit.state() == AuditState::Commit));
    market.net
}
