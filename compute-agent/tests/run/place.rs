//! A chain on which a job waits, and agents' seats at it.
use std::{cell::RefCell, path::Path, rc::Rc, sync::Arc};

use bytes::Bytes;
use cairn_agent::run::{Agent, Settings, Vault, World, WorldError};
use cairn_app::api::Chain;
use cairn_device::{Executor, open};
use cairn_models::{Card, ModelFile, write_inputs};
use cairn_program::{Graph, Inputs, Kind, Node, Op, Operand, Tensor, TensorType, testing::Dice};
use cairn_proto::{
    Any,
    cairn::{
        compute::v1::{
            Circuit, Job, JobState, MsgBondProvider, MsgPostJob, MsgRegisterProgram, Program, Provider, QueryCircuitRequest,
            QueryCircuitResponse, QueryJobRequest, QueryJobResponse, QueryJobsRequest, QueryJobsResponse, QueryProgramRequest,
            QueryProgramResponse, QueryProviderRequest, QueryProviderResponse, SealOpening,
        },
        dispute::v1::{QueryContestRequest, QueryContestResponse, QueryMatchRequest, QueryMatchResponse},
    },
    pack,
};
use prost::Message;

use crate::support::{CHAIN_ID, Draft, Net, coin};

pub(crate) const PRICE: u128 = 100_000;
pub(crate) const BOND: u128 = 1_000_000;
pub(crate) const FEE: u128 = 5_000;
pub(crate) const LOCKED: u128 = 5 * PRICE;
pub(crate) const REQUESTER: usize = 0;
pub(crate) const PROVIDER: usize = 1;
pub(crate) const WATCHER: usize = 2;

/// A chain, and servers of one model and its inputs.
pub(crate) struct Place {
    pub(crate) net: Net,
    model: Vec<u8>,
    inputs: Vec<u8>,
}

impl Place {
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
    pub(crate) fn job(&self) -> Job {
        let found: QueryJobResponse = self.net.ask("/cairn.compute.v1.Query/Job", &QueryJobRequest { job_id: 1 });
        found.job.expect("a job")
    }
    /// What an account has with the fees that it paid.
    pub(crate) fn wealth(&self, n: usize) -> u128 {
        self.net.balance(&self.net.wallets[n].address) + u128::from(self.net.wallets[n].sequence) * FEE
    }
}

/// An agent's view of the chain, which may end at any call.
pub(crate) struct Seat {
    place: Rc<RefCell<Place>>,
    who: usize,
    /// Calls until it is killed; a message counts twice: killed before it is in a block, and after.
    pub(crate) left: usize,
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
    fn chain_id(&self) -> String {
        CHAIN_ID.to_owned()
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
    fn circuit(&mut self, program: &[u8], key: &[u8]) -> Result<Circuit, WorldError> {
        let request = QueryCircuitRequest { key_id: hex::encode(key), program_id: hex::encode(program) };
        self.ask::<_, QueryCircuitResponse>("/cairn.compute.v1.Query/Circuit", &request).map(|found| found.circuit.expect("one"))
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
pub(crate) fn graph() -> (Graph, Vec<Tensor>) {
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

/// Inputs of some runs, drawn.
pub(crate) fn draw(model: &ModelFile, runs: usize) -> Inputs {
    let mut dice = Dice::new(6);
    let runs = (0..runs).map(|_| dice.tensor(&model.program().graph().input).expect("a tensor")).collect();
    Inputs::new(model.program(), runs).expect("inputs")
}

impl Place {
    /// A chain whose provider has a bond, and servers of a model and its inputs.
    pub(crate) fn new(model: &ModelFile, inputs: Vec<u8>) -> Self {
        let mut place = Self { net: Net::new(), model: model.write().expect("a file"), inputs };
        place.net.run(vec![]);
        let provider = place.name(PROVIDER);
        place.send(PROVIDER, pack(&MsgBondProvider { provider, bond: Some(coin(BOND)) })).expect("bonded");
        place
    }
    /// Serves other inputs from now on.
    pub(crate) fn serve(&mut self, inputs: Vec<u8>) {
        self.inputs = inputs;
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
    /// The requester posts a job for it; `order` says the rest.
    pub(crate) fn post(&mut self, model: &ModelFile, input_root: [u8; 32], runs: u32, order: MsgPostJob) {
        let order = MsgPostJob {
            requester: self.name(REQUESTER),
            program_id: model.id().to_vec(),
            input_root: input_root.to_vec(),
            runs,
            uri: "inputs".to_owned(),
            price: Some(coin(PRICE)),
            accept_blocks: 40,
            run_blocks: 40,
            ..order
        };
        self.send(REQUESTER, pack(&order)).expect("posted");
    }
}

/// A chain on which a job of two runs waits for a provider.
pub(crate) fn place() -> Rc<RefCell<Place>> {
    let (graph, tensors) = graph();
    let model = ModelFile::new(Card::default(), graph, tensors).expect("a model");
    let inputs = draw(&model, 2);
    let mut place = Place::new(&model, write_inputs(inputs.tensors()).expect("a file"));
    place.register(&model, vec![]);
    place.post(&model, inputs.root(), 2, MsgPostJob::default());
    Rc::new(RefCell::new(place))
}

pub(crate) fn agent(place: &Rc<RefCell<Place>>, who: usize, left: usize, device: Arc<dyn Executor>, folder: &Path) -> Agent<Seat> {
    let seat = Seat { place: Rc::clone(place), who, left };
    let vault = Vault::open(&folder.join("keys"), &folder.join("private")).expect("a vault");
    Agent::open(seat, device, Settings::default(), vault, folder).expect("an agent").patient()
}

pub(crate) fn honest() -> Arc<dyn Executor> {
    Arc::from(open("reference").expect("a device"))
}

/// Runs blocks, in each of which `work` is done, until the job is closed.
pub(crate) fn until_closed(place: &Rc<RefCell<Place>>, mut work: impl FnMut()) -> Job {
    let last = place.borrow().net.app.height() + 400;
    while place.borrow().job().state() != JobState::Closed {
        assert!(place.borrow().net.app.height() < last, "it never closed");
        work();
        place.borrow_mut().net.run(vec![]);
    }
    place.borrow().job()
}

/// An agent that is killed at its call number `kill`, if it comes so far, and started again; how many calls were left to the first one.
pub(crate) fn killed_once(place: &Rc<RefCell<Place>>, who: usize, kill: usize, folder: &Path) -> (usize, Job) {
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
