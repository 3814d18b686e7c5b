//! A device that the test leads step by step.
use cairn_device::{DeviceInfo, Error, Progress, REFERENCE, Watch, open};
use cairn_models::Card;
use cairn_program::{Graph, Kind, Node, Op, Tensor, TensorType};

use super::*;

const LIMIT: Duration = Duration::from_secs(3_600);

/// What a run does next.
enum Step {
    /// It comes to the next node.
    On,
    /// It comes to its end.
    End,
    /// The driver breaks.
    Panic,
}

/// Tells which input a run has, and waits for what it is told to do.
struct Led {
    reference: Box<dyn Executor>,
    started: Mutex<Sender<i32>>,
    steps: Mutex<Receiver<Step>>,
}

impl Executor for Led {
    fn device(&self) -> &DeviceInfo {
        self.reference.device()
    }
    fn reproducible(&self) -> bool {
        true
    }
    fn execute(&self, job: Job<'_>, watch: &mut Watch<'_>) -> Result<Vec<Vec<Tensor>>, Error> {
        self.started.lock().unwrap().send(job.inputs.tensors()[0].values[0]).unwrap();
        loop {
            let step = self.steps.lock().unwrap().recv().unwrap();
            match step {
                Step::On if watch(Progress { run: 0, node: 0, done: 0, all: 1 }).is_break() => {
                    return Err(Error::Cancelled { run: 0, node: 0 });
                }
                Step::On => (),
                Step::End => return self.reference.execute(job, watch),
                Step::Panic => std::panic::resume_unwind(Box::new("broken")),
            }
        }
    }
}

/// A lab on such a device.
struct Bench {
    lab: Lab,
    started: Receiver<i32>,
    steps: Sender<Step>,
}

impl Bench {
    fn new(limit: Duration) -> Self {
        let (starts, started) = channel();
        let (steps, led) = channel();
        let led = Led { reference: open(REFERENCE).unwrap(), started: Mutex::new(starts), steps: Mutex::new(led) };
        Self { lab: Lab::new(Arc::new(led), limit), started, steps }
    }
    fn order(&mut self, job: u64, need: Need) {
        self.lab.order(job, order(job), need);
    }
    fn starts(&self, job: i32) {
        assert_eq!(self.started.recv().unwrap(), job);
    }
    fn step(&self, step: Step) {
        self.steps.send(step).unwrap();
    }
    /// A run that comes to its end without a step between.
    fn runs(&self, job: i32) {
        self.starts(job);
        self.step(Step::End);
    }
    fn ends(&mut self, job: u64) -> Standing {
        self.lab.wait(job);
        self.lab.standing(job).unwrap()
    }
}

/// The number of a job, as the one input of a network of one operator.
fn order(job: u64) -> Order {
    let input = TensorType::new(Kind::I8, &[1]);
    let graph = Graph::new(input.clone(), vec![], vec![Node { op: Op::Relu, operands: vec![Operand::Input] }]);
    let model = ModelFile::new(Card::default(), graph, vec![]).unwrap();
    let tensor = Tensor::new(input, vec![i32::try_from(job).unwrap()]).unwrap();
    let inputs = Inputs::new(model.program(), vec![tensor]).unwrap();
    Order { model: Arc::new(model), inputs, sealed: Sealed::default(), proving: None }
}

fn solved(standing: &Standing) -> bool {
    matches!(standing, Standing::Solved(_))
}

#[test]
fn what_is_owed_goes_first_and_what_it_stopped_is_done_afterwards() {
    let mut bench = Bench::new(LIMIT);
    bench.order(1, Need::Judged);
    bench.starts(1);
    bench.order(2, Need::Judged);
    bench.step(Step::On);
    bench.order(3, Need::Owed);
    bench.order(4, Need::Owed);
    bench.step(Step::On);
    bench.starts(3);
    bench.step(Step::On);
    bench.step(Step::End);
    assert!(solved(&bench.ends(3)));
    bench.runs(4);
    bench.runs(1);
    bench.runs(2);
    assert!([4, 1, 2].into_iter().all(|job| solved(&bench.ends(job))));
}

#[test]
fn what_comes_to_be_owed_while_it_runs_or_waits_is_not_stopped() {
    let mut bench = Bench::new(LIMIT);
    bench.order(1, Need::Judged);
    bench.starts(1);
    bench.order(2, Need::Judged);
    bench.order(3, Need::Judged);
    bench.lab.owe(1);
    bench.lab.owe(3);
    bench.lab.owe(9);
    bench.step(Step::On);
    bench.step(Step::End);
    bench.runs(3);
    bench.runs(2);
    assert!([1, 2, 3].into_iter().all(|job| solved(&bench.ends(job))));
}

#[test]
fn what_nobody_waits_for_any_more_ends_and_leaves_nothing() {
    let mut bench = Bench::new(LIMIT);
    bench.order(1, Need::Owed);
    bench.starts(1);
    bench.order(2, Need::Owed);
    bench.order(3, Need::Judged);
    bench.order(4, Need::Owed);
    assert_eq!(bench.lab.waiting(), [3, 1]);
    bench.lab.keep(|job| job == 4);
    assert_eq!(bench.lab.waiting(), [1, 0]);
    bench.step(Step::On);
    bench.starts(4);
    assert!([1, 2, 3].into_iter().all(|job| bench.lab.standing(job).is_none()));
    bench.step(Step::End);
    assert!(solved(&bench.ends(4)));
    bench.lab.forget(4);
    assert!(bench.lab.standing(4).is_none());
}

#[test]
fn a_job_that_was_forgotten_and_comes_again_is_run_anew() {
    let mut bench = Bench::new(LIMIT);
    bench.order(1, Need::Owed);
    bench.starts(1);
    bench.lab.forget(1);
    bench.order(1, Need::Owed);
    bench.step(Step::End);
    bench.starts(1);
    assert!(matches!(bench.lab.standing(1), Some(Standing::Running)), "the first run counts for nothing");
    bench.step(Step::End);
    assert!(solved(&bench.ends(1)));
}

#[test]
fn what_is_not_owed_is_held_in_bounds() {
    let mut bench = Bench::new(LIMIT);
    bench.order(1, Need::Judged);
    bench.starts(1);
    for job in 2..=4 {
        assert!(bench.lab.takes(Need::Judged));
        bench.order(job, Need::Judged);
    }
    assert!(!bench.lab.takes(Need::Judged));
    assert!(bench.lab.takes(Need::Owed));
    bench.lab.owe(2);
    assert!(bench.lab.takes(Need::Judged));
    bench.lab.keep(|_| false);
    assert!(bench.lab.takes(Need::Judged));
    bench.step(Step::On);
}

#[test]
fn a_driver_that_breaks_and_a_run_that_is_too_long_cost_their_order_alone() {
    let mut bench = Bench::new(LIMIT);
    bench.order(1, Need::Owed);
    bench.starts(1);
    bench.step(Step::Panic);
    assert!(matches!(bench.ends(1), Standing::Failed(why) if why.contains("panicked")));
    bench.order(2, Need::Owed);
    bench.runs(2);
    assert!(solved(&bench.ends(2)));

    let mut bench = Bench::new(Duration::ZERO);
    bench.order(1, Need::Owed);
    bench.starts(1);
    bench.step(Step::On);
    assert!(matches!(bench.ends(1), Standing::Failed(why) if why.contains("at most 0 s")));
}
