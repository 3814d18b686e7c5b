//! The way to a genesis file and back.
use cairn_kernel::Module;
use cairn_proto::cosmos::slashing::v1beta1::GenesisState;
use cairn_staking::CONSENSUS_PREFIX;

use super::*;
use crate::{Slashing, state::INFOS, window};

fn exported() -> GenesisState {
    let mut world = World::of(&[10 * M, 10 * M]);
    world.blocks(12, &[]);
    world.blocks(3, &[2]);
    world.chain.run(|ctx| Slashing.export(ctx)).unwrap()
}

/// A chain of the same validators, whose slashing starts from `genesis`.
fn started(genesis: GenesisState) -> cairn_kernel::Result<World> {
    let mut world = World::of(&[10 * M, 10 * M]);
    world.chain.run(|ctx| {
        for n in [1, 2] {
            window::clear(ctx, &consensus(n))?;
            INFOS.remove(ctx, &consensus(n))?;
        }
        Slashing.init(ctx, genesis)
    })?;
    Ok(world)
}

#[test]
fn counts_go_on_where_they_were() {
    let genesis = exported();
    assert_eq!(genesis.missed_blocks[0].missed_blocks.len() + genesis.missed_blocks[1].missed_blocks.len(), 3);
    let mut world = started(genesis.clone()).unwrap();
    assert_eq!(world.chain.run(|ctx| Slashing.export(ctx)).unwrap(), genesis);
    world.blocks(2, &[2]);
    assert_eq!(world.info(2).missed_blocks_counter, 5);
}

#[test]
fn a_new_chain_starts_everybodys_window() {
    let mut world = started(GenesisState { params: Some(rules()), ..GenesisState::default() }).unwrap();
    assert_eq!(world.info(1).address, consensus(1).to_bech32(CONSENSUS_PREFIX));
    assert_eq!(world.info(1).start_height, 1);
}

#[test]
fn what_contradicts_itself_is_refused() {
    let refused = |change: fn(&mut GenesisState)| {
        let mut genesis = exported();
        change(&mut genesis);
        code(started(genesis).map(drop))
    };
    let breaks: [fn(&mut GenesisState); 6] = [
        |g| g.params = None,
        |g| g.signing_infos.push(g.signing_infos[0].clone()),
        |g| g.signing_infos[0].validator_signing_info = None,
        |g| g.signing_infos[0].validator_signing_info.as_mut().unwrap().address.clear(),
        |g| g.signing_infos[0].validator_signing_info.as_mut().unwrap().missed_blocks_counter += 1,
        |g| g.missed_blocks.iter_mut().flat_map(|m| &mut m.missed_blocks).for_each(|b| b.index = 10),
    ];
    for (i, change) in breaks.into_iter().enumerate() {
        assert_eq!(refused(change), ("slashing", 61), "{i}");
    }
    assert_eq!(refused(|g| g.signing_infos[0].validator_signing_info.as_mut().unwrap().index_offset = -1), ("slashing", 62));
    assert_eq!(refused(|g| g.signing_infos[0].address = user(1).to_string()), ("sdk", 7));
    assert_eq!(refused(|g| g.signing_infos[0].validator_signing_info.as_mut().unwrap().jailed_until = None), ("sdk", 18));
}
