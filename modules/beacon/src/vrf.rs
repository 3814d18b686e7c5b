//! ECVRF-EDWARDS25519-SHA512-TAI (RFC 9381, section 5, suite 0x03): one value per key and input, with a proof anybody can check.
//!
//! Key validation (section 5.4.5) is always on: without it a proposer could register a point of small order, for which it knows many
//! values of one input. Points are accepted in their canonical encoding only (RFC 8032, section 5.1.3), so that a proof has one form.
//! Proving takes constant time in the secret; verification, where everything is public, does not.
#![expect(clippy::arithmetic_side_effects, reason = "every operator here is one of a group or a field of prime order, which cannot overflow")]

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
mod tests {
    //! The vectors of RFC 9381, appendix B.3 (examples 16 to 18), and what an attacker might send.
    use super::*;

    struct Vector {
        seed: &'static str,
        public: &'static str,
        alpha: &'static str,
        h: &'static str,
        proof: &'static str,
        output: &'static str,
    }

    const RFC_9381: [Vector; 3] = [
        Vector {
            seed: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            public: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            alpha: "",
            h: "91bbed02a99461df1ad4c6564a5f5d829d0b90cfc7903e7a5797bd658abf3318",
            proof: "8657106690b5526245a92b003bb079ccd1a92130477671f6fc01ad16f26f723f\
                    26f8a57ccaed74ee1b190bed1f479d9727d2d0f9b005a6e456a35d4fb0daab12\
                    68a1b0db10836d9826a528ca76567805",
            output: "90cf1df3b703cce59e2a35b925d411164068269d7b2d29f3301c03dd757876ff\
                     66b71dda49d2de59d03450451af026798e8f81cd2e333de5cdf4f3e140fdd8ae",
        },
        Vector {
            seed: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            public: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            alpha: "72",
            h: "5b659fc3d4e9263fd9a4ed1d022d75eaacc20df5e09f9ea937502396598dc551",
            proof: "f3141cd382dc42909d19ec5110469e4feae18300e94f304590abdced48aed593\
                    3bf0864a62558b3ed7f2fea45c92a465301b3bbf5e3e54ddf2d935be3b67926d\
                    a3ef39226bbc355bdc9850112c8f4b02",
            output: "eb4440665d3891d668e7e0fcaf587f1b4bd7fbfe99d0eb2211ccec90496310eb\
                     5e33821bc613efb94db5e5b54c70a848a0bef4553a41befc57663b56373a5031",
        },
        Vector {
            seed: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            public: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            alpha: "af82",
            h: "bf4339376f5542811de615e3313d2b36f6f53c0acfebb482159711201192576a",
            proof: "9bc0f79119cc5604bf02d23b4caede71393cedfbb191434dd016d30177ccbf80\
                    96bb474e53895c362d8628ee9f9ea3c0e52c7a5c691b6c18c9979866568add7a\
                    2d41b00b05081ed0f58ee5e31b3a970e",
            output: "645427e5d00c62a23fb703732fa5d892940935942101e456ecca7bb217c61c45\
                     2118fec1219202a0edcf038bb6373241578be7217ba85a2687f7a0310b2df19f",
        },
    ];

    fn key(v: &Vector) -> SecretKey {
        SecretKey::from_text(v.seed).unwrap()
    }

    /// The encodings of the eight points of small order, and the identity once more with the sign of x set.
    const SMALL_ORDER: [&str; 9] = [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "0100000000000000000000000000000000000000000000000000000000000080",
    ];

    #[test]
    fn vectors_of_the_rfc_are_proved_and_verified() {
        for v in RFC_9381 {
            let (secret, alpha) = (key(&v), hex::decode(v.alpha).unwrap());
            assert_eq!(hex::encode(secret.public().as_bytes()), v.public);
            let h = encode_to_curve(secret.public().as_bytes(), &alpha).unwrap();
            assert_eq!(hex::encode(h.compress().as_bytes()), v.h);
            let proof = secret.prove(&alpha).unwrap();
            assert_eq!(hex::encode(proof), v.proof);
            let public = PublicKey::parse(&hex::decode(v.public).unwrap()).unwrap();
            assert_eq!(hex::encode(public.verify(&alpha, &proof).unwrap()), v.output);
        }
    }

