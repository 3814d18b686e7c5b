//! The check of consensus parameters. CometBFT stops at once on parameters that it refuses, so nothing may reach it that it would.
use cairn_kernel::{Error, Result, sdk};
use cairn_proto::{
    Duration,
    tendermint::types::{AbciParams, BlockParams, ConsensusParams, EvidenceParams},
};

/// CometBFT's own bound of a block's bytes.
const MAX_BLOCK_BYTES: i64 = 100 * 1024 * 1024;
/// Bytes that a block must hold beside evidence: header, the votes of every validator, the beacon's reveal, and a proposal that
/// makes blocks larger again.
const MIN_BLOCK_ROOM: i64 = 256 * 1024;
/// Gas that a block must hold, for the same reason.
const MIN_BLOCK_GAS: i64 = 10_000_000;
/// CometBFT keeps durations as nanoseconds in 64 bits.
const MAX_SECONDS: i64 = i64::MAX / 1_000_000_000 - 1;
/// The only kind of consensus key that staking takes.
const KEY_TYPE: &str = "ed25519";

/// Refuses parameters that CometBFT would refuse, and those with which nobody could ever change them again.
///
/// # Errors
/// `sdk/18` with what is wrong.
pub(super) fn check(params: &ConsensusParams) -> Result<()> {
    let (Some(block), Some(evidence), Some(validator)) = (&params.block, &params.evidence, &params.validator) else {
        return refuse("all parameters must be present: block, evidence, validator".into());
    };
    check_block(block)?;
    check_evidence(evidence, block)?;
    if validator.pub_key_types != [KEY_TYPE] {
        return refuse(format!("validator.pub_key_types must be [{KEY_TYPE}], found {:?}", validator.pub_key_types));
    }
    check_extensions(params.abci.as_ref())
}

fn check_block(block: &BlockParams) -> Result<()> {
    if block.max_bytes != -1 && !(1..=MAX_BLOCK_BYTES).contains(&block.max_bytes) {
        return refuse(format!("block.max_bytes must be -1 or 1 to {MAX_BLOCK_BYTES}, found {}", block.max_bytes));
    }
    if block.max_gas != -1 && block.max_gas < MIN_BLOCK_GAS {
        return refuse(format!("block.max_gas must be -1 or at least {MIN_BLOCK_GAS}, found {}", block.max_gas));
    }
    Ok(())
}

fn check_evidence(evidence: &EvidenceParams, block: &BlockParams) -> Result<()> {
    if evidence.max_age_num_blocks <= 0 {
        return refuse(format!("evidence.max_age_num_blocks must be positive, found {}", evidence.max_age_num_blocks));
    }
    let Duration { seconds, nanos } = evidence.max_age_duration.unwrap_or_default();
    let positive = (seconds > 0 && nanos == 0) || (seconds >= 0 && (1..1_000_000_000).contains(&nanos));
    if !positive || seconds > MAX_SECONDS {
        return refuse(format!("evidence.max_age_duration must be positive and at most {MAX_SECONDS}s, found {seconds}s {nanos}ns"));
    }
    let whole = if block.max_bytes == -1 { MAX_BLOCK_BYTES } else { block.max_bytes };
    let room = whole.saturating_sub(evidence.max_bytes);
    if evidence.max_bytes < 0 || room < MIN_BLOCK_ROOM {
        let found = evidence.max_bytes;
        return refuse(format!(
            "evidence.max_bytes must be 0 or more and leave {MIN_BLOCK_ROOM} of block.max_bytes, found {found} of {whole}"
        ));
    }
    Ok(())
}

/// This chain extends no votes: validators asked for extensions would answer with nothing that CometBFT takes, and the chain would
/// stop at that height.
///
/// # Errors
/// `sdk/18` where a height is set.
pub(super) fn check_extensions(abci: Option<&AbciParams>) -> Result<()> {
    match abci.map_or(0, |abci| abci.vote_extensions_enable_height) {
        0 => Ok(()),
        height => refuse(format!("abci.vote_extensions_enable_height must be 0: this chain extends no votes; found {height}")),
    }
}

fn refuse(what: String) -> Result<()> {
    Err::<(), Error>(sdk::invalid_request(what))
}

#[cfg(test)]
mod tests {
    use cairn_proto::tendermint::types::ValidatorParams;

    use super::*;

