//! Signing infos from and to the genesis file.
use cairn_kernel::{Address, Ctx, Result};
use cairn_proto::cosmos::slashing::v1beta1::{GenesisState, MissedBlock, SigningInfo, ValidatorMissedBlocks};
use cairn_staking::{CONSENSUS_PREFIX, time::moment};

use crate::{
    Error,
    liveness::{count, start},
    params,
    state::{INFOS, PARAMS},
    window,
};

/// Fills an empty store. A validator of the set that the file says nothing of starts its window with the chain.
pub(crate) fn init(ctx: &mut Ctx, genesis: GenesisState) -> Result<()> {
    let refuse = |text: String| Error::Genesis(text);
    let stated = genesis.params.as_ref().ok_or_else(|| refuse("parameters are missing".into()))?;
    let rules = params::check(stated)?;
    PARAMS.set(ctx, stated)?;
    for entry in &genesis.signing_infos {
        let address = Address::parse_with(CONSENSUS_PREFIX, &entry.address)?;
        let info = entry.validator_signing_info.as_ref().filter(|info| info.address == entry.address);
        let info = info.ok_or_else(|| refuse(format!("signing info of {} is missing or names another", entry.address)))?;
        moment(info.jailed_until.as_ref())?;
        count(info.index_offset)?;
        if INFOS.has(ctx, &address)? {
            return Err(refuse(format!("signing info of {} stands twice", entry.address)).into());
        }
        INFOS.set(ctx, &address, info)?;
    }
    for entry in &genesis.missed_blocks {
        let address = Address::parse_with(CONSENSUS_PREFIX, &entry.address)?;
        for block in entry.missed_blocks.iter().filter(|block| block.missed) {
            let index = u64::try_from(block.index).ok().filter(|index| *index < rules.window);
            let index = index.ok_or_else(|| refuse(format!("block {} is outside of the window", block.index)))?;
            window::note(ctx, &address, index, true)?;
        }
    }
    for (address, info) in INFOS.range(ctx, &[]).collect::<Result<Vec<_>>>()? {
        let missed = window::missed(ctx, &address)?.len();
        if usize::try_from(count(info.missed_blocks_counter)?).ok() != Some(missed) {
            return Err(refuse(format!("{} missed {missed} blocks, not {}", info.address, info.missed_blocks_counter)).into());
        }
    }
    for power in cairn_staking::powers(ctx)? {
        if !INFOS.has(ctx, &power.consensus)? {
            start(ctx, &power.consensus)?;
        }
    }
    Ok(())
}

/// Everything.
pub(crate) fn export(ctx: &Ctx) -> Result<GenesisState> {
    let (mut signing_infos, mut missed_blocks) = (Vec::new(), Vec::new());
    for entry in INFOS.range(ctx, &[]) {
        let (address, info) = entry?;
        let text = info.address.clone();
        signing_infos.push(SigningInfo { address: text.clone(), validator_signing_info: Some(info) });
        let block = |index| Ok(MissedBlock { index: i64::try_from(index).map_err(|_| Error::Corrupt("a window"))?, missed: true });
        let blocks = window::missed(ctx, &address)?.into_iter().map(block).collect::<Result<_>>()?;
        missed_blocks.push(ValidatorMissedBlocks { address: text, missed_blocks: blocks });
    }
    Ok(GenesisState { params: PARAMS.get(ctx)?, signing_infos, missed_blocks })
}