    #[test]
    fn any_changed_bit_of_a_proof_is_refused() {
        let secret = key(&RFC_9381[2]);
        let proof = secret.prove(b"alpha").unwrap();
        for bit in 0..PROOF_LEN * 8 {
            let mut changed = proof;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(secret.public().verify(b"alpha", &changed).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn proof_for_another_input_or_of_another_key_is_refused() {
        let (secret, other) = (key(&RFC_9381[0]), key(&RFC_9381[1]));
        let proof = secret.prove(b"alpha").unwrap();
        assert_eq!(secret.public().verify(b"beta", &proof), Err(Invalid::Proof));
        assert_eq!(other.public().verify(b"alpha", &proof), Err(Invalid::Proof));
    }

    #[test]
    fn proof_of_another_length_is_refused() {
        let secret = key(&RFC_9381[0]);
        let proof = secret.prove(b"alpha").unwrap();
        for bad in [&[][..], &proof[..79], &[&proof[..], &[0]].concat()] {
            assert_eq!(secret.public().verify(b"alpha", bad), Err(Invalid::Encoding));
        }
    }

    #[test]
    fn scalar_that_is_not_reduced_is_refused() {
        // s + q is the same scalar; q is the order of the base point.
        let q = hex::decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").unwrap();
        let secret = key(&RFC_9381[0]);
        let mut proof = secret.prove(b"alpha").unwrap();
        let mut carry = 0;
        for (to, add) in proof[48..].iter_mut().zip(q) {
            let sum = u16::from(*to) + u16::from(add) + carry;
            *to = sum as u8;
            carry = sum >> 8;
        }
        assert_eq!(carry, 0);
        assert_eq!(secret.public().verify(b"alpha", &proof), Err(Invalid::Encoding));
    }

    #[test]
    fn keys_of_small_order_or_in_another_encoding_are_refused() {
        for text in SMALL_ORDER {
            assert_eq!(PublicKey::parse(&hex::decode(text).unwrap()), Err(Invalid::PublicKey), "{text}");
        }
        // y = p + 3: the point with y = 3 in a second encoding.
        let mut second = [0xff; 32];
        (second[0], second[31]) = (0xf0, 0x7f);
        assert!(CompressedEdwardsY(second).decompress().is_some());
        assert_eq!(PublicKey::parse(&second), Err(Invalid::PublicKey));
        assert_eq!(PublicKey::parse(&[7; 31]), Err(Invalid::PublicKey));
        // y = 7 or y = 2 is on the curve or not; whichever is not a point is refused.
        let off_curve = (0_u8..=255).map(|b| [b; 32]).find(|b| CompressedEdwardsY(*b).decompress().is_none()).unwrap();
        assert_eq!(PublicKey::parse(&off_curve), Err(Invalid::PublicKey));
    }

    #[test]
    fn gamma_moved_by_a_point_of_small_order_is_refused() {
        // Such a gamma has the same output, so this is about the proof having one form only.
        let secret = key(&RFC_9381[0]);
        let proof = secret.prove(b"alpha").unwrap();
        let torsion = point(hex::decode(SMALL_ORDER[4]).unwrap().try_into().unwrap()).unwrap();
        let gamma = decode(&proof).unwrap().gamma;
        let mut moved = proof;
        moved[..32].copy_from_slice((gamma + torsion).compress().as_bytes());
        assert_eq!(output(&(gamma + torsion)), output(&gamma));
        assert_eq!(secret.public().verify(b"alpha", &moved), Err(Invalid::Proof));
    }

    #[test]
    fn key_file_reads_back_and_debug_tells_no_secret() {
        let secret = key(&RFC_9381[1]);
        let text = secret.to_text();
        assert_eq!(text.as_str(), RFC_9381[1].seed);
        assert_eq!(SecretKey::from_text(&format!(" {}\n", text.as_str())).unwrap().public(), secret.public());
        for bad in ["", "4ccd", &"zz".repeat(32), &"00".repeat(33)] {
            assert_eq!(SecretKey::from_text(bad).err(), Some(Invalid::SecretKey), "{bad:?}");
        }
        assert!(!format!("{secret:?}").contains(RFC_9381[1].seed));
    }
}
