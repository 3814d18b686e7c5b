//! Which blocks of its window a validator missed: a ring of bits, in chunks so that a block touches one of them.
use cairn_kernel::{Address, Ctx, Result, key_prefix};

use crate::{Error, state::MISSED};

/// Blocks to a chunk.
const CHUNK: u64 = 1_024;
/// Bytes of a chunk.
const CHUNK_BYTES: usize = 128;

/// Chunk, byte and bit of a place in the window.
fn place(index: u64) -> (u64, usize, u8) {
    let (chunk, bit) = (index / CHUNK, index % CHUNK);
    // Below 128, and below 8.
    (chunk, usize::try_from(bit / 8).unwrap_or(0), 1_u8.wrapping_shl(u32::try_from(bit % 8).unwrap_or(0)))
}

/// Notes whether the block at this place of the window was missed; gives what stood there before.
pub(crate) fn note(ctx: &mut Ctx, validator: &Address, index: u64, missed: bool) -> Result<bool> {
    let (chunk, byte, bit) = place(index);
    let key = (*validator, chunk);
    let mut bits = MISSED.get(ctx, &key)?.unwrap_or_else(|| vec![0; CHUNK_BYTES]);
    let cell = bits.get_mut(byte).ok_or(Error::Corrupt("a chunk of missed blocks"))?;
    let before = *cell & bit != 0;
    if before != missed {
        *cell ^= bit;
        if bits.iter().all(|byte| *byte == 0) { MISSED.remove(ctx, &key)? } else { MISSED.set(ctx, &key, &bits)? }
    }
    Ok(before)
}

/// The places that were missed.
pub(crate) fn missed(ctx: &Ctx, validator: &Address) -> Result<Vec<u64>> {
    let mut out = Vec::new();
    for entry in MISSED.range(ctx, &key_prefix(validator)) {
        let ((_, chunk), bits) = entry?;
        let first = chunk.checked_mul(CHUNK).ok_or(Error::Corrupt("a number of a chunk"))?;
        let set = |offset: &u64| {
            let (_, byte, bit) = place(*offset);
            bits.get(byte).is_some_and(|cell| cell & bit != 0)
        };
        out.extend((0..CHUNK).filter(set).map(|offset| first.saturating_add(offset)));
    }
    Ok(out)
}

/// Forgets everything that was missed.
pub(crate) fn clear(ctx: &mut Ctx, validator: &Address) -> Result<()> {
    let keys = MISSED.range(ctx, &key_prefix(validator)).map(|e| e.map(|(key, _)| key)).collect::<Result<Vec<_>>>()?;
    keys.iter().try_for_each(|key| MISSED.remove(ctx, key))
}
