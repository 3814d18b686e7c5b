//! Refusals by their codes, queries, a referee that fails, and jury and bisection side by side.
use cairn_kernel::{Coin, Module, sdk};
use cairn_proto::cairn::dispute::v1::{
    EventContestClosed, EventStepFailed, Game, MsgCommitVote, MsgDissect, MsgProveLeaf, MsgServer, QueryCasesRequest, QueryMatchesRequest,
    QueryServer, Stage,
};

use super::{
    book::Book,
    rules::pair,
    world::{BOND, PRICE, WINDOW, World, market, provider, refused, subject, user},
};
use crate::{
    CaseState, Complaint, Dispute, Error, Fate, Statement, Terms,
    rules::{MAX_FAILURES, RETRY_BLOCKS},
};

#[test]
fn terms_that_no_match_could_be_played_under_are_refused() {
    let (right, wrong) = pair();
    let mut world = World::new(10);
    let terms = world.terms(1, &right, &wrong);
    let now = world.height();
    let cases: [(Terms, Error); 6] = [
        (Terms { runs: 0, ..terms.clone() }, Error::Terms("a trace has 1 to 1,024 runs")),
        (Terms { runs: 1_025, ..terms.clone() }, Error::Terms("a trace has 1 to 1,024 runs")),
        (Terms { base_bond: 0, ..terms.clone() }, Error::Terms("there is no bond")),
        (Terms { window_end: now - 1, ..terms.clone() }, Error::Terms("the window is over")),
        (Terms { subject: crate::Subject { module: "nobody".into(), ..subject(1) }, ..terms.clone() }, Error::NoReferee("nobody".into())),
        (Terms { subject: crate::Subject { module: "x".repeat(65), ..subject(1) }, ..terms.clone() }, Error::Module(65)),
    ];
    for (terms, error) in cases {
        refused(world.enter(&terms, right.root, user(10)), &error);
    }
    world.books.lock().unwrap().graphs.insert(1, vec![1, 2, 3]);
    refused(world.enter(&terms, right.root, user(10)), &Error::Terms("the program cannot be read"));
    let unknown = Terms { subject: subject(404), ..terms.clone() };
    assert_eq!(world.enter(&unknown, right.root, user(10)).unwrap_err().code, sdk::not_found("").code);
    let terms = world.terms(1, &right, &wrong);
    assert_eq!(world.challenge(&terms, right.root, user(60)).unwrap_err().code, 5, "no money, no claim");
    assert!(world.chain.run(|ctx| crate::case_about(ctx, &subject(1))).unwrap().is_none());
}

#[test]
fn a_subject_is_decided_by_one_game() {
    let (right, wrong) = pair();
    let mut world = World::new(10);
    let terms = world.terms(1, &right, &wrong);
    let case = world.enter(&terms, right.root, user(10)).unwrap();
    let found = world.all(case).case.unwrap();
    assert_eq!((found.game(), found.state(), found.clock), (Game::Bisection, CaseState::Entry, terms.window_end));
    let commit = MsgCommitVote { juror: user(10).to_string(), case_id: case, commitment: vec![0; 32] };
    assert_eq!(world.chain.tx(|ctx| Dispute.commit_vote(ctx, commit)).unwrap_err().code, 15);
    let complaint =
        Complaint { subject: subject(1), appellant: user(10), claim: Coin::base(0), skill: String::new(), statement: Statement::default() };
    let complained = world.chain.tx(|ctx| crate::open(ctx, complaint));
    assert!([3, 48].contains(&complained.unwrap_err().code));
}

#[test]
fn moves_in_matches_that_are_not_there_or_over_are_refused() {
    let (right, wrong) = pair();
    let mut world = World::new(10);
    let case = world.duel(&right, &wrong, &right);
    let dissect = |case_id, match_number| MsgDissect {
        mover: user(1).to_string(),
        case_id,
        match_number,
        root: vec![0; 32],
        ..MsgDissect::default()
    };
    refused(world.dissect(dissect(case, 2)), &Error::NoMatch { case, number: 2 });
    refused(world.dissect(dissect(9, 1)), &Error::NoMatch { case: 9, number: 1 });
    let prove = |match_number, preimages| MsgProveLeaf {
        mover: user(1).to_string(),
        case_id: case,
        match_number,
        root: right.root.to_vec(),
        preimages,
        proof: vec![],
    };
    refused(world.prove(prove(1, vec![])), &Error::WrongMove { case, number: 1 });
    refused(world.prove(prove(1, vec![vec![]; 513])), &Error::MoveSize { bytes: 0, nodes: 513 });
    refused(world.prove(prove(1, vec![vec![0; 131_073]])), &Error::MoveSize { bytes: 131_073, nodes: 1 });
    let long = MsgProveLeaf { proof: vec![0; 4_097], ..prove(1, vec![]) };
    refused(world.prove(long), &Error::MoveSize { bytes: 4_097, nodes: 0 });
    world.play_out(case, &[(user(1), &right)]);
    refused(world.dissect(dissect(case, 1)), &Error::WrongMove { case, number: 1 });
    refused(world.prove(prove(1, vec![])), &Error::WrongMove { case, number: 1 });
    refused(world.chain.run(|ctx| crate::ending(ctx, 77)), &Error::NoContest(77));
}

