//! Memory, cancellation, progress, and nodes that are not public.
use std::ops::ControlFlow;

use cairn_device::{Error, Executor, FLEX, Job, Limits, Need, Progress, REFERENCE, Sample, open, open_within};
use cairn_program::{Graph, Kind, Node, Op, Operand, TensorType, testing::Dice};

const EXECUTORS: [&str; 2] = [REFERENCE, FLEX];

fn sample(nodes: Vec<Node>, runs: u32) -> Sample {
    let graph = Graph::new(TensorType::new(Kind::I8, &[4, 8]), vec![TensorType::new(Kind::I8, &[5, 8])], nodes);
    Sample::random("limits", graph, runs, &mut Dice::new(7)).unwrap()
}

fn layers(runs: u32) -> Sample {
    let node = |op: Op, operands: &[Operand]| Node { op, operands: operands.to_vec() };
    let requantise = Op::Requantise { multiplier: 3, shift: 9 };
    let first = node(Op::Linear, &[Operand::Input, Operand::Weight(0)]);
    sample(vec![first, node(requantise, &[Operand::Node(0)]), node(Op::Relu, &[Operand::Node(1)])], runs)
}

fn run(device: &dyn Executor, sample: &Sample, watch: &mut dyn FnMut(Progress) -> ControlFlow<()>) -> Result<usize, Error> {
    device.run(&sample.program, &sample.weights, &sample.inputs, watch).map(|runs| runs.len())
}

#[test]
fn each_step_is_reported_and_may_be_the_last() {
    let sample = layers(4);
    for name in EXECUTORS {
        let device = open(name).unwrap();
        let mut seen = Vec::new();
        let all = run(&*device, &sample, &mut |progress| {
            seen.push(progress);
            ControlFlow::Continue(())
        });
        assert_eq!(all, Ok(4));
        assert_eq!(seen[0], Progress { run: 0, node: 0, done: 0, all: 12 });
        assert!(seen.windows(2).all(|pair| pair[0].done < pair[1].done && pair[1].done < 12 && pair[1].all == 12));
        let stop = |progress: Progress| if progress.node == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        assert_eq!(run(&*device, &sample, &mut { stop }), Err(Error::Cancelled { run: 0, node: 2 }));
    }
}

#[test]
fn what_needs_more_memory_than_it_may_is_refused_before_it_runs() {
    let sample = layers(4);
    let need = Need::of(&sample.program, 4);
    // Input 32, and three nodes of 20 elements; weights 40.
    assert_eq!((need.host, need.fixed), (4 * (4 * 92 + 40), 160));
    let never = &mut |_| panic!("it must not begin");
    for name in EXECUTORS {
        let device = open_within(name, Limits { host: need.host - 1, ..Limits::default() });
        let refused = device.map(|device| run(&*device, &sample, never));
        // The test of a device when it is opened needs more than that, too.
        let refused = refused.unwrap_or_else(Err).unwrap_err();
        assert!(matches!(refused, Error::Memory { whose: "the machine", .. }), "{refused}");
    }
    assert!(open_within(FLEX, Limits { host: 32 << 20, device: 64 << 20 }).is_ok());
    let refused = open_within(FLEX, Limits { device: 1_000, ..Limits::default() }).err().unwrap();
    assert!(matches!(refused, Error::Memory { whose: "the device", limit: 1_000, .. }), "{refused}");
}

#[test]
fn runs_go_in_as_many_batches_as_memory_wants() {
    let sample = layers(300);
    let device = open(FLEX).unwrap();
    let mut firsts = Vec::new();
    let found = device.run(&sample.program, &sample.weights, &sample.inputs, &mut |progress| {
        firsts.push(progress.run);
        ControlFlow::Continue(())
    });
    firsts.dedup();
    assert_eq!(firsts, [0, 256]);
    let reference = open(REFERENCE).unwrap();
    let right = reference.run(&sample.program, &sample.weights, &sample.inputs, &mut |_| ControlFlow::Continue(()));
    assert_eq!(found.unwrap(), right.unwrap());
}

#[test]
fn sealed_nodes_are_computed_by_whoever_has_their_weights() {
    let sealed = Op::Sealed { circuit: [7; 32], outputs: 3, kind: Kind::I32 };
    let node = |op: Op, operands: &[Operand]| Node { op, operands: operands.to_vec() };
    let sample =
        sample(vec![node(Op::Relu, &[Operand::Input]), node(sealed, &[Operand::Node(0)]), node(Op::Argmax, &[Operand::Node(1)])], 2);
    let seal = |number: u32, input: &[i32]| (number == 1).then(|| vec![input[0], input[31], -1]);
    let job = Job::new(&sample.program, &sample.weights, &sample.inputs);
    let go = &mut |_: Progress| ControlFlow::Continue(());
    let right = open(REFERENCE).unwrap().execute(job.sealed_by(&seal), go).unwrap();
    for name in EXECUTORS {
        let device = open(name).unwrap();
        assert_eq!(device.execute(job, go), Err(Error::NotPublic { node: 1 }));
        assert_eq!(device.execute(job.sealed_by(&|_, _| None), go), Err(Error::NotPublic { node: 1 }));
        assert_eq!(device.execute(job.sealed_by(&|_, _| Some(vec![1])), go), Err(Error::NotPublic { node: 1 }));
        assert_eq!(device.execute(job.sealed_by(&seal), go).unwrap(), right);
    }
}
