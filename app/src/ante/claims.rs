//! What a transaction's signatures claim: which key signed which document.
use cairn_kernel::{Error, Result, sdk};
use cairn_proto::cosmos::{
    auth::v1beta1::BaseAccount,
    crypto::multisig::v1beta1::{CompactBitArray, MultiSignature},
    tx::{
        signing::v1beta1::SignMode,
        v1beta1::{
            ModeInfo, SignerInfo,
            mode_info::{Multi, Sum},
        },
    },
};
use prost::Message;

use super::{
    keys::{PublicKey, Threshold},
    verify::{Claim, Key},
};
use crate::{
    amino::{Amino, AminoError, Signer},
    tx::Tx,
};

/// The documents of one transaction. What all its signers sign alike is made once.
pub(super) struct Documents<'t> {
    tx: &'t Tx,
    messages: Option<Result<String, AminoError>>,
}

/// Modes in which a signature is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signed {
    Direct,
    AminoJson,
}

impl<'t> Documents<'t> {
    pub(super) fn new(tx: &'t Tx) -> Self {
        Self { tx, messages: None }
    }

    /// The claims that must all be true for the signature of `account` to be good; `None` if it has not the form of one.
    ///
    /// # Errors
    /// `sdk/37` for modes that are not verified here; `sdk/4` where members, bits and signatures of a multisignature do not fit
    /// together, or the transaction cannot be shown in the document of its mode.
    pub(super) fn claims(
        &mut self,
        chain_id: &str,
        account: &BaseAccount,
        key: &PublicKey,
        (info, signature): (&SignerInfo, &[u8]),
    ) -> Result<Option<Vec<Claim>>> {
        let signer = Signer { chain_id, account_number: account.account_number, sequence: account.sequence };
        let sum = info.mode_info.as_ref().and_then(|m| m.sum.as_ref());
        match (key, sum) {
            (PublicKey::Single(key), _) => {
                let document = self.document(mode(info.mode_info.as_ref())?, signer)?;
                Ok(Claim::new(*key, &document, signature).map(|claim| vec![claim]))
            }
            (PublicKey::Threshold(threshold), Some(Sum::Multi(multi))) => self.members(signer, threshold, multi, signature),
            (PublicKey::Threshold(_), _) => Err(sdk::unauthorized("a threshold key signs with a multisignature, found a single one")),
        }
    }

    fn members(&mut self, signer: Signer, threshold: &Threshold, multi: &Multi, signature: &[u8]) -> Result<Option<Vec<Claim>>> {
        let keys = signing_keys(threshold, multi.bitarray.as_ref())?;
        let Some(signatures) = read_signatures(signature) else { return Ok(None) };
        for (found, what) in [(multi.mode_infos.len(), "modes"), (signatures.len(), "signatures")] {
            if found != keys.len() {
                return Err(sdk::unauthorized(format!("{} members sign, found {found} {what}", keys.len())));
            }
        }
        let mut claims = Vec::with_capacity(keys.len());
        for (key, (info, signature)) in keys.into_iter().zip(multi.mode_infos.iter().zip(&signatures)) {
            let document = self.document(mode(Some(info))?, signer)?;
            let Some(claim) = Claim::new(key, &document, signature) else { return Ok(None) };
            claims.push(claim);
        }
        Ok(Some(claims))
    }

    fn document(&mut self, mode: Signed, signer: Signer) -> Result<Vec<u8>> {
        match mode {
            Signed::Direct => Ok(self.tx.sign_doc(signer.chain_id, signer.account_number)),
            Signed::AminoJson => {
                let (amino, tx) = (Amino::cairn(), self.tx);
                let messages = self.messages.get_or_insert_with(|| amino.messages(tx));
                let messages = messages.as_ref().map_err(|e| sdk::unauthorized(format!("SIGN_MODE_LEGACY_AMINO_JSON: {e}")))?;
                Ok(amino.document(tx, messages, signer).into_bytes())
            }
        }
    }
}

