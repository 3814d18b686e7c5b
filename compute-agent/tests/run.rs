//! Agents on a real chain (its application, block by block): killed at every call, lied to at every operator.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panics; their numbers are small"
)]
#[allow(dead_code, unreachable_pub, reason = "what the tests of the application share; not all of it is used here")]
#[path = "../../app/tests/it/support.rs"]
mod support;

use std::{cell::RefCell, path::Path, rc::Rc, sync::Arc};

use bytes::Bytes;
use cairn_agent::{
    liar::Liar,
    run::{Agent, Settings, World, WorldError},
};
use cairn_app::api::Chain;
use cairn_device::{Executor, open};
use cairn_models::{Card, ModelFile, write_inputs};
use cairn_program::{Graph, Inputs, Kind, Node, Op, Operand, Tensor, TensorType, testing::Dice};
use cairn_proto::{
    Any,
    cairn::{
        compute::v1::{
            Job, JobOutcome, JobState, MsgBondProvider, MsgPostJob, MsgRegisterProgram, Program, Provider, QueryJobRequest,
            QueryJobResponse, QueryJobsRequest, QueryJobsResponse, QueryProgramRequest, QueryProgramResponse, QueryProviderRequest,
            QueryProviderResponse,
        },
        dispute::v1::{QueryContestRequest, QueryContestResponse, QueryMatchRequest, QueryMatchResponse},
    },
    pack,
};
use prost::Message;
use support::{Draft, Net, coin};

const PRICE: u128 = 100_000;
const BOND: u128 = 1_000_000;
const FEE: u128 = 5_000;
const LOCKED: u128 = 5 * PRICE;
const REQUESTER: usize = 0;
const PROVIDER: usize = 1;
const WATCHER: usize = 2;

/// A chain, and servers of one model and its inputs.
struct Place {
    net: Net,
    model: Vec<u8>,
    inputs: Vec<u8>,
}

