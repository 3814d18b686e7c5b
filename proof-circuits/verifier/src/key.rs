//! Verification keys: decoded, checked and named.
//!
//! The encoding is that of `ark-serialize`, compressed: alpha (G1, 32 bytes), beta, gamma, delta (G2, 64 each), the number of the
//! remaining points (u64, little endian), then for n inputs n + 1 points of G1.
#![allow(clippy::arithmetic_side_effects, reason = "operations of groups cannot overflow; integers are checked")]
use ark_bn254::{Bn254, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use sha2::{Digest, Sha256};

use crate::{KeyError, Provenance, subgroup};

/// Inputs that a key may take. Circuits of ours take one.
pub const MAX_INPUTS: usize = 8;
const POINTS: usize = 32 + 3 * 64 + 8;
const TAG: &[u8; 16] = b"cairn/circuitkey";

/// The name of a registered key: SHA-256 of tag, circuit, provenance and key.
pub type KeyId = [u8; 32];

/// A verification key of which every point was checked.
#[derive(Debug, Clone, PartialEq)]
pub struct VerifyingKey {
    pub(crate) inner: ark_groth16::VerifyingKey<Bn254>,
    bytes: Vec<u8>,
}

impl VerifyingKey {
    /// Decodes a key, which is refused where proofs under it could be forged.
    ///
    /// # Errors
    /// A [`KeyError`] other than `Provenance`.
    pub fn decode(bytes: &[u8]) -> Result<Self, KeyError> {
        let counted = bytes.len().checked_sub(POINTS).filter(|rest| rest.is_multiple_of(32)).ok_or(KeyError::Length)?;
        let points = counted / 32;
        if !(2..=MAX_INPUTS.saturating_add(1)).contains(&points) {
            return Err(KeyError::Inputs);
        }
        let mut rest = bytes;
        let alpha_g1 = g1(&mut rest, "alpha")?;
        let beta_g2 = g2(&mut rest, "beta")?;
        let gamma_g2 = g2(&mut rest, "gamma")?;
        let delta_g2 = g2(&mut rest, "delta")?;
        if take(&mut rest, 8)? != (points as u64).to_le_bytes() {
            return Err(KeyError::Length);
        }
        let mut gamma_abc_g1 = Vec::with_capacity(points);
        for number in 0..points {
            gamma_abc_g1.push(g1(&mut rest, if number == 0 { "the constant" } else { "an input" })?);
        }
        let inner = ark_groth16::VerifyingKey { alpha_g1, beta_g2, gamma_g2, delta_g2, gamma_abc_g1 };
        refuse_degenerate(&inner)?;
        Ok(Self { inner, bytes: bytes.to_vec() })
    }

    /// Checks a key that was made in this process.
    ///
    /// # Errors
    /// As [`VerifyingKey::decode`].
    pub fn new(key: &ark_groth16::VerifyingKey<Bn254>) -> Result<Self, KeyError> {
        let mut bytes = Vec::new();
        key.serialize_compressed(&mut bytes).map_err(|_| KeyError::Length)?;
        Self::decode(&bytes)
    }

    /// The canonical bytes: one key has exactly one encoding.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many inputs it takes.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.inner.gamma_abc_g1.len().saturating_sub(1)
    }
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], KeyError> {
    let (head, tail) = rest.split_at_checked(length).ok_or(KeyError::Length)?;
    *rest = tail;
    Ok(head)
}

fn g1(rest: &mut &[u8], name: &'static str) -> Result<G1Affine, KeyError> {
    in_g1(take(rest, 32)?).ok_or(KeyError::Point(name))
}

fn g2(rest: &mut &[u8], name: &'static str) -> Result<G2Affine, KeyError> {
    in_g2(take(rest, 64)?).ok_or(KeyError::Point(name))
}

/// A point of G1, which is all of its curve, by its only encoding.
pub(crate) fn in_g1(bytes: &[u8]) -> Option<G1Affine> {
    canonical(bytes)
}

/// A point of G2 by its only encoding.
pub(crate) fn in_g2(bytes: &[u8]) -> Option<G2Affine> {
    canonical(bytes).filter(subgroup::holds)
}

/// Decodes a point of the curve and encodes it again: what differs was not canonical.
fn canonical<P: CanonicalDeserialize + CanonicalSerialize>(bytes: &[u8]) -> Option<P> {
    let point = P::deserialize_compressed_unchecked(bytes).ok()?;
    let mut again = Vec::with_capacity(bytes.len());
    point.serialize_compressed(&mut again).ok()?;
    (again == bytes).then_some(point)
}

