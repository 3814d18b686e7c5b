//! Random lineages, hostile ones included: acyclic, within their limits, and with the royalties that their edges add up to.
use std::collections::BTreeMap;

use cairn_proto::cairn::asset::v1::{QueryAncestorsRequest, QueryDescendantsRequest, Royalty};

use super::*;

/// What each ancestor is owed of a payment to a new asset with these edges, worked out along every way up: an edge gives its royalty to the
/// parent, and what the parent owes its own ancestors is owed by the child, too.
fn owed(edges: &BTreeMap<u64, Vec<(u64, u32)>>, parents: &[(u64, u32)]) -> BTreeMap<u64, u64> {
    let mut sums = BTreeMap::new();
    for (parent, bps) in parents {
        *sums.entry(*parent).or_insert(0) += u64::from(*bps);
        for (ancestor, part) in owed(edges, &edges[parent]) {
            *sums.entry(ancestor).or_insert(0) += part;
        }
    }
    sums
}

fn ancestors(chain: &mut Chain, asset_id: u64) -> BTreeMap<u64, u64> {
    let found = chain.run(|ctx| QueryServer::ancestors(&Asset, ctx, QueryAncestorsRequest { asset_id })).unwrap().ancestors;
    found.into_iter().map(|Royalty { asset_id, bps }| (asset_id, u64::from(bps))).collect()
}

fn descendants(chain: &mut Chain, asset_id: u64) -> Vec<u64> {
    let q = QueryDescendantsRequest { asset_id, pagination: None };
    chain.run(|ctx| QueryServer::descendants(&Asset, ctx, q)).unwrap().descendants.into_iter().map(|found| found.asset_id).collect()
}

#[test]
fn random_lineages_have_no_cycle_and_add_up_within_their_limits() {
    let (mut made, mut refusals) = (0, BTreeMap::<u32, u32>::new());
    for seed in 0..16 {
        let (mut chain, mut seeded) = (chain(), Seeded(seed));
        let mut edges = BTreeMap::<u64, Vec<(u64, u32)>>::new();
        for _ in 0..60 {
            let next = edges.len() as u64 + 1;
            // Up to ten parents; itself and assets to come are among those that are tried, rarely.
            let count = if seeded.below(8) == 0 { 6 + seeded.below(5) } else { seeded.below(4) };
            let any = |seeded: &mut Seeded| if seeded.below(12) == 0 { next + seeded.below(2) } else { 1 + seeded.below(next) };
            let parents: Vec<(u64, u32)> = (0..count).map(|_| (any(&mut seeded), seeded.below(700) as u32)).collect();
            let exist = parents.iter().all(|(parent, _)| edges.contains_key(parent));
            let once = parents.iter().enumerate().all(|(i, (parent, _))| parents[..i].iter().all(|(other, _)| other != parent));
            let expected = if exist { owed(&edges, &parents) } else { BTreeMap::new() };
            let fits = exist && once && parents.len() <= 8 && expected.len() <= 64 && expected.values().sum::<u64>() <= 5_000;
            match register(&mut chain, new_asset(1, &parents)) {
                Ok(id) => {
                    assert!(fits && id == next, "seed {seed}: {parents:?}");
                    assert!(parents.iter().all(|(parent, _)| *parent < id));
                    assert_eq!(ancestors(&mut chain, id), expected, "seed {seed}: {parents:?}");
                    edges.insert(id, parents);
                    made += 1;
                }
                Err(refusal) => {
                    assert!(!fits, "seed {seed}: {parents:?} refused: {refusal}");
                    *refusals.entry(refusal.code).or_default() += 1;
                }
            }
        }
        for id in 1..=edges.len() as u64 {
            let above = ancestors(&mut chain, id);
            assert!(above.keys().all(|ancestor| *ancestor < id), "seed {seed}: {id} descends from {above:?}");
            for other in 1..=edges.len() as u64 {
                assert_eq!(descendants(&mut chain, other).contains(&id), above.contains_key(&other));
            }
        }
        assert_invariants(&mut chain);
    }
    println!("{made} assets registered, refused by code: {refusals:?}");
    assert!(made > 300 && refusals.len() >= 4, "{made}, {refusals:?}");
}
