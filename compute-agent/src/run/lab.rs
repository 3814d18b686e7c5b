//! Where programs run: one after the other, on a thread of their own, so that a long run never holds up a move in a contest.
use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    time::{Duration, Instant},
};

use cairn_device::{Executor, Job};
use cairn_models::ModelFile;
use cairn_program::{Inputs, Operand, Trace};

use super::{
    proven::{Proofs, Proving},
    vault::{Sealed, compute},
};

/// A program with the inputs of a job.
pub struct Order {
    /// The model.
    pub model: Arc<ModelFile>,
    /// The inputs.
    pub inputs: Inputs,
    /// What computes its sealed operators.
    pub sealed: Sealed,
    /// How its result is proven, where it is.
    pub proving: Option<Proving>,
}

/// What came of an order.
pub struct Solved {
    /// What it was.
    pub order: Order,
    /// Everything that the program computed.
    pub trace: Trace,
    /// Proofs of the result, where it is proven.
    pub proofs: Option<Proofs>,
    /// How long it took.
    pub took: Duration,
}

impl Solved {
    /// The first operand of a node in a run, where it is the run's input or another node's output.
    #[must_use]
    pub fn input_of(&self, run: u32, node: u32) -> Option<&[i32]> {
        let graph = self.order.model.program().graph();
        let tensor = match graph.nodes.get(usize::try_from(node).ok()?)?.operands.first()? {
            Operand::Input => self.order.inputs.tensors().get(usize::try_from(run).ok()?)?,
            Operand::Node(earlier) => self.trace.tensors(run)?.get(usize::try_from(*earlier).ok()?)?,
            Operand::Weight(_) => return None,
        };
        Some(&tensor.values)
    }
}

/// How an order stands.
#[derive(Clone)]
pub enum Standing {
    /// It waits or runs.
    Running,
    /// It is done.
    Solved(Arc<Solved>),
    /// It cannot be done here, and why.
    Failed(String),
}

type Ended = (u64, Result<Solved, String>);

/// Runs orders by the numbers of their jobs.
pub struct Lab {
    orders: Sender<(u64, Order)>,
    ended: Receiver<Ended>,
    jobs: BTreeMap<u64, Standing>,
}

impl Lab {
    /// Over a device; a run that takes longer than `limit` is ended.
    #[must_use]
    pub fn new(executor: Arc<dyn Executor>, limit: Duration) -> Self {
        let (orders, incoming) = channel::<(u64, Order)>();
        let (done, ended) = channel();
        std::thread::spawn(move || {
            // Ends with the lab, whose end closes the channel.
            for (job, order) in incoming {
                if done.send((job, solve(&*executor, order, limit))).is_err() {
                    break;
                }
            }
        });
        Self { orders, ended, jobs: BTreeMap::new() }
    }

    /// Takes an order, unless it has one for the job.
    pub fn order(&mut self, job: u64, order: Order) {
        if self.jobs.contains_key(&job) {
            return;
        }
        let standing = match self.orders.send((job, order)) {
            Ok(()) => Standing::Running,
            Err(_) => Standing::Failed("the thread that runs programs has ended".to_owned()),
        };
        self.jobs.insert(job, standing);
    }

    /// How the order for a job stands; `None`: there is none.
    pub fn standing(&mut self, job: u64) -> Option<Standing> {
        while let Ok((job, ended)) = self.ended.try_recv() {
            self.note(job, ended);
        }
        self.jobs.get(&job).cloned()
    }

    /// Waits until an order ends; for programs that have nothing else to do.
    pub fn wait(&mut self, job: u64) {
        while matches!(self.jobs.get(&job), Some(Standing::Running)) {
            let Ok((job, ended)) = self.ended.recv() else { break };
            self.note(job, ended);
        }
    }

    /// Forgets the orders of all other jobs than these.
    pub fn keep(&mut self, wanted: impl Fn(u64) -> bool) {
        self.jobs.retain(|job, standing| wanted(*job) || matches!(standing, Standing::Running));
    }

    fn note(&mut self, job: u64, ended: Result<Solved, String>) {
        let standing = match ended {
            Ok(solved) => {
                tracing::info!(job, seconds = solved.took.as_secs_f64(), root = hex::encode(solved.trace.root()), "ran");
                Standing::Solved(Arc::new(solved))
            }
            Err(why) => {
                tracing::warn!(job, why, "not run");
                Standing::Failed(why)
            }
        };
        self.jobs.insert(job, standing);
    }
}

fn solve(executor: &dyn Executor, order: Order, limit: Duration) -> Result<Solved, String> {
    let started = Instant::now();
    let mut told = started;
    let seal = |node: u32, input: &[i32]| compute(&order.sealed, node, input);
    let job = Job::new(order.model.program(), order.model.weights(), &order.inputs).sealed_by(&seal);
    let outputs = executor.execute(job, &mut |at| {
        if told.elapsed() > Duration::from_secs(10) {
            told = Instant::now();
            tracing::info!(run = at.run, node = at.node, done = at.done, all = at.all, "running");
        }
        if started.elapsed() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    let outputs =
        outputs.map_err(|error| format!("{error} (after {:.1} s, at most {} s)", started.elapsed().as_secs_f64(), limit.as_secs()))?;
    let trace = Trace::of(order.model.program(), outputs);
    let prove = |proving: &Proving| proving.prove(&trace.claim().outputs, || started.elapsed() < limit);
    let proofs = order.proving.as_ref().map(prove).transpose()?;
    Ok(Solved { order, trace, proofs, took: started.elapsed() })
}