/// The rules that keep a key from being a licence to forge.
fn refuse_degenerate(key: &ark_groth16::VerifyingKey<Bn254>) -> Result<(), KeyError> {
    let named = [("beta", &key.beta_g2), ("gamma", &key.gamma_g2), ("delta", &key.delta_g2)];
    if key.alpha_g1.is_zero() {
        return Err(KeyError::Identity("alpha"));
    }
    if let Some((name, _)) = named.iter().find(|(_, point)| point.is_zero()) {
        return Err(KeyError::Identity(name));
    }
    if key.delta_g2 == key.gamma_g2 {
        return Err(KeyError::DeltaIsGamma);
    }
    if key.delta_g2 == G2Affine::generator() {
        return Err(KeyError::DeltaIsGenerator);
    }
    let inputs = key.gamma_abc_g1.get(1..).unwrap_or_default();
    for (number, point) in inputs.iter().enumerate() {
        if point.is_zero() {
            return Err(KeyError::Identity("an input"));
        }
        if inputs.iter().take(number).any(|other| other == point || *other == -*point) {
            return Err(KeyError::EqualInputs);
        }
    }
    Ok(())
}

/// A key as the chain registers it.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyRecord {
    /// The digest of the circuit that the key is of.
    pub circuit: [u8; 32],
    /// Where the key comes from.
    pub provenance: Provenance,
    /// The key.
    pub key: VerifyingKey,
}

impl KeyRecord {
    /// The name by which jobs pin the key: the same points of another provenance or circuit have another name.
    #[must_use]
    pub fn id(&self) -> KeyId {
        Sha256::new()
            .chain_update(TAG)
            .chain_update(self.circuit)
            .chain_update(self.provenance.encode())
            .chain_update(self.key.bytes())
            .finalize()
            .into()
    }
}

