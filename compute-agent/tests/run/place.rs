//! A chain, and servers of one model and its inputs.
use std::{cell::RefCell, rc::Rc};

use bytes::Bytes;
use cairn_agent::run::WorldError;
use cairn_app::{Genesis, api::Chain};
use cairn_kernel::Address;
use cairn_models::{Card, ModelFile, write_inputs};
use cairn_program::{Graph, Inputs, Kind, Node, Op, Operand, TensorType, testing::Dice};
use cairn_proto::{
    Any,
    cairn::compute::v1::{
        Job, JobState, MsgBondProvider, MsgPostJob, MsgRegisterProgram, Program, Provider, QueryJobRequest, QueryJobResponse,
        QueryJobsRequest, QueryJobsResponse, QueryProgramRequest, QueryProgramResponse, QueryProviderRequest, QueryProviderResponse,
        SealOpening,
    },
    pack,
};
use serde_json::{Value, json};

use crate::support::{Draft, Net, app_state, coin, genesis};

pub(crate) const PRICE: u128 = 100_000;
pub(crate) const BOND: u128 = 1_000_000;
const FEE: u128 = 5_000;
/// What an accepted job of one provider locks.
pub(crate) const LOCKED: u128 = 5 * PRICE;
/// What lies in the fund of audits at first.
const FUND: u128 = 50_000;
pub(crate) const REQUESTER: usize = 0;
pub(crate) const PROVIDER: usize = 1;
pub(crate) const WATCHER: usize = 2;
/// Runs of a job.
const RUNS: usize = 2;

/// A place that agents share.
pub(crate) type Shared = Rc<RefCell<Place>>;

/// A chain, servers, and what their users do by themselves.
pub(crate) struct Place {
    pub(crate) net: Net,
    pub(crate) model: Vec<u8>,
    pub(crate) inputs: Vec<u8>,
    /// How often somebody asked a gateway for inputs that are not for it.
    pub(crate) denied: u32,
    /// From which height on which wallet sends what.
    pub(crate) later: Vec<(u64, usize, Any)>,
    order: MsgPostJob,
}

/// Settings under which a test takes few blocks; so many of 10,000 results are audited.
pub(crate) fn settings(audit_bps: u32) -> Value {
    json!({
        "bond_multiple": 5, "window_blocks": "10", "unbonding_blocks": "100", "fee_bps": 100, "late_bps": 1000, "challenge_bps": 500,
        "giga_mac_price": "100000000", "max_failures": 3, "least_bond": "1000000", "bid_blocks": "8", "open_blocks": "10",
        "deposit_bps": 1000, "offer_fee_bps": 10, "max_offers": 10, "audit_bps": audit_bps, "audit_blocks": "8",
        "auditor_late_bps": 1000, "audit_fee_bps": 100, "redundant_multiple": 2, "proof_bond_multiple": 1,
        "circuit_fee": "100000", "test_keys": true,
    })
}

/// A chain with a class of hardware and a filled fund of audits.
fn net(audit_bps: u32) -> Net {
    let mut state = app_state();
    state["compute"] = json!({
        "params": settings(audit_bps), "classes": [{ "id": "1", "name": "laptops", "giga_macs": "50" }], "audit_fund": FUND.to_string(),
    });
    let held = json!({ "address": Address::module("compute").to_string(), "coins": [{ "denom": "ucairn", "amount": FUND.to_string() }] });
    state["bank"]["balances"].as_array_mut().expect("balances").push(held);
    Net::with(&Genesis { app_state: state.to_string().into_bytes(), ..genesis() })
}