    fn good() -> ConsensusParams {
        ConsensusParams {
            block: Some(BlockParams { max_bytes: 4_194_304, max_gas: 500_000_000 }),
            evidence: Some(EvidenceParams {
                max_age_num_blocks: 100,
                max_age_duration: Some(Duration { seconds: 60, nanos: 0 }),
                max_bytes: 1_048_576,
            }),
            validator: Some(ValidatorParams { pub_key_types: vec![KEY_TYPE.to_owned()] }),
            ..ConsensusParams::default()
        }
    }

    /// Whether [`good`] with one change is taken.
    fn taken(change: impl FnOnce(&mut BlockParams, &mut EvidenceParams, &mut Vec<String>)) -> bool {
        let mut params = good();
        let (block, evidence) = (params.block.as_mut().unwrap(), params.evidence.as_mut().unwrap());
        change(block, evidence, &mut params.validator.as_mut().unwrap().pub_key_types);
        check(&params).map_err(|e| assert_eq!((e.codespace, e.code), ("sdk", 18))).is_ok()
    }

    #[test]
    fn blocks_keep_within_their_bounds() {
        for (bytes, expected) in [
            (-2, false),
            (-1, true),
            (0, false),
            (1_048_576 + MIN_BLOCK_ROOM - 1, false),
            (1_048_576 + MIN_BLOCK_ROOM, true),
            (MAX_BLOCK_BYTES, true),
            (MAX_BLOCK_BYTES + 1, false),
            (i64::MIN, false),
            (i64::MAX, false),
        ] {
            assert_eq!(taken(|block, _, _| block.max_bytes = bytes), expected, "{bytes} bytes");
        }
        for (gas, expected) in [(-2, false), (-1, true), (0, false), (MIN_BLOCK_GAS - 1, false), (MIN_BLOCK_GAS, true), (i64::MAX, true)] {
            assert_eq!(taken(|block, _, _| block.max_gas = gas), expected, "{gas} gas");
        }
    }

    #[test]
    fn evidence_keeps_within_its_bounds() {
        for (blocks, expected) in [(0, false), (1, true), (-1, false)] {
            assert_eq!(taken(|_, evidence, _| evidence.max_age_num_blocks = blocks), expected, "{blocks} blocks");
        }
        for (seconds, nanos, expected) in [
            (0, 0, false),
            (0, 1, true),
            (-1, 0, false),
            (1, -1, false),
            (1, 1_000_000_000, false),
            (MAX_SECONDS, 0, true),
            (MAX_SECONDS + 1, 0, false),
        ] {
            let age = Some(Duration { seconds, nanos });
            assert_eq!(taken(|_, evidence, _| evidence.max_age_duration = age), expected, "{seconds}s {nanos}ns");
        }
        assert!(!taken(|_, evidence, _| evidence.max_age_duration = None));
        for (bytes, expected) in [(-1, false), (0, true), (4_194_304 - MIN_BLOCK_ROOM, true), (4_194_304 - MIN_BLOCK_ROOM + 1, false)] {
            assert_eq!(taken(|_, evidence, _| evidence.max_bytes = bytes), expected, "{bytes} bytes");
        }
        assert!(taken(|block, evidence, _| (block.max_bytes, evidence.max_bytes) = (-1, MAX_BLOCK_BYTES - MIN_BLOCK_ROOM)));
    }

    #[test]
    fn validators_have_the_keys_that_staking_takes() {
        for bad in [&[][..], &["secp256k1"], &["ed25519", "secp256k1"], &["ed25519", "ed25519"], &["none"]] {
            assert!(!taken(|_, _, types| *types = bad.iter().map(ToString::to_string).collect()), "{bad:?}");
        }
    }

    #[test]
    fn every_part_must_be_there() {
        assert!(check(&good()).is_ok());
        assert!(check(&ConsensusParams { block: None, ..good() }).is_err());
        assert!(check(&ConsensusParams { evidence: None, ..good() }).is_err());
        assert!(check(&ConsensusParams { validator: None, ..good() }).is_err());
    }

    #[test]
    fn vote_extensions_are_never_switched_on() {
        let with = |height| ConsensusParams { abci: Some(AbciParams { vote_extensions_enable_height: height }), ..good() };
        assert!(check(&with(0)).is_ok());
        for height in [-1, 1, 100, i64::MAX, i64::MIN] {
            assert!(check(&with(height)).is_err(), "{height}");
        }
    }
}