/// The keys whose bit is set, enough of them.
fn signing_keys(threshold: &Threshold, bits: Option<&CompactBitArray>) -> Result<Vec<Key>> {
    let size = threshold.keys.len();
    let bits = bits.and_then(|bits| read_bits(bits, size));
    let bits = bits.ok_or_else(|| sdk::unauthorized(format!("bit array size is incorrect, expecting: {size}")))?;
    let keys: Vec<Key> = threshold.keys.iter().zip(bits).filter(|(_, set)| *set).map(|(key, _)| *key).collect();
    if keys.len() < threshold.needed {
        return Err(sdk::unauthorized(format!("not enough signatures set, have {}, expected {}", keys.len(), threshold.needed)));
    }
    Ok(keys)
}

/// The first `size` bits, highest of each byte first, if the array holds just so many and nothing beyond them.
fn read_bits(bits: &CompactBitArray, size: usize) -> Option<Vec<bool>> {
    let spare = usize::try_from(bits.extra_bits_stored).ok().filter(|extra| *extra < 8)?;
    if spare != size % 8 || bits.elems.len() != size.div_ceil(8) {
        return None;
    }
    let all = || bits.elems.iter().flat_map(|byte| (0..8_u32).rev().map(move |bit| byte >> bit & 1 == 1));
    all().skip(size).all(|bit| !bit).then(|| all().take(size).collect())
}

/// The signatures of a multisignature in its one form: another encoding would make another transaction of the same signatures.
fn read_signatures(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let multi = MultiSignature::decode(bytes).ok()?;
    (multi.encode_to_vec() == bytes).then_some(multi.signatures)
}

fn mode(info: Option<&ModeInfo>) -> Result<Signed> {
    let refused = |found: &str| -> Error {
        sdk::not_supported(format!("signatures are made in SIGN_MODE_DIRECT or SIGN_MODE_LEGACY_AMINO_JSON, found {found}"))
    };
    match info.and_then(|m| m.sum.as_ref()) {
        Some(Sum::Single(single)) => match SignMode::try_from(single.mode) {
            Ok(SignMode::Direct) => Ok(Signed::Direct),
            Ok(SignMode::LegacyAminoJson) => Ok(Signed::AminoJson),
            Ok(other) => Err(refused(other.as_str_name())),
            Err(_) => Err(refused("an unknown mode")),
        },
        Some(Sum::Multi(_)) => Err(refused("a multisignature")),
        None => Err(refused("no mode")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(extra_bits_stored: u32, elems: &[u8]) -> CompactBitArray {
        CompactBitArray { extra_bits_stored, elems: elems.to_vec() }
    }

    #[test]
    fn bits_are_read_from_the_highest_on() {
        assert_eq!(read_bits(&bits(3, &[0b1010_0000]), 3), Some(vec![true, false, true]));
        assert_eq!(read_bits(&bits(0, &[0b1000_0001]), 8), Some(vec![true, false, false, false, false, false, false, true]));
        assert_eq!(read_bits(&bits(1, &[0, 0x80]), 9).unwrap().into_iter().filter(|b| *b).count(), 1);
    }

    #[test]
    fn an_array_of_another_size_or_with_spare_bits_is_refused() {
        for bad in
            [bits(3, &[]), bits(2, &[0xc0]), bits(3, &[0xe0, 0]), bits(3, &[0b1011_0000]), bits(11, &[0xe0]), bits(u32::MAX, &[0xe0])]
        {
            assert_eq!(read_bits(&bad, 3), None, "{bad:?}");
        }
        assert_eq!(read_bits(&bits(0, &[0xff]), 7), None);
    }

    #[test]
    fn signatures_have_one_encoding() {
        let multi = MultiSignature { signatures: vec![vec![1; 64], vec![2; 64]] };
        assert_eq!(read_signatures(&multi.encode_to_vec()).unwrap().len(), 2);
        for more in [&[0x10, 1][..], &[0x12, 0], &[0xff]] {
            assert!(read_signatures(&[&multi.encode_to_vec(), more].concat()).is_none());
        }
    }
}
