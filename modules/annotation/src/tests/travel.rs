//! Exports of running chains: another chain goes on from them with the same state, whatever its jobs are in the middle of.
use cairn_asset::Asset;
use cairn_auth::Auth;
use cairn_bank::Bank;
use cairn_beacon::Beacon;
use cairn_dispute::Dispute;
use cairn_kernel::{Module, testing::Chain};
use cairn_proto::cairn::annotation::v1::{Genesis, JobState, StoredEntry};
use cairn_rewards::Rewards;

use super::{
    late::people,
    world::{Post, World},
};
use crate::Annotation;

/// How often a chain is carried over, in blocks.
const EVERY: u64 = 23;

/// Carries one module over; the file of the new chain is that of the old one.
fn carry<M: Module>(module: &M, from: &mut Chain, to: &mut Chain)
where
    M::Genesis: Clone + PartialEq + std::fmt::Debug,
{
    let exported = from.run(|ctx| module.export(ctx)).unwrap();
    to.tx(|ctx| module.init(ctx, exported.clone())).unwrap_or_else(|e| panic!("{}: {e}", M::NAME));
    assert!(to.run(|ctx| module.export(ctx)).unwrap() == exported, "{} is not exported as it was imported", M::NAME);
}

/// The state of a chain that goes on from the export of this one, entry by entry that of this one.
fn travel(world: &mut World) {
    if !world.height().is_multiple_of(EVERY) {
        return;
    }
    let (from, mut to) = (&mut world.chain, World::chain());
    to.block = from.block.clone();
    carry(&Auth, from, &mut to);
    carry(&Bank, from, &mut to);
    carry(&Beacon, from, &mut to);
    carry(&Asset, from, &mut to);
    carry(&Rewards, from, &mut to);
    carry(&Dispute, from, &mut to);
    carry(&Annotation, from, &mut to);
    let (before, after) = (from.store().entries(), to.store().entries());
    let shown = |key: &[u8]| String::from_utf8_lossy(key).into_owned();
    let lost: Vec<_> = before.iter().filter(|(key, value)| after.get(*key) != Some(value)).map(|(key, _)| shown(key)).collect();
    let added: Vec<_> = after.keys().filter(|key| !before.contains_key(*key)).map(|key| shown(key)).collect();
    assert!(lost.is_empty() && added.is_empty(), "height {}: lost or changed {lost:?}, added {added:?}", world.height());
}

#[test]
fn a_chain_goes_on_from_its_export_whatever_its_jobs_are_in_the_middle_of() {
    let mut genesis = Annotation.default_genesis();
    genesis.params.as_mut().unwrap().rules.as_mut().unwrap().appeal_window = 50;
    let mut world = World::with(40, genesis);
    world.after_block = Some(travel);
    let post = Post { tasks: 200, bucket_size: 20, overlap: 4, ..Post::default() };
    let first = world.run_job(&post, &people(&post));
    let open = world.post(&post);
    let waiting = world.height() + EVERY;
    world.go_to(waiting);
    assert_eq!((world.status(first.id).state(), world.status(open.id).state()), (JobState::Closed, JobState::Open));
}

#[test]
fn a_stored_entry_of_no_table_is_refused() {
    let entry = |key: &[u8], value: &[u8]| StoredEntry { key: key.to_vec(), value: value.to_vec() };
    for stored in [entry(b"bank/1/x", b"1"), entry(b"annotation/1/", b"1"), entry(b"annotation/2/x", b""), entry(b"", b"1")] {
        let genesis = Genesis { stored: vec![stored.clone()], ..Annotation.default_genesis() };
        let mut chain = World::chain();
        let error = chain.tx(|ctx| Annotation.init(ctx, genesis)).unwrap_err();
        assert_eq!((error.codespace, error.code), ("annotation", 168), "{stored:?}");
    }
}
