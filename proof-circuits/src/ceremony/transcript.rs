//! Contributions, and the verification of all of them.
use ark_bn254::{Bn254, Fr, G1Affine, G1Projective};
use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM, pairing::Pairing};
use ark_ff::{Field, PrimeField, UniformRand, Zero};
use ark_groth16::ProvingKey;
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use cairn_verifier::Provenance;
use rayon::prelude::*;
use sha2::{Digest, Sha256, Sha512};

use super::{CeremonyError, powers::coefficient};
use crate::Random;

/// The longest name of a contributor, in bytes.
pub const MAX_NAME: usize = 200;
/// The most contributions.
pub const MAX_CONTRIBUTIONS: usize = 1000;
const TAG: &[u8; 16] = b"cairn/phase two ";
const BEACON: &[u8; 16] = b"cairn/beacon two";

/// A multiplication of `delta` by a number that its author knows.
#[derive(Debug, Clone, PartialEq)]
pub struct Contribution {
    /// Who it was, and where his attestation is found; at most [`MAX_NAME`] bytes.
    pub name: String,
    /// `delta` afterwards, in G1.
    pub delta: G1Affine,
    /// Schnorr's commitment `k delta_before`.
    pub commitment: G1Affine,
    /// Schnorr's answer `k + e d`.
    pub answer: Fr,
    /// Set where the number follows from a public value.
    pub beacon: Option<Beacon>,
}

/// A public value that nobody could know before the last contribution was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beacon {
    /// The value: a block's hash, say.
    pub value: [u8; 32],
    /// It is hashed `2^rounds` times, so that it cannot be tried out in time; at most 40.
    pub rounds: u8,
}

impl Beacon {
    /// The number that follows: SHA-256 applied `2^rounds` times, then SHA-512 reduced.
    fn number(&self) -> Fr {
        let mut value = self.value;
        for _ in 0..1u64 << self.rounds.min(40) {
            value = Sha256::digest(value).into();
        }
        Fr::from_le_bytes_mod_order(&Sha512::new().chain_update(BEACON).chain_update(value).finalize())
    }
}

/// A second phase: the circuit, the key as it stands, and how it came to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Ceremony {
    /// The circuit's digest.
    pub circuit: [u8; 32],
    /// The key after all contributions.
    pub key: ProvingKey<Bn254>,
    /// The contributions, in order.
    pub contributions: Vec<Contribution>,
}

impl Ceremony {
    /// Begins with the initial key.
    #[must_use]
    pub fn new(circuit: [u8; 32], initial: ProvingKey<Bn254>) -> Self {
        Self { circuit, key: initial, contributions: Vec::new() }
    }

    /// Multiplies by a number from this machine's randomness and whatever the contributor typed or threw, and forgets it.
    ///
    /// # Errors
    /// [`CeremonyError::Over`]; [`CeremonyError::Format`] for too long a name.
    pub fn contribute(&mut self, name: &str, entropy: &[u8], random: &mut dyn Random) -> Result<(), CeremonyError> {
        let mut seed = [0u8; 64];
        random.fill_bytes(&mut seed);
        let mixed = Sha512::new().chain_update(TAG).chain_update(seed).chain_update(Sha512::digest(entropy)).finalize();
        self.multiply(name, Fr::from_le_bytes_mod_order(&mixed), None, random)
    }

    /// Ends the ceremony with a beacon.
    ///
    /// # Errors
    /// As [`Ceremony::contribute`].
    pub fn close(&mut self, name: &str, beacon: Beacon, random: &mut dyn Random) -> Result<(), CeremonyError> {
        self.multiply(name, beacon.number(), Some(beacon), random)
    }

    fn multiply(&mut self, name: &str, number: Fr, beacon: Option<Beacon>, random: &mut dyn Random) -> Result<(), CeremonyError> {
        if self.is_closed() || self.contributions.len() >= MAX_CONTRIBUTIONS {
            return Err(CeremonyError::Over);
        }
        if name.len() > MAX_NAME {
            return Err(CeremonyError::Format("a name of more than 200 bytes"));
        }
        let inverse = number.inverse().ok_or(CeremonyError::Format("a secret of zero"))?;
        let before = self.key.delta_g1;
        let nonce = Fr::rand(random);
        let mut contribution = Contribution {
            name: name.to_owned(),
            delta: (before * number).into_affine(),
            commitment: (before * nonce).into_affine(),
            answer: Fr::zero(),
            beacon,
        };
        contribution.answer = nonce + challenge(&self.hash(), &before, &contribution) * number;
        self.key.delta_g1 = contribution.delta;
        self.key.vk.delta_g2 = (self.key.vk.delta_g2 * number).into_affine();
        for query in [&mut self.key.h_query, &mut self.key.l_query] {
            let divided: Vec<G1Projective> = query.par_iter().map(|point| *point * inverse).collect();
            *query = G1Projective::normalize_batch(&divided);
        }
        self.contributions.push(contribution);
        Ok(())
    }