#[test]
fn a_match_says_what_it_awaits_of_whom_until_when() {
    let (right, wrong) = pair();
    let mut world = World::new(10);
    let case = world.duel(&right, &wrong, &right);
    let asked = world.ask(case, 1);
    let until = asked.r#match.as_ref().unwrap().opened + 10;
    let told = |world: &mut World| {
        let awaited = world.ask(case, 1).awaited;
        awaited.into_iter().map(|a| (a.claim, a.stage(), a.root, a.until)).collect::<Vec<_>>()
    };
    let (a, b) = ((0, Stage::Runs, wrong.root.to_vec(), until), (1, Stage::Runs, right.root.to_vec(), until));
    assert_eq!(told(&mut world), [a.clone(), b]);
    world.play(user(1), case, 1, &right);
    assert_eq!(told(&mut world), [a]);
    let listed = world.chain.run(|ctx| Dispute.matches(ctx, QueryMatchesRequest::default())).unwrap().matches;
    assert_eq!(listed.iter().map(|game| (game.case_id, game.number, game.clock)).collect::<Vec<_>>(), [(case, 1, until)]);
    let of = QueryCasesRequest { appellant: user(10).to_string(), ..QueryCasesRequest::default() };
    assert_eq!(world.chain.run(|ctx| Dispute.cases(ctx, of)).unwrap().cases[0].id, case);
    world.play_out(case, &[]);
    assert_eq!(told(&mut world), []);
    assert_eq!(world.chain.run(|ctx| Dispute.matches(ctx, QueryMatchesRequest::default())).unwrap().matches, []);
}

#[test]
fn a_referee_that_fails_is_asked_again_and_in_the_end_left_out() {
    let (right, wrong) = pair();
    for recovers in [true, false] {
        let mut world = World::new(10);
        let case = world.duel(&right, &wrong, &right);
        world.books.lock().unwrap().fails = true;
        for _ in 0..30 {
            world.play(user(1), case, 1, &right);
            world.play(user(2), case, 1, &wrong);
            world.block();
        }
        let found = world.all(case).case.unwrap();
        assert_eq!((found.state(), found.undelivered), (CaseState::Play, false));
        assert!(found.failures >= 1 && found.clock > 0);
        assert_eq!(world.balance(market()), PRICE + BOND, "nothing of the failed step stays");
        assert_eq!(world.ending(case), None);
        world.books.lock().unwrap().fails = !recovers;
        let until = world.height() + RETRY_BLOCKS * u64::from(MAX_FAILURES + 1);
        world.run_to(until);
        let found = world.all(case).case.unwrap();
        assert_eq!((found.state(), found.undelivered), (CaseState::Closed, !recovers));
        assert_eq!(world.ending(case).unwrap().committed, Fate::Wrong, "it can be asked for later");
        assert!(world.seen::<EventStepFailed>().iter().all(|event| event.codespace == "sdk"));
        assert_eq!(world.seen::<EventContestClosed>()[0].undelivered, !recovers);
        assert_eq!(world.books.lock().unwrap().endings.len(), usize::from(recovers), "told once");
    }
}

#[test]
fn moves_cost_gas_by_their_bytes_and_work() {
    let (right, wrong) = pair();
    let mut world = World::new(10);
    let case = world.duel(&right, &wrong, &right);
    let mut most = 0;
    while world.game(case, 1).stage() != Stage::Leaf {
        for book in [&right, &wrong] {
            let game = world.game(case, 1);
            let side = if book.root == right.root { game.right.clone() } else { game.left.clone() };
            let m = book.dissect(&provider(), &game, &side.unwrap().hash).unwrap();
            let (done, gas) = world.metered(|ctx| Dispute.dissect(ctx, m));
            done.unwrap();
            most = most.max(gas);
        }
        world.block();
    }
    let game = world.game(case, 1);
    let m = right.leaf(&user(10), &game);
    let bytes: usize = m.preimages.iter().map(Vec::len).sum();
    let (done, gas) = world.metered(|ctx| Dispute.prove_leaf(ctx, m));
    done.unwrap();
    println!("gas of a move: at most {most}; of a leaf of {bytes} bytes: {gas}");
    assert!(most < 250_000 && gas > u64::try_from(bytes / 64 * 10).unwrap());
    assert!(Dispute.invariants().len() >= 6 && WINDOW > 0 && matches!(Book::runs(&right), 1..));
}

/// The largest messages that honest movers send: full nodes of trees, and leaves of operators at their bounds.
#[test]
fn honest_moves_fit_their_bounds() {
    use cairn_program::{MAX_WITNESS_BYTES, MAX_WITNESS_ENTRIES, Tree, TreeKind, depth, testing};
    use prost::Message;

    let full = Tree::new(TreeKind::Runs, vec![[1; 32]; 16]).preimage(1, 0).unwrap();
    assert_eq!(full.len(), 531);
    assert!(usize::from(depth(4_096)) <= super::super::dissect::MAX_PATH && full.len() <= super::super::dissect::MAX_PREIMAGE);
    let largest =
        MsgDissect { mover: user(1).to_string(), preimage: full.clone(), path: vec![full; 3], root: vec![1; 32], ..MsgDissect::default() };
    println!("largest opening: {} bytes, with the path of a record", largest.encoded_len());
    for (name, graph) in testing::every_operator() {
        let program = cairn_program::Program::check(graph).unwrap();
        let cost = program.leaf_cost(0).unwrap();
        assert!(cost.opening <= MAX_WITNESS_BYTES as u64 && cost.entries <= MAX_WITNESS_ENTRIES as u64, "{name}: {cost:?}");
    }
}