impl Place {
    /// With a program that is registered; its graph has random weights and inputs.
    pub(crate) fn new(audit_bps: u32, graph: Graph) -> Self {
        let mut dice = Dice::new(5);
        let tensors = graph.weights.iter().map(|shape| dice.tensor(shape).expect("a tensor")).collect();
        let model = ModelFile::new(Card::default(), graph, tensors).expect("a model");
        let inputs = draw(&model, RUNS);
        let file = write_inputs(inputs.tensors()).expect("a file");
        let mut place = Self::of(audit_bps, &model, file, inputs.root(), RUNS);
        place.register(&model, vec![]);
        place
    }
    /// With servers of a model and its inputs; the model is not registered yet.
    pub(crate) fn of(audit_bps: u32, model: &ModelFile, inputs: Vec<u8>, input_root: [u8; 32], runs: usize) -> Self {
        let order = MsgPostJob {
            program_id: model.id().to_vec(),
            input_root: input_root.to_vec(),
            runs: u32::try_from(runs).expect("few"),
            uri: "inputs".to_owned(),
            price: Some(coin(PRICE)),
            accept_blocks: 40,
            run_blocks: 40,
            ..MsgPostJob::default()
        };
        let file = model.write().expect("a file");
        let mut place = Self { net: net(audit_bps), model: file, inputs, denied: 0, later: Vec::new(), order };
        place.net.run(vec![]);
        place.order.requester = place.name(REQUESTER);
        place
    }
    /// The requester registers the program of a model.
    pub(crate) fn register(&mut self, model: &ModelFile, seals: Vec<SealOpening>) {
        let program = MsgRegisterProgram {
            owner: self.name(REQUESTER),
            graph: model.program().encoded().to_vec(),
            weights_root: model.weights().root().to_vec(),
            uri: "model".to_owned(),
            seals,
            ..MsgRegisterProgram::default()
        };
        self.send(REQUESTER, pack(&program)).expect("registered");
    }
    /// With bonds, and one job of a small network that waits for a provider.
    pub(crate) fn with(audit_bps: u32, bonded: &[usize], change: impl FnOnce(MsgPostJob) -> MsgPostJob) -> Shared {
        let mut place = Self::new(audit_bps, network());
        bonded.iter().for_each(|n| place.bond(*n));
        place.post(change);
        Rc::new(RefCell::new(place))
    }
    pub(crate) fn bond(&mut self, n: usize) {
        let provider = self.name(n);
        self.send(n, pack(&MsgBondProvider { provider, bond: Some(coin(BOND)) })).expect("bonded");
    }
    pub(crate) fn post(&mut self, change: impl FnOnce(MsgPostJob) -> MsgPostJob) {
        self.send(REQUESTER, pack(&change(self.order.clone()))).expect("posted");
    }
    pub(crate) fn name(&self, n: usize) -> String {
        self.net.wallets[n].address.to_string()
    }
    /// Puts a message into a block.
    pub(crate) fn send(&mut self, n: usize, message: Any) -> Result<(), WorldError> {
        let wallet = &mut self.net.wallets[n];
        let mut draft = Draft::of(vec![message]).gas(5_000_000);
        draft.fee.amount = vec![coin(FEE)];
        let tx: Bytes = draft.sign(&[wallet]);
        wallet.sequence += 1;
        let outcome = self.net.run(vec![tx]).remove(0);
        match outcome.code() {
            0 => Ok(()),
            code => Err(WorldError::Refused { codespace: String::new(), code, log: format!("{:?}", outcome.result) }),
        }
    }
    /// Sends what its time has come for, and ends with a block.
    pub(crate) fn block(&mut self) {
        let height = self.net.app.height();
        let (now, later) = std::mem::take(&mut self.later).into_iter().partition(|(from, ..)| *from <= height);
        self.later = later;
        for (_, n, message) in now {
            self.send(n, message).expect("sent");
        }
        self.net.run(vec![]);
    }
    pub(crate) fn job(&self, job_id: u64) -> Job {
        let found: QueryJobResponse = self.net.ask("/cairn.compute.v1.Query/Job", &QueryJobRequest { job_id });
        found.job.expect("a job")
    }
    pub(crate) fn program(&self) -> Program {
        let request = QueryProgramRequest { program_id: hex::encode(&self.order.program_id) };
        let found: QueryProgramResponse = self.net.ask("/cairn.compute.v1.Query/Program", &request);
        found.program.expect("a program")
    }
    pub(crate) fn is_quiet(&self) -> bool {
        let found: QueryJobsResponse = self.net.ask("/cairn.compute.v1.Query/Jobs", &QueryJobsRequest::default());
        found.jobs.iter().all(|job| job.state() == JobState::Closed)
    }
    pub(crate) fn provider(&self, n: usize) -> Provider {
        let request = QueryProviderRequest { account: self.name(n) };
        let found: QueryProviderResponse = self.net.ask("/cairn.compute.v1.Query/Provider", &request);
        found.provider.expect("a provider")
    }
    /// What a provider's bond is, where nothing of it is locked.
    pub(crate) fn free_bond(&self, n: usize) -> u128 {
        let provider = self.provider(n);
        assert_eq!(provider.locked, Some(coin(0)), "something of its bond is still locked");
        provider.bond.expect("a bond").amount.parse().expect("an amount")
    }
    /// What an account has with the fees that it paid.
    pub(crate) fn wealth(&self, n: usize) -> u128 {
        self.net.balance(&self.net.wallets[n].address) + u128::from(self.net.wallets[n].sequence) * FEE
    }
}

/// Inputs of some runs.
pub(crate) fn draw(model: &ModelFile, runs: usize) -> Inputs {
    let mut dice = Dice::new(6);
    let runs = (0..runs).map(|_| dice.tensor(&model.program().graph().input).expect("a tensor")).collect();
    Inputs::new(model.program(), runs).expect("inputs")
}

/// A small network with a layer norm and a softmax in it.
pub(crate) fn network() -> Graph {
    let bytes = |dims: &[u32]| TensorType::new(Kind::I8, dims);
    let words = |dims: &[u32]| TensorType::new(Kind::I32, dims);
    let weights = vec![bytes(&[24, 16]), words(&[24]), bytes(&[24]), bytes(&[24]), words(&[256])];
    let mut nodes = Vec::new();
    let mut add = |op, operands: Vec<Operand>| {
        nodes.push(Node { op, operands });
        Operand::Node(nodes.len() as u32 - 1)
    };
    let w = Operand::Weight;
    let sums = add(Op::Linear, vec![Operand::Input, w(0), w(1)]);
    let values = add(Op::Requantise { multiplier: 3, shift: 9 }, vec![sums]);
    let relu = add(Op::Relu, vec![values]);
    let norm = add(Op::LayerNorm, vec![relu, w(2), w(3)]);
    let soft = add(Op::Softmax { causal: false }, vec![norm, w(4)]);
    let both = add(Op::Add, vec![soft, relu]);
    add(Op::Argmax, vec![both]);
    Graph::new(bytes(&[3, 16]), weights, nodes)
}
