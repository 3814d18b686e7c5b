//! Contests about an operator with private weights, each leaf with a real proof.
use ark_bn254::Fr;
use ark_std::rand::{SeedableRng, rngs::StdRng};
use cairn_circuits::{Input, Job, Layer, Network};
use cairn_dispute::{Dispute, Error as DisputeError};
use cairn_kernel::{Address, Coded, Result};
use cairn_program::{Inputs, Kind, Tensor, TensorType, Trace, Weights};
use cairn_proto::cairn::{
    compute::v1::{JobOutcome, MsgPostJob},
    dispute::v1::{Match, MsgProveLeaf, MsgProveLeafResponse, MsgServer, QueryMatchRequest, QueryServer, Stage},
};
use cairn_verifier::{Context, Element};

use super::{
    proofs::{COMMITTED, INPUTS, WEIGHTS_SALT, network, private},
    world::{BOND, LOCKED, PRICE, Work, World, owner, provider, requester, user},
};

/// The private network over both inputs; whoever lies gives class 0 for the second.
fn work() -> Work {
    let (program, _) = private();
    let weights = Weights::new(&program, vec![]).unwrap();
    let tensor = |input: [i8; 2]| Tensor::new(TensorType::new(Kind::I8, &[2]), input.map(i32::from).to_vec()).unwrap();
    let inputs = Inputs::new(&program, INPUTS.map(tensor).to_vec()).unwrap();
    let trace = |classes: [i32; 2]| {
        let output = |class| vec![Tensor::new(TensorType::new(Kind::I32, &[1]), vec![class]).unwrap()];
        Trace::of(&program, classes.map(output).to_vec())
    };
    let (right, wrong) = (trace([0, 1]), trace([0, 0]));
    Work { program, weights, inputs, right, wrong }
}

/// What goes into the proof of a leaf.
#[derive(Clone)]
struct Recipe {
    context: Context,
    network: Network,
    input: [i8; 2],
    salts: [u64; 2],
}

impl Recipe {
    /// Salts of input and output, and the proof.
    fn bytes(&self) -> Vec<u8> {
        let [salt, answer_salt] = self.salts.map(Fr::from);
        let inputs = vec![Input { values: self.input.to_vec(), salt, answer_salt }];
        let job = Job { context: self.context.clone(), network: self.network.clone(), weights_salt: Fr::from(WEIGHTS_SALT), inputs };
        let proof = COMMITTED.prove(&job, &mut StdRng::seed_from_u64(3)).unwrap().1;
        [Element::from(salt).bytes().as_slice(), Element::from(answer_salt).bytes().as_slice(), &proof].concat()
    }
}

