//! ECVRF-EDWARDS25519-SHA512-TAI (RFC 9381, section 5, suite 0x03): one value per key and input, with a proof anybody can check.
//!
//! Key validation (section 5.4.5) is always on: without it a proposer could register a point of small order, for which it knows many
//! values of one input. Points are accepted in their canonical encoding only (RFC 8032, section 5.1.3), so that a proof has one form.
//! Proving takes constant time in the secret; verification, where everything is public, does not.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "every operator here is one of a group or a field of prime order, which cannot overflow"
)]

use std::fmt;

use curve25519_dalek::{
    EdwardsPoint, Scalar,
    edwards::CompressedEdwardsY,
    scalar::clamp_integer,
    traits::{IsIdentity, VartimeMultiscalarMul},
};
use sha2::{Digest, Sha512};
use zeroize::{Zeroize, Zeroizing};

/// Bytes of a public key and of a secret seed.
pub const KEY_LEN: usize = 32;
/// Bytes of a proof: a point, a challenge of 16 bytes, a scalar.
pub const PROOF_LEN: usize = 80;
/// Bytes of an output.
pub const OUTPUT_LEN: usize = 64;

const SUITE: u8 = 3;
const POINT_LEN: usize = 32;
const CHALLENGE_LEN: usize = 16;

/// A proof as it travels.
pub type Proof = [u8; PROOF_LEN];
/// The pseudorandom value that a proof stands for (`beta_string`).
pub type Output = [u8; OUTPUT_LEN];

/// Why a key or a proof is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// Not 32 bytes, not a point, not canonical, or of small order.
    #[error("not a valid VRF public key: expected 32 bytes, the canonical encoding of a point of edwards25519 that is not of small order")]
    PublicKey,
    /// Not 64 hexadecimal digits.
    #[error("not a VRF secret key: expected 64 hexadecimal digits")]
    SecretKey,
    /// Not 80 bytes that hold a canonical point and a reduced scalar.
    #[error("malformed VRF proof: expected 80 bytes holding a canonical point and a reduced scalar")]
    Encoding,
    /// Well formed, but not this key's proof for this input.
    #[error("VRF proof does not verify under the key and input")]
    Proof,
    /// No counter up to 255 led to a point. Happens once in 2^256 inputs.
    #[error("input cannot be mapped to the curve")]
    Input,
}

/// A validated public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    bytes: [u8; KEY_LEN],
    point: EdwardsPoint,
}

impl PublicKey {
    /// Reads and validates a key (section 5.4.5).
    ///
    /// # Errors
    /// [`Invalid::PublicKey`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Invalid> {
        let bytes = <[u8; KEY_LEN]>::try_from(bytes).map_err(|_| Invalid::PublicKey)?;
        let point = point(bytes).filter(|p| !p.is_small_order()).ok_or(Invalid::PublicKey)?;
        Ok(Self { bytes, point })
    }

    /// The key as it travels.
    pub const fn as_bytes(&self) -> &[u8; KEY_LEN] {
        &self.bytes
    }

    /// Checks that `proof` is this key's for `alpha` and gives the output (section 5.3).
    ///
    /// # Errors
    /// [`Invalid::Encoding`], [`Invalid::Proof`] or [`Invalid::Input`].
    pub fn verify(&self, alpha: &[u8], proof: &[u8]) -> Result<Output, Invalid> {
        let Decoded { gamma, challenge, s } = decode(proof)?;
        let h = encode_to_curve(&self.bytes, alpha)?;
        let c = scalar(challenge);
        // The points are negated, not the scalar: a key or gamma may have a part of small order, which q - c would not negate.
        let u = EdwardsPoint::vartime_double_scalar_mul_basepoint(&c, &-self.point, &s);
        let v = EdwardsPoint::vartime_multiscalar_mul([s, c], [h, -gamma]);
        if hash_points(&[self.point, h, gamma, u, v]) != challenge {
            return Err(Invalid::Proof);
        }
        Ok(output(&gamma))
    }
}

/// A secret key: a seed of 32 bytes, expanded as RFC 8032 does. Wiped from memory when dropped, never shown by `Debug`.
pub struct SecretKey {
    seed: Zeroizing<[u8; KEY_LEN]>,
    scalar: Scalar,
    nonce_prefix: Zeroizing<[u8; 32]>,
    public: PublicKey,
}

impl SecretKey {
    /// The key of a seed. The seed must come from the system's random source, and must serve nothing else: above all it must not be
    /// the consensus key's.
    pub fn from_seed(seed: &[u8; KEY_LEN]) -> Self {
        let expanded = Zeroizing::new(<[u8; 64]>::from(Sha512::digest(seed)));
        let (low, high) = halves(&expanded);
        let mut clamped = clamp_integer(low);
        let scalar = Scalar::from_bytes_mod_order(clamped);
        clamped.zeroize();
        let point = EdwardsPoint::mul_base(&scalar);
        let public = PublicKey { bytes: point.compress().to_bytes(), point };
        Self { seed: Zeroizing::new(*seed), scalar, nonce_prefix: Zeroizing::new(high), public }
    }

