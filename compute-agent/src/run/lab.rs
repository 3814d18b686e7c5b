//! Where programs run: one after the other, on a thread of their own, so that a long run never holds up a move in a contest; and what is owed before what is not.
use std::{
    cell::Cell,
    collections::{BTreeMap, VecDeque},
    ops::ControlFlow,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
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
    world::Need,
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

/// Orders of results that are wanted and not owed, which wait or run: each holds a model and inputs.
const WANTED: usize = 4;

/// What is to be run, and what runs.
#[derive(Default)]
struct Queue {
    owed: VecDeque<(u64, Order)>,
    wanted: VecDeque<(u64, Order)>,
    running: Option<(u64, Need)>,
    closed: bool,
}

impl Queue {
    fn next(&mut self) -> Option<(u64, Order)> {
        let owed = self.owed.pop_front().map(|order| (Need::Owed, order));
        let (need, (job, order)) = owed.or_else(|| self.wanted.pop_front().map(|order| (Need::Judged, order)))?;
        self.running = Some((job, need));
        Some((job, order))
    }
    fn waiting(&mut self, need: Need) -> &mut VecDeque<(u64, Order)> {
        if need == Need::Owed { &mut self.owed } else { &mut self.wanted }
    }
    /// Whether what runs goes on: somebody still waits for it, and nothing that is owed waits behind something that is not.
    fn goes_on(&self, job: u64) -> bool {
        match self.running {
            Some((running, need)) => running == job && (need == Need::Owed || self.owed.is_empty()) && !self.closed,
            None => false,
        }
    }
}

/// The queue, and what tells that it changed.
#[derive(Default)]
struct Desk {
    queue: Mutex<Queue>,
    changed: Condvar,
}

impl Desk {
    /// A thread that panicked leaves a queue that is whole: nothing panics while it is changed.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for an order; `None`: there will be none.
    fn next(&self) -> Option<(u64, Order)> {
        let mut queue = self.queue();
        loop {
            if queue.closed {
                return None;
            }
            if let Some(order) = queue.next() {
                return Some(order);
            }
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Runs orders until the lab ends.
    fn work(&self, executor: &dyn Executor, limit: Duration, done: &Sender<Ended>) {
        while let Some((job, order)) = self.next() {
            let run = || solve(executor, &order, limit, || self.queue().goes_on(job));
            // A driver that panics loses an order, not the agent.
            let ended = std::panic::catch_unwind(AssertUnwindSafe(run));
            let mut queue = self.queue();
            let ended = match (ended, queue.running.take()) {
                (_, None) => continue,
                (Ok(Err(End::Stopped)), Some((_, need))) => {
                    queue.waiting(need).push_front((job, order));
                    continue;
                }
                (Ok(Err(End::Failed(why))), _) => Err(why),
                (Ok(Ok((trace, proofs, took))), _) => Ok(Solved { order, trace, proofs, took }),
                (Err(_), _) => Err("the device's driver panicked".to_owned()),
            };
            drop(queue);
            if done.send((job, ended)).is_err() {
                break;
            }
        }
    }
}

/// Runs orders by the numbers of their jobs: those that are owed first, which end others that run.
pub struct Lab {
    desk: Arc<Desk>,
    ended: Receiver<Ended>,
    jobs: BTreeMap<u64, Standing>,
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.desk.queue().closed = true;
        self.desk.changed.notify_all();
    }
}

impl Lab {
    /// Over a device; a run that takes longer than `limit` is ended.
    #[must_use]
    pub fn new(executor: Arc<dyn Executor>, limit: Duration) -> Self {
        let (done, ended) = channel();
        let desk = Arc::<Desk>::default();
        let its = Arc::clone(&desk);
        std::thread::spawn(move || its.work(&*executor, limit, &done));
        Self { desk, ended, jobs: BTreeMap::new() }
    }

    /// Whether there is room for one more order.
    #[must_use]
    pub fn takes(&self, need: Need) -> bool {
        let queue = self.desk.queue();
        let running = queue.running.is_some_and(|(_, need)| need != Need::Owed);
        need == Need::Owed || queue.wanted.len().saturating_add(running.into()) < WANTED
    }

    /// Orders that wait or run: of what is owed, and of others' results.
    #[must_use]
    pub fn waiting(&self) -> [usize; 2] {
        let queue = self.desk.queue();
        let running = |owed: bool| usize::from(queue.running.is_some_and(|(_, need)| (need == Need::Owed) == owed));
        [queue.owed.len().saturating_add(running(true)), queue.wanted.len().saturating_add(running(false))]
    }

    /// Takes an order, unless it has one for the job.
    pub fn order(&mut self, job: u64, order: Order, need: Need) {
        if self.jobs.contains_key(&job) {
            return;
        }
        self.desk.queue().waiting(need).push_back((job, order));
        self.desk.changed.notify_all();
        self.jobs.insert(job, Standing::Running);
    }

    /// Lets an order that was wanted go before others, since it is owed now.
    pub fn owe(&mut self, job: u64) {
        let mut queue = self.desk.queue();
        if let Some(place) = queue.wanted.iter().position(|(waiting, _)| *waiting == job) {
            let order = queue.wanted.remove(place);
            queue.owed.extend(order);
        }
        if let Some((running, need)) = &mut queue.running
            && *running == job
        {
            *need = Need::Owed;
        }
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
        self.jobs.retain(|job, _| wanted(*job));
        let mut queue = self.desk.queue();
        queue.owed.retain(|(job, _)| wanted(*job));
        queue.wanted.retain(|(job, _)| wanted(*job));
        if queue.running.is_some_and(|(job, _)| !wanted(job)) {
            queue.running = None;
        }
    }

    /// Forgets what came of an order.
    pub fn forget(&mut self, job: u64) {
        self.keep(|other| other != job);
    }

    fn note(&mut self, job: u64, ended: Result<Solved, String>) {
        let Some(standing) = self.jobs.get_mut(&job) else { return };
        *standing = match ended {
            Ok(solved) => {
                tracing::info!(job, seconds = solved.took.as_secs_f64(), root = hex::encode(solved.trace.root()), "ran");
                Standing::Solved(Arc::new(solved))
            }
            Err(why) => {
                tracing::warn!(job, why, "not run");
                Standing::Failed(why)
            }
        };
    }
}

/// Why an order did not come to its end.
enum End {
    /// Something else goes first, or nobody waits for it any more.
    Stopped,
    /// It cannot be done here.
    Failed(String),
}

/// Runs an order as long as `goes_on`.
fn solve(
    executor: &dyn Executor,
    order: &Order,
    limit: Duration,
    goes_on: impl Fn() -> bool,
) -> Result<(Trace, Option<Proofs>, Duration), End> {
    let started = Instant::now();
    let mut told = started;
    let stopped = Cell::new(false);
    let goes_on = || {
        stopped.set(!goes_on());
        started.elapsed() < limit && !stopped.get()
    };
    let seal = |node: u32, input: &[i32]| compute(&order.sealed, node, input);
    let job = Job::new(order.model.program(), order.model.weights(), &order.inputs).sealed_by(&seal);
    let outputs = executor.execute(job, &mut |at| {
        if told.elapsed() > Duration::from_secs(10) {
            told = Instant::now();
            tracing::info!(run = at.run, node = at.node, done = at.done, all = at.all, "running");
        }
        if goes_on() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    let failed = |why: String| if stopped.get() { End::Stopped } else { End::Failed(why) };
    let outputs = outputs
        .map_err(|error| failed(format!("{error} (after {:.1} s, at most {} s)", started.elapsed().as_secs_f64(), limit.as_secs())))?;
    let trace = Trace::of(order.model.program(), outputs);
    let prove = |proving: &Proving| proving.prove(&trace.claim().outputs, goes_on);
    let proofs = order.proving.as_ref().map(prove).transpose().map_err(failed)?;
    Ok((trace, proofs, started.elapsed()))
}

#[cfg(test)]
mod tests;
