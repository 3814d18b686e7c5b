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