#[cfg(test)]
mod tests {
    use ark_bn254::Fr;
    use ark_ec::CurveGroup;
    use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField};

    use super::*;
    use crate::testing::{Square, keys};

    fn encoded(change: impl FnOnce(&mut ark_groth16::VerifyingKey<Bn254>)) -> Result<VerifyingKey, KeyError> {
        let mut key = keys().1.clone();
        change(&mut key);
        VerifyingKey::new(&key)
    }

    #[test]
    fn a_good_key_is_taken_and_has_one_encoding() {
        let key = encoded(|_| ()).expect("a key");
        assert_eq!(key.inputs(), Square::INPUTS);
        assert_eq!(VerifyingKey::decode(key.bytes()), Ok(key.clone()));
        assert_eq!(key.bytes().len(), 264 + 32 * Square::INPUTS);
    }

    #[test]
    fn degenerate_keys_are_refused() {
        let zero1 = G1Affine::identity();
        let zero2 = G2Affine::identity();
        assert_eq!(encoded(|k| k.alpha_g1 = zero1), Err(KeyError::Identity("alpha")));
        assert_eq!(encoded(|k| k.beta_g2 = zero2), Err(KeyError::Identity("beta")));
        assert_eq!(encoded(|k| k.gamma_g2 = zero2), Err(KeyError::Identity("gamma")));
        assert_eq!(encoded(|k| k.delta_g2 = zero2), Err(KeyError::Identity("delta")));
        assert_eq!(encoded(|k| k.delta_g2 = k.gamma_g2), Err(KeyError::DeltaIsGamma));
        assert_eq!(encoded(|k| k.delta_g2 = G2Affine::generator()), Err(KeyError::DeltaIsGenerator));
        assert_eq!(encoded(|k| k.gamma_abc_g1[1] = zero1), Err(KeyError::Identity("an input")));
        assert_eq!(encoded(|k| k.gamma_abc_g1[1] = k.gamma_abc_g1[2]), Err(KeyError::EqualInputs));
        assert_eq!(encoded(|k| k.gamma_abc_g1[1] = -k.gamma_abc_g1[2]), Err(KeyError::EqualInputs));
        assert!(encoded(|k| k.gamma_g2 = G2Affine::generator()).is_ok(), "usual in keys of other tools");
        assert!(encoded(|k| k.gamma_abc_g1[0] = zero1).is_ok(), "a constant of zero binds no input");
    }

    #[test]
    fn counts_and_lengths() {
        let with = |points: usize| encoded(|k| k.gamma_abc_g1 = (1..=points).map(|i| times(i as u64)).collect());
        assert_eq!(with(0), Err(KeyError::Inputs));
        assert_eq!(with(1), Err(KeyError::Inputs));
        assert!(with(2).is_ok() && with(MAX_INPUTS + 1).is_ok());
        assert_eq!(with(MAX_INPUTS + 2), Err(KeyError::Inputs));
        let good = encoded(|_| ()).expect("a key").bytes().to_vec();
        for length in 0..good.len() {
            assert!(VerifyingKey::decode(&good[..length]).is_err(), "{length}");
        }
        assert_eq!(VerifyingKey::decode(&[good.clone(), vec![0]].concat()), Err(KeyError::Length));
        let mut counted = good.clone();
        counted[224] += 1;
        assert_eq!(VerifyingKey::decode(&counted), Err(KeyError::Length));
    }

    fn times(factor: u64) -> G1Affine {
        (G1Affine::generator() * Fr::from(factor)).into_affine()
    }

    /// Points of G2's curve that are not of its subgroup, points off the curves, and second encodings of infinity.
    #[test]
    fn points_outside_the_group_are_refused() {
        let good = encoded(|_| ()).expect("a key").bytes().to_vec();
        let foreign = outside_the_subgroup();
        for (at, name) in [(32, "beta"), (96, "gamma"), (160, "delta")] {
            let mut bytes = good.clone();
            bytes[at..at + 64].copy_from_slice(&foreign);
            assert_eq!(VerifyingKey::decode(&bytes), Err(KeyError::Point(name)));
        }
        let mut infinity = good.clone();
        infinity[..32].copy_from_slice(&[&[1u8; 31][..], &[0x40]].concat());
        assert!(matches!(VerifyingKey::decode(&infinity), Err(KeyError::Point("alpha") | KeyError::Identity("alpha"))));
        let mut large = good.clone();
        large[..32].copy_from_slice(&ark_bn254::Fq::MODULUS.to_bytes_le());
        assert_eq!(VerifyingKey::decode(&large), Err(KeyError::Point("alpha")));
        let off = (0u8..=255).map(|x| [&[x], &[0u8; 31][..]].concat()).find(|bytes| canonical::<G1Affine>(bytes).is_none()).expect("one");
        let mut bytes = good;
        bytes[232..264].copy_from_slice(&off);
        assert_eq!(VerifyingKey::decode(&bytes), Err(KeyError::Point("the constant")));
    }

    fn outside_the_subgroup() -> [u8; 64] {
        let point = (1u64..)
            .filter_map(|x| G2Affine::get_point_from_x_unchecked(ark_bn254::Fq2::new(x.into(), ark_bn254::Fq::ONE), true))
            .find(|point| !point.is_in_correct_subgroup_assuming_on_curve())
            .expect("most are");
        let mut bytes = Vec::new();
        point.serialize_compressed(&mut bytes).expect("in memory");
        bytes.try_into().expect("64 bytes")
    }

    /// Why `delta = gamma` is refused: a proof of any statement, without a witness.
    #[test]
    fn delta_equal_to_gamma_forges() {
        let mut key = keys().1.clone();
        key.delta_g2 = key.gamma_g2;
        let inputs = [Fr::from(99u64), Fr::from(1u64)];
        let bound: G1Affine =
            (key.gamma_abc_g1[0].into_group() + key.gamma_abc_g1[1] * inputs[0] + key.gamma_abc_g1[2] * inputs[1]).into_affine();
        let forged = ark_groth16::Proof { a: key.alpha_g1, b: key.beta_g2, c: -bound };
        let prepared = ark_groth16::prepare_verifying_key(&key);
        let holds = ark_groth16::Groth16::<Bn254>::verify_proof(&prepared, &forged, &inputs).expect("two inputs");
        assert!(holds, "the library takes it");
        assert_eq!(VerifyingKey::new(&key), Err(KeyError::DeltaIsGamma));
    }

    #[test]
    fn an_id_binds_circuit_provenance_and_key() {
        let record = KeyRecord { circuit: [1; 32], provenance: Provenance::Test, key: encoded(|_| ()).expect("a key") };
        let other = KeyRecord { circuit: [2; 32], ..record.clone() };
        let ceremony = Provenance::Ceremony { contributions: 3, transcript: [0; 32] };
        let third = KeyRecord { provenance: ceremony, ..record.clone() };
        let fourth = KeyRecord { key: encoded(|k| k.gamma_abc_g1[0] = times(5)).expect("a key"), ..record.clone() };
        let ids = [record.id(), other.id(), third.id(), fourth.id()];
        assert!(ids.iter().enumerate().all(|(i, id)| ids[..i].iter().all(|before| before != id)));
        assert_eq!(Fr::ZERO, Fr::from(0u64));
    }
}