    /// Whether a beacon ended it.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.contributions.last().is_some_and(|last| last.beacon.is_some())
    }

    /// Hash of the circuit and all contributions so far, each bound to those before it.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        self.hashes().last().copied().unwrap_or_else(|| self.start())
    }

    /// The hash after each contribution: what its author published.
    #[must_use]
    pub fn hashes(&self) -> Vec<[u8; 32]> {
        let chained = |hash: &mut [u8; 32], contribution: &Contribution| {
            *hash = contribution.chained(hash);
            Some(*hash)
        };
        self.contributions.iter().scan(self.start(), chained).collect()
    }

    /// The hash before the first contribution.
    fn start(&self) -> [u8; 32] {
        Sha256::new().chain_update(TAG).chain_update(self.circuit).finalize().into()
    }

    /// Where the key comes from; contributors do not include the beacon.
    #[must_use]
    pub fn provenance(&self) -> Provenance {
        let people = self.contributions.iter().filter(|contribution| contribution.beacon.is_none()).count();
        Provenance::Ceremony { contributions: people as u32, transcript: self.hash() }
    }

    /// Checks everything against the initial key, which whoever verifies computes himself: every contributor knew his number, the
    /// beacon is the last and follows from its value, and the key is the initial one but for `delta`, `h` and `l`, which follow.
    ///
    /// # Errors
    /// [`CeremonyError`].
    pub fn verify(&self, initial: &ProvingKey<Bn254>, random: &mut dyn Random) -> Result<(), CeremonyError> {
        let mut partial = Self { circuit: self.circuit, key: initial.clone(), contributions: Vec::new() };
        let mut before = initial.delta_g1;
        let mut hash = partial.hash();
        for (number, contribution) in self.contributions.iter().enumerate() {
            let is_last = number + 1 == self.contributions.len();
            contribution.verify(&hash, &before).then_some(()).ok_or(CeremonyError::Contribution(number + 1))?;
            if let Some(beacon) = contribution.beacon
                && (!is_last || beacon.rounds > 40 || before * beacon.number() != contribution.delta.into_group())
            {
                return Err(CeremonyError::Beacon);
            }
            (before, hash) = (contribution.delta, contribution.chained(&hash));
        }
        if self.key.delta_g1 != before {
            return Err(CeremonyError::Key("delta is not that of the last contribution"));
        }
        let after = &self.key;
        partial.key =
            ProvingKey { delta_g1: after.delta_g1, h_query: after.h_query.clone(), l_query: after.l_query.clone(), ..partial.key };
        partial.key.vk.delta_g2 = after.vk.delta_g2;
        if partial.key != *after {
            return Err(CeremonyError::Key("something changed that no contribution changes"));
        }
        same_ratio(initial, after, random)
    }
}

/// `delta` is multiplied alike in G1 and G2, and every point of `h` and `l` divided by the same.
fn same_ratio(initial: &ProvingKey<Bn254>, after: &ProvingKey<Bn254>, random: &mut dyn Random) -> Result<(), CeremonyError> {
    if Bn254::pairing(after.delta_g1, initial.vk.delta_g2) != Bn254::pairing(initial.delta_g1, after.vk.delta_g2) {
        return Err(CeremonyError::Key("delta differs between the groups"));
    }
    let queries = [(&initial.h_query, &after.h_query, "h"), (&initial.l_query, &after.l_query, "l")];
    for (old, new, name) in queries {
        if old.len() != new.len() {
            return Err(CeremonyError::Key(name));
        }
        let factors: Vec<Fr> = (0..old.len()).map(|_| coefficient(random)).collect();
        let sum = |points: &[G1Affine]| G1Projective::msm_unchecked(points, &factors);
        if Bn254::pairing(sum(new), after.vk.delta_g2) != Bn254::pairing(sum(old), initial.vk.delta_g2) {
            return Err(CeremonyError::Key(name));
        }
    }
    Ok(())
}

impl Contribution {
    fn verify(&self, hash: &[u8; 32], before: &G1Affine) -> bool {
        let expected = self.commitment + self.delta * challenge(hash, before, self);
        !self.delta.is_zero() && *before * self.answer == expected
    }

    fn chained(&self, hash: &[u8; 32]) -> [u8; 32] {
        Sha256::new().chain_update(TAG).chain_update(hash).chain_update(self.encode()).finalize().into()
    }

    /// `u8 length || name || delta || commitment || answer || u8 beacon? || value || rounds`.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.name.len() as u8];
        bytes.extend(self.name.as_bytes());
        for point in [&self.delta, &self.commitment] {
            bytes.extend(encoded(point));
        }
        bytes.extend(encoded(&self.answer));
        match self.beacon {
            None => bytes.push(0),
            Some(beacon) => {
                bytes.push(1);
                bytes.extend(beacon.value);
                bytes.push(beacon.rounds);
            }
        }
        bytes
    }
}

impl Contribution {
    /// Reads what [`Contribution::encode`] wrote, and nothing else.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (length, rest) = bytes.split_first()?;
        let (name, mut rest) = rest.split_at_checked(usize::from(*length)).filter(|(name, _)| name.len() <= MAX_NAME)?;
        let delta = G1Affine::deserialize_compressed(&mut rest).ok()?;
        let commitment = G1Affine::deserialize_compressed(&mut rest).ok()?;
        let answer = Fr::deserialize_compressed(&mut rest).ok()?;
        let beacon = match rest {
            [0] => None,
            [1, value @ .., rounds] => Some(Beacon { value: value.try_into().ok()?, rounds: *rounds }),
            _ => return None,
        };
        let contribution = Self { name: String::from_utf8(name.to_vec()).ok()?, delta, commitment, answer, beacon };
        (contribution.encode() == bytes).then_some(contribution)
    }
}

/// Schnorr's challenge: everything that is claimed, and everything before it.
fn challenge(hash: &[u8; 32], before: &G1Affine, contribution: &Contribution) -> Fr {
    let claimed = Contribution { answer: Fr::zero(), ..contribution.clone() };
    let digest = Sha512::new().chain_update(TAG).chain_update(hash).chain_update(encoded(before)).chain_update(claimed.encode()).finalize();
    Fr::from_le_bytes_mod_order(&digest)
}

fn encoded(value: &impl CanonicalSerialize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(value.compressed_size());
    // Writing into memory cannot fail; were it to, the bytes were empty and no proof of knowledge would hold.
    if value.serialize_compressed(&mut bytes).is_err() {
        bytes.clear();
    }
    bytes
}