impl Place {
    fn name(&self, n: usize) -> String {
        self.net.wallets[n].address.to_string()
    }
    /// Puts a message into a block.
    fn send(&mut self, n: usize, message: Any) -> Result<(), WorldError> {
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
    fn job(&self) -> Job {
        let found: QueryJobResponse = self.net.ask("/cairn.compute.v1.Query/Job", &QueryJobRequest { job_id: 1 });
        found.job.expect("a job")
    }
    /// What an account has with the fees that it paid.
    fn wealth(&self, n: usize) -> u128 {
        self.net.balance(&self.net.wallets[n].address) + u128::from(self.net.wallets[n].sequence) * FEE
    }
}

/// An agent's view of the chain, which may end at any call.
struct Seat {
    place: Rc<RefCell<Place>>,
    who: usize,
    /// Calls until it is killed; a message counts twice: killed before it is in a block, and after.
    left: usize,
}

impl Seat {
    fn call(&mut self) -> Result<(), WorldError> {
        self.left = self.left.checked_sub(1).ok_or_else(|| WorldError::Away("killed".to_owned()))?;
        Ok(())
    }
    fn ask<Q: Message, R: Message + Default>(&mut self, path: &str, query: &Q) -> Result<R, WorldError> {
        self.call()?;
        let answer = self.place.borrow().net.app.query(path, &query.encode_to_vec(), None);
        let answer = answer.map_err(|error| WorldError::Refused { codespace: String::new(), code: 1, log: format!("{error:?}") })?;
        Ok(R::decode(&*answer.value).expect("an answer"))
    }
}

impl World for Seat {
    fn height(&mut self) -> Result<u64, WorldError> {
        self.call()?;
        Ok(self.place.borrow().net.app.height())
    }
    fn account(&self) -> String {
        self.place.borrow().name(self.who)
    }
    fn provider(&mut self) -> Result<Option<Provider>, WorldError> {
        let request = QueryProviderRequest { account: self.account() };
        match self.ask::<_, QueryProviderResponse>("/cairn.compute.v1.Query/Provider", &request) {
            Ok(found) => Ok(found.provider),
            Err(WorldError::Refused { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
    fn jobs(&mut self, state: JobState) -> Result<Vec<Job>, WorldError> {
        let request = QueryJobsRequest { state: state.into(), ..QueryJobsRequest::default() };
        self.ask::<_, QueryJobsResponse>("/cairn.compute.v1.Query/Jobs", &request).map(|found| found.jobs)
    }
    fn program(&mut self, id: &[u8]) -> Result<Program, WorldError> {
        let request = QueryProgramRequest { program_id: hex::encode(id) };
        self.ask::<_, QueryProgramResponse>("/cairn.compute.v1.Query/Program", &request).map(|found| found.program.expect("one"))
    }
    fn contest(&mut self, case_id: u64) -> Result<QueryContestResponse, WorldError> {
        self.ask("/cairn.dispute.v1.Query/Contest", &QueryContestRequest { case_id })
    }
    fn game(&mut self, case_id: u64, number: u32) -> Result<QueryMatchResponse, WorldError> {
        self.ask("/cairn.dispute.v1.Query/Match", &QueryMatchRequest { case_id, match_number: number })
    }
    fn send(&mut self, message: Any) -> Result<(), WorldError> {
        self.call()?;
        let sent = self.place.borrow_mut().send(self.who, message);
        self.call()?;
        sent
    }
    fn fetch(&mut self, uri: &str, most: u64) -> Result<Vec<u8>, WorldError> {
        self.call()?;
        let place = self.place.borrow();
        let found = if uri == "model" { &place.model } else { &place.inputs };
        assert!(found.len() as u64 <= most);
        Ok(found.clone())
    }
}

/// A small network with a layer norm and a softmax in it.
fn graph() -> (Graph, Vec<Tensor>) {
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
    let mut dice = Dice::new(5);
    let tensors = weights.iter().map(|shape| dice.tensor(shape).expect("a tensor")).collect();
    (Graph::new(bytes(&[3, 16]), weights, nodes), tensors)
}

/// A chain on which a job of two runs waits for a provider.
fn place() -> Rc<RefCell<Place>> {
    let (graph, tensors) = graph();
    let model = ModelFile::new(Card::default(), graph, tensors).expect("a model");
    let mut dice = Dice::new(6);
    let runs: Vec<Tensor> = (0..2).map(|_| dice.tensor(&model.program().graph().input).expect("a tensor")).collect();
    let inputs = Inputs::new(model.program(), runs).expect("inputs");
    let mut place =
        Place { net: Net::new(), model: model.write().expect("a file"), inputs: write_inputs(inputs.tensors()).expect("a file") };
    place.net.run(vec![]);
    let (owner, provider) = (place.name(REQUESTER), place.name(PROVIDER));
    let program = MsgRegisterProgram {
        owner: owner.clone(),
        graph: model.program().encoded().to_vec(),
        weights_root: model.weights().root().to_vec(),
        uri: "model".to_owned(),
        ..MsgRegisterProgram::default()
    };
    place.send(REQUESTER, pack(&program)).expect("registered");
    place.send(PROVIDER, pack(&MsgBondProvider { provider, bond: Some(coin(BOND)) })).expect("bonded");
    let order = MsgPostJob {
        requester: owner,
        program_id: model.id().to_vec(),
        input_root: inputs.root().to_vec(),
        runs: 2,
        uri: "inputs".to_owned(),
        price: Some(coin(PRICE)),
        accept_blocks: 40,
        run_blocks: 40,
        ..MsgPostJob::default()
    };
    place.send(REQUESTER, pack(&order)).expect("posted");
    Rc::new(RefCell::new(place))
}

fn agent(place: &Rc<RefCell<Place>>, who: usize, left: usize, device: Arc<dyn Executor>, folder: &Path) -> Agent<Seat> {
    let seat = Seat { place: Rc::clone(place), who, left };
    Agent::open(seat, device, Settings::default(), folder).expect("an agent").patient()
}

fn honest() -> Arc<dyn Executor> {
    Arc::from(open("reference").expect("a device"))
}

/// Runs blocks, in each of which `work` is done, until the job is closed.
fn until_closed(place: &Rc<RefCell<Place>>, mut work: impl FnMut()) -> Job {
    let last = place.borrow().net.app.height() + 400;
    while place.borrow().job().state() != JobState::Closed {
        assert!(place.borrow().net.app.height() < last, "it never closed");
        work();
        place.borrow_mut().net.run(vec![]);
    }
    place.borrow().job()
}

/// An agent that is killed at its call number `kill`, if it comes so far, and started again; how many calls were left to the first one.
fn killed_once(place: &Rc<RefCell<Place>>, who: usize, kill: usize, folder: &Path) -> (usize, Job) {
    let mut first = Some(agent(place, who, kill, honest(), folder));
    let mut second = None;
    let mut left = 0;
    let job = until_closed(place, || {
        if let Some(agent) = &mut first {
            agent.step().expect("the disk");
            left = agent.world().left;
            if left == 0 {
                first = None;
            }
        } else {
            second.get_or_insert_with(|| agent(place, who, usize::MAX, honest(), folder)).step().expect("the disk");
        }
    });
    (left, job)
}

#[test]
fn a_provider_killed_at_any_call_delivers_and_is_paid_once() {
    let mut paid = Vec::new();
    for kill in 0.. {
        let (place, folder) = (place(), tempfile::tempdir().expect("a folder"));
        let before = place.borrow().wealth(PROVIDER);
        let (left, job) = killed_once(&place, PROVIDER, kill, folder.path());
        assert_eq!((job.outcome(), job.provider), (JobOutcome::Paid, place.borrow().name(PROVIDER)), "killed at {kill}");
        assert!(job.failed.is_empty(), "killed at {kill}");
        paid.push(place.borrow().wealth(PROVIDER) - before);
        let provider = agent(&place, PROVIDER, 9, honest(), folder.path()).world().provider().expect("an answer").expect("a provider");
        assert_eq!((provider.paid, provider.late, provider.bond), (1, 0, Some(coin(BOND))), "killed at {kill}");
        // Once it is delivered, an agent does nothing but look on: 40 calls cover all that it does.
        if left > 0 || kill == 40 {
            break;
        }
    }
    assert!(paid.len() > 20 && paid[0] > 0 && paid.iter().all(|pay| *pay == paid[0]), "{paid:?}");
}

#[test]
fn a_watcher_killed_anywhere_wins_against_a_liar() {
    let mut won = Vec::new();
    for kill in (0..120).step_by(8) {
        let (place, folders) = (place(), [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")]);
        let before = place.borrow().wealth(WATCHER);
        let liar = Liar::new(open("reference").expect("a device"), 1);
        let mut liar = agent(&place, PROVIDER, usize::MAX, Arc::new(liar), folders[0].path());
        let mut watcher = Some(agent(&place, WATCHER, kill, honest(), folders[1].path()));
        let job = until_closed(&place, || {
            liar.step().expect("the disk");
            let dead = watcher.as_mut().is_none_or(|agent| {
                agent.step().expect("the disk");
                agent.world().left == 0
            });
            if dead {
                watcher = None;
                watcher = Some(agent(&place, WATCHER, usize::MAX, honest(), folders[1].path()));
            }
        });
        assert_eq!(job.outcome(), JobOutcome::Wrong, "killed at {kill}");
        won.push(place.borrow().wealth(WATCHER) - before);
    }
    assert!(won.iter().all(|gain| *gain == LOCKED * 35 / 100), "{won:?}");
}

#[test]
fn a_liar_at_every_operator_loses() {
    for node in 0..graph().0.nodes.len() {
        let (place, folders) = (place(), [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")]);
        let before: Vec<u128> = (0..3).map(|who| place.borrow().wealth(who)).collect();
        let liar = Liar::new(open("reference").expect("a device"), node);
        let mut liar = agent(&place, PROVIDER, usize::MAX, Arc::new(liar), folders[0].path());
        let mut watcher = agent(&place, WATCHER, usize::MAX, honest(), folders[1].path());
        let job = until_closed(&place, || {
            liar.step().expect("the disk");
            watcher.step().expect("the disk");
        });
        assert_eq!((job.outcome(), job.case_id), (JobOutcome::Wrong, 1), "node {node}");
        let place = place.borrow();
        assert_eq!(place.wealth(WATCHER), before[WATCHER] + LOCKED * 35 / 100, "node {node}");
        assert_eq!(place.wealth(REQUESTER), before[REQUESTER] + PRICE, "node {node}: refunded");
    }
}
