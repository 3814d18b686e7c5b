//! A chain that starts from an exported state answers every query as the one that it was exported from: over states that hold something of
//! everything.
mod arena;
mod cosmos;

/// The same questions that an end-to-end test asks of a state that a network made.
#[expect(unreachable_pub, reason = "public where it is a part of a library")]
#[path = "../../../../e2e/src/questions.rs"]
mod questions;

use std::collections::BTreeSet;

use cairn_app::{App, Genesis, Settings};
use cairn_proto::Any;

use crate::{compute, dispute, licensing, support::*};
use questions::Compared;

/// Gas of a transaction that does much, and the blocks' limit.
const GAS: u64 = 3_000_000;

/// Queries that none of the scenes answers, and why.
const SILENT: [(&str, &str); 9] = [
    ("/cairn.asset.v1.Query/ClaimPool", "no asset hands out shares by a list of claims"),
    ("/cairn.asset.v1.Query/Claimed", "the same"),
    ("/cairn.asset.v1.Query/ItemProof", "it checks a path that the question brings"),
    ("/cairn.compute.v1.Query/Circuit", "no key of a circuit is registered: one takes long to make"),
    ("/cairn.rewards.v1.Query/Account", "no epoch of the ledger has ended with contributions"),
    ("/cairn.rewards.v1.Query/Claimable", "the same"),
    ("/cairn.rewards.v1.Query/Contributions", "the same"),
    ("/cairn.rewards.v1.Query/History", "the same"),
    ("/cosmos.evidence.v1beta1.Query/Evidence", "asked by a hash, which no answer holds; AllEvidence is answered"),
];

/// Runs a block with one message of wallet `n`, which must succeed.
pub(crate) fn act(net: &mut Net, n: usize, message: Any) {
    let kind = message.type_url.clone();
    let tx = Draft::of(vec![message]).gas(GAS).sign(&[&net.wallets[n]]);
    net.wallets[n].sequence += 1;
    let outcome = net.run(vec![tx]).remove(0);
    assert_eq!(outcome.code(), 0, "{kind}: {:?}", outcome.result);
}

/// Runs `blocks` without transactions.
pub(crate) fn rest(net: &mut Net, blocks: u64) {
    for _ in 0..blocks {
        net.run(vec![]);
    }
}

/// Asks the chain, and one that starts from its export, every query after the same block on both.
fn compared(net: &Net) -> Compared {
    let exported = net.app.export_at(None).unwrap();
    let genesis = Genesis {
        chain_id: exported.block.chain_id,
        time: exported.block.time,
        nanos: exported.block.nanos,
        initial_height: exported.block.height + 1,
        params: exported.params,
        validators: vec![],
        app_state: exported.app_state.to_string().into_bytes(),
    };
    let folder = tempfile::tempdir().unwrap();
    let after = App::open(folder.path(), Settings::default()).unwrap();
    after.init_chain(&genesis).unwrap();
    let next = net.block(vec![]);
    let done = [&net.app, &after].map(|app| {
        let block = app.finalize_block(&next).unwrap();
        app.commit().unwrap();
        app.check_invariants().unwrap();
        shown(&block.events)
    });
    assert_eq!(done[0], done[1], "the same happens in the next block");
    questions::compare(&net.app, &after)
}

#[test]
fn a_chain_from_an_export_answers_every_query_alike() {
    let scenes = [vec![("cosmos", cosmos::scene()), ("arena", arena::scene())], compute::scenes(), dispute::scenes(), licensing::scenes()];
    let (mut answered, mut silent, mut different) = (BTreeSet::new(), BTreeSet::new(), vec![]);
    for (name, net) in scenes.into_iter().flatten() {
        let compared = compared(&net);
        println!("{name}: {} questions, {} queries with answers", compared.asked, compared.answered.len());
        answered.extend(compared.answered);
        silent.extend(compared.silent);
        different.extend(compared.different.into_iter().map(|question| format!("{name}: {question}")));
    }
    // Headers of blocks are no part of a genesis file, here as in the Cosmos SDK.
    different.retain(|question| !question.contains(" /cosmos.staking.v1beta1.Query/HistoricalInfo"));
    assert!(different.is_empty(), "{}", different.join("\n"));
    let silent: Vec<_> = silent.difference(&answered).map(String::as_str).collect();
    assert_eq!(silent, SILENT.map(|(query, _)| query));
}