impl World {
    fn game(&mut self, case_id: u64) -> Result<Match> {
        self.chain.run(|ctx| Dispute.r#match(ctx, QueryMatchRequest { case_id, match_number: 1 })).map(|found| found.r#match.unwrap())
    }
    fn recipe(&self, mover: Address, game: &Match) -> Recipe {
        let program = self.order().program_id;
        let context = self.context(game.case_id, mover, &program, game.number.into());
        Recipe { context, network: network(), input: INPUTS[usize::try_from(game.run).unwrap()], salts: [21, 22] }
    }
    fn prove(&mut self, m: MsgProveLeaf) -> Result<MsgProveLeafResponse> {
        self.chain.tx(|ctx| Dispute.prove_leaf(ctx, m))
    }
    fn end(&mut self, job: u64) -> JobOutcome {
        let last = self.height() + 200;
        while self.job(job).outcome() == JobOutcome::Unspecified && self.height() < last {
            self.block();
        }
        self.job(job).outcome()
    }
}

/// A contest about the second run of a job of a lying provider, where a proof decides. Gives the job and the match.
fn at_leaf() -> (World, u64, Match) {
    let mut world = World::new();
    let (program, key) = world.sealed();
    world.work = work();
    assert_eq!(world.order().program_id, program);
    let job = world.post(MsgPostJob { runs: 2, keys: vec![key], ..world.order() }).unwrap();
    world.accept(provider(), job).unwrap();
    let until = world.submit(world.result(provider(), job, false)).unwrap();
    let case = world.challenge(user(10), job, world.work.right.root()).unwrap();
    world.run_to(until + 1);
    while world.game(case).map_or(Stage::Unspecified, |game| game.stage()) != Stage::Leaf {
        world.play(provider(), case, false);
        world.play(user(10), case, true);
        world.block();
    }
    let game = world.game(case).unwrap();
    assert_eq!((game.run, game.node, game.chunk), (1, 0, 0));
    (world, job, game)
}

#[test]
fn a_proof_of_what_private_weights_give_convicts_who_lied_about_it() {
    let (mut world, job, game) = at_leaf();
    let proof = world.recipe(user(10), &game).bytes();
    let done = world.prove(world.leaf(user(10), &game, true, proof)).unwrap();
    assert_eq!((done.winner, done.malformed), (2, false));
    assert_eq!(world.end(job), JobOutcome::Wrong);
    assert_eq!((world.balance(requester()), world.balance(provider())), (PRICE, 0));
    assert_eq!(world.balance(user(10)), PRICE + LOCKED * 35 / 100, "its own bond is back");
    assert_eq!(world.provider(provider()).bond.unwrap().amount, (BOND - LOCKED).to_string());
}

#[test]
fn no_proof_stands_for_an_output_that_private_weights_do_not_give() {
    let (mut world, job, game) = at_leaf();
    let proof = |world: &World, mover| world.recipe(mover, &game).bytes();
    let malformed = DisputeError::LeafMalformed { case: game.case_id, number: 1 };
    let stranger = world.leaf(user(77), &game, false, proof(&world, user(77)));
    let refusal = world.prove(stranger).unwrap_err();
    assert_eq!((refusal.codespace, refusal.code), ("dispute", malformed.code()));
    let own = world.leaf(provider(), &game, false, proof(&world, provider()));
    let done = world.prove(own).unwrap();
    assert_eq!((done.winner, done.malformed), (2, true), "who is part of the match loses it by that");
    assert_eq!(world.end(job), JobOutcome::Wrong);
    assert_eq!(world.provider(provider()).bond.unwrap().amount, (BOND - LOCKED).to_string());
}

#[test]
fn a_proof_of_another_leaf_mover_input_or_network_is_none() {
    let (mut world, _, game) = at_leaf();
    let own = world.recipe(user(77), &game);
    let context = |change: &dyn Fn(&mut Context)| {
        let mut recipe = own.clone();
        change(&mut recipe.context);
        recipe.bytes()
    };
    let layer = Layer { weights: vec![3, -2, -1, 4], biases: vec![1, -1] };
    let other = Network::new(network().shape().clone(), vec![layer]).unwrap();
    let right = own.bytes();
    let spoilt = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = right.clone();
        change(&mut bytes);
        bytes
    };
    let proofs = [
        ("of another chain", context(&|context| context.chain = [1; 32])),
        ("of another case", context(&|context| context.job += 1)),
        ("of another match", context(&|context| context.nonce += 1)),
        ("of another program", context(&|context| context.program = [1; 32])),
        ("by somebody else", context(&|context| context.prover = owner().as_bytes().to_vec())),
        ("of another input", Recipe { input: INPUTS[0], ..own.clone() }.bytes()),
        ("of other weights", Recipe { network: other, ..own.clone() }.bytes()),
        ("salts the other way round", spoilt(&|bytes| bytes[..64].rotate_left(32))),
        ("a salt beyond the field", spoilt(&|bytes| bytes[..32].fill(255))),
        ("the proof of nothing", spoilt(&|bytes| bytes[64..].fill(0))),
        ("no proof", vec![]),
        ("a byte short", spoilt(&|bytes| bytes.truncate(191))),
        ("a byte long", spoilt(&|bytes| bytes.push(0))),
    ];
    let malformed = DisputeError::LeafMalformed { case: game.case_id, number: 1 };
    for (what, proof) in proofs {
        let refusal = world.prove(world.leaf(user(77), &game, true, proof)).expect_err(what);
        assert_eq!((refusal.codespace, refusal.code), ("dispute", malformed.code()), "{what}");
        world.check();
    }
    assert_eq!(world.prove(world.leaf(user(77), &game, true, right)).unwrap().winner, 2, "a stranger's proof is as good as any");
}