    /// Reads the text of a key file: 64 hexadecimal digits, white space around them ignored.
    ///
    /// # Errors
    /// [`Invalid::SecretKey`]; the text is not repeated in it.
    pub fn from_text(text: &str) -> Result<Self, Invalid> {
        let mut seed = Zeroizing::new([0_u8; KEY_LEN]);
        hex::decode_to_slice(text.trim(), seed.as_mut_slice()).map_err(|_| Invalid::SecretKey)?;
        Ok(Self::from_seed(&seed))
    }

    /// The text of a key file. The file must be readable by its owner only.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.seed.as_slice()))
    }

    /// The public key.
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Proves the key's one value for `alpha` (section 5.1).
    ///
    /// # Errors
    /// [`Invalid::Input`], once in 2^256 inputs.
    pub fn prove(&self, alpha: &[u8]) -> Result<Proof, Invalid> {
        let h = encode_to_curve(&self.public.bytes, alpha)?;
        let gamma = self.scalar * h;
        let k = self.nonce(&h);
        let challenge = hash_points(&[self.public.point, h, gamma, EdwardsPoint::mul_base(&k), k * h]);
        let s = k + scalar(challenge) * self.scalar;
        Ok(encode(&gamma, &challenge, &s))
    }

    /// Section 5.4.2.2: a nonce from the secret and the input, never from a random source, so that it cannot repeat by accident.
    fn nonce(&self, h: &EdwardsPoint) -> Scalar {
        let hash = Sha512::new().chain_update(self.nonce_prefix.as_slice()).chain_update(h.compress().as_bytes()).finalize();
        Scalar::from_bytes_mod_order_wide(&hash.into())
    }
}

impl Drop for SecretKey {
    fn drop(&mut self) {
        self.scalar.zeroize();
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretKey").field("public", &hex::encode(self.public.bytes)).finish_non_exhaustive()
    }
}

/// A proof taken apart (section 5.4.4).
struct Decoded {
    gamma: EdwardsPoint,
    challenge: [u8; CHALLENGE_LEN],
    s: Scalar,
}

fn decode(proof: &[u8]) -> Result<Decoded, Invalid> {
    let (gamma, rest) = proof.split_first_chunk::<POINT_LEN>().ok_or(Invalid::Encoding)?;
    let (challenge, rest) = rest.split_first_chunk::<CHALLENGE_LEN>().ok_or(Invalid::Encoding)?;
    let s = <[u8; 32]>::try_from(rest).map_err(|_| Invalid::Encoding)?;
    let s = Option::<Scalar>::from(Scalar::from_canonical_bytes(s)).ok_or(Invalid::Encoding)?;
    let gamma = point(*gamma).ok_or(Invalid::Encoding)?;
    Ok(Decoded { gamma, challenge: *challenge, s })
}

fn encode(gamma: &EdwardsPoint, challenge: &[u8; CHALLENGE_LEN], s: &Scalar) -> Proof {
    let mut proof = [0; PROOF_LEN];
    let parts = gamma.compress().to_bytes().into_iter().chain(*challenge).chain(s.to_bytes());
    proof.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
    proof
}

/// `string_to_point`. The library reduces a `y` of 2^255 - 19 or more and lets the sign of `x = 0` be anything; RFC 8032 does not.
fn point(bytes: [u8; POINT_LEN]) -> Option<EdwardsPoint> {
    let encoded = CompressedEdwardsY(bytes);
    encoded.decompress().filter(|point| point.compress() == encoded)
}

/// Section 5.4.1.1, try and increment: the first counter whose hash is a point outside the group of small order.
fn encode_to_curve(salt: &[u8; KEY_LEN], alpha: &[u8]) -> Result<EdwardsPoint, Invalid> {
    let front = Sha512::new().chain_update([SUITE, 0x01]).chain_update(salt).chain_update(alpha);
    (0..=u8::MAX)
        .find_map(|counter| {
            let (candidate, _) = halves(&front.clone().chain_update([counter, 0x00]).finalize().into());
            point(candidate).map(|p| p.mul_by_cofactor()).filter(|p| !p.is_identity())
        })
        .ok_or(Invalid::Input)
}

/// Section 5.4.3, `challenge_generation`.
fn hash_points(points: &[EdwardsPoint; 5]) -> [u8; CHALLENGE_LEN] {
    let mut hash = Sha512::new().chain_update([SUITE, 0x02]);
    for point in points {
        hash.update(point.compress().as_bytes());
    }
    let hash: [u8; 64] = hash.chain_update([0x00]).finalize().into();
    let mut challenge = [0; CHALLENGE_LEN];
    challenge.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    challenge
}

/// Section 5.2, `proof_to_hash`. The cofactor removes what a part of small order in gamma could add.
fn output(gamma: &EdwardsPoint) -> Output {
    let point = gamma.mul_by_cofactor().compress();
    Sha512::new().chain_update([SUITE, 0x03]).chain_update(point.as_bytes()).chain_update([0x00]).finalize().into()
}

fn scalar(challenge: [u8; CHALLENGE_LEN]) -> Scalar {
    Scalar::from(u128::from_le_bytes(challenge))
}

fn halves(bytes: &[u8; 64]) -> ([u8; 32], [u8; 32]) {
    let (mut low, mut high) = ([0; 32], [0; 32]);
    low.iter_mut().chain(&mut high).zip(bytes).for_each(|(to, from)| *to = *from);
    (low, high)
}

#[cfg(test)]
mod tests;
