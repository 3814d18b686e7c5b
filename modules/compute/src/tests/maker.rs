//! A maker of enclaves of our own: root, platform, collateral and quotes, with keys that everybody knows. The formats are those of Intel's attestation (quote
//! version 3, PCK certificates with their extension, TCB info, identity of the quoting enclave).
use p256::ecdsa::{Signature, SigningKey, signature::Signer};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// When everything is valid, in seconds since the epoch: the middle of 2030.
pub(super) const NOW: u64 = 1_909_000_000;
const FMSPC: [u8; 6] = [1, 2, 3, 4, 5, 6];
const QE_SIGNER: [u8; 32] = [9; 32];
const EVALUATION: u32 = 17;

/// What a quote is made of.
#[derive(Clone)]
pub(super) struct Made {
    pub(super) measurement: [u8; 32],
    pub(super) data: [u8; 64],
    pub(super) debug: bool,
    /// The host configured it: a place in the report's 384 bytes, and what stands there.
    pub(super) configured: Option<usize>,
    /// What the platform's level is.
    pub(super) status: &'static str,
    /// A certificate of another maker's root signs the platform's.
    pub(super) stranger: bool,
}

impl Made {
    pub(super) fn new(measurement: [u8; 32], digest: [u8; 32]) -> Self {
        let mut data = [0; 64];
        data[..32].copy_from_slice(&digest);
        Self { measurement, data, debug: false, configured: None, status: "UpToDate", stranger: false }
    }
    /// Quote and collateral.
    pub(super) fn bytes(&self) -> (Vec<u8>, Vec<u8>) {
        let pck = certificate(3, "pck", &key(3), &key(if self.stranger { 7 } else { 1 }), vec![extension(SGX, &platform())]);
        let mut report_of = report(&self.measurement, self.debug, &[0; 32], 0, &self.data);
        self.configured.into_iter().for_each(|at| report_of[at] = 1);
        let signed = [header(), report_of].concat();
        let attest = key(4);
        let point = attest.verifying_key().to_sec1_point(false);
        let attest_key = &point.as_bytes()[1..];
        let auth = [5; 32];
        let mut bound = [0; 64];
        bound[..32].copy_from_slice(&Sha256::digest([attest_key, &auth].concat()));
        let quoting = report(&[8; 32], false, &QE_SIGNER, 1, &bound);
        let chain = pem(&[&pck, &root()]);
        let rest = [
            raw(&attest, &signed).as_slice(),
            attest_key,
            &quoting,
            &raw(&key(3), &quoting),
            &32_u16.to_le_bytes(),
            &auth,
            &5_u16.to_le_bytes(),
            &u32::try_from(chain.len()).unwrap().to_le_bytes(),
            chain.as_bytes(),
        ]
        .concat();
        let quote = [signed.as_slice(), &u32::try_from(rest.len()).unwrap().to_le_bytes(), &rest].concat();
        (quote, self.collateral().to_string().into_bytes())
    }
    fn collateral(&self) -> Value {
        let svns: Vec<Value> = (0..16).map(|_| json!({ "svn": 1 })).collect();
        let level = json!({
            "tcb": { "sgxtcbcomponents": svns, "pcesvn": 1 }, "tcbDate": "2030-06-01T00:00:00Z", "tcbStatus": self.status,
        });
        let dates = |mut value: Value| {
            value["issueDate"] = json!("2030-06-25T00:00:00Z");
            value["nextUpdate"] = json!("2030-07-25T00:00:00Z");
            value["tcbEvaluationDataNumber"] = json!(EVALUATION);
            value.to_string()
        };
        let tcb_info = dates(json!({
            "id": "SGX", "version": 3, "fmspc": hex::encode(FMSPC), "pceId": "0000", "tcbType": 0, "tcbLevels": [level],
        }));
        let identity = dates(json!({
            "id": "QE", "version": 2, "miscselect": "00000000", "miscselectMask": "FFFFFFFF",
            "attributes": "11000000000000000000000000000000", "attributesMask": "FBFFFFFFFFFFFFFF0000000000000000",
            "mrsigner": hex::encode(QE_SIGNER), "isvprodid": 1,
            "tcbLevels": [{ "tcb": { "isvsvn": 1 }, "tcbDate": "2030-06-01T00:00:00Z", "tcbStatus": "UpToDate" }],
        }));
        let signing = pem(&[&certificate(2, "signing", &key(2), &key(1), vec![]), &root()]);
        json!({
            "pck_crl_issuer_chain": pem(&[&root()]), "root_ca_crl": hex::encode(revoked()), "pck_crl": hex::encode(revoked()),
            "tcb_info_issuer_chain": signing, "tcb_info_signature": hex::encode(raw(&key(2), tcb_info.as_bytes())), "tcb_info": tcb_info,
            "qe_identity_issuer_chain": signing, "qe_identity_signature": hex::encode(raw(&key(2), identity.as_bytes())),
            "qe_identity": identity,
        })
    }
}

/// The certificate that everything leads up to.
pub(super) fn root() -> Vec<u8> {
    let authority = extension(BASIC, &sequence(&[tlv(1, &[255])]));
    certificate(1, "root", &key(1), &key(1), vec![authority])
}

fn key(number: u8) -> SigningKey {
    SigningKey::from_slice(&[number; 32]).unwrap()
}

/// A signature as quotes and collateral have it: two numbers of 32 bytes.
fn raw(key: &SigningKey, text: &[u8]) -> Vec<u8> {
    let signature: Signature = key.sign(text);
    signature.to_bytes().to_vec()
}

fn header() -> Vec<u8> {
    let vendor = hex::decode("939a7233f79c4ca9940a0db3957f0607").unwrap();
    [&[3, 0, 2, 0, 0, 0, 0, 0, 1, 0, 1, 0][..], &vendor, &[0; 20]].concat()
}

fn report(measurement: &[u8; 32], debug: bool, signer: &[u8; 32], svn: u8, data: &[u8; 64]) -> Vec<u8> {
    let attributes = [if svn > 0 { 0x11 } else { 5 | if debug { 2 } else { 0 } }, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0];
    [&[1; 16][..], &[0; 32], &attributes, measurement, &[0; 32], signer, &[0; 96], &[svn, 0, svn, 0], &[0; 60], data].concat()
}

const SGX: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 1, 13, 1];
const BASIC: &[u8] = &[0x55, 0x1d, 0x13];
const CRL_NUMBER: &[u8] = &[0x55, 0x1d, 0x14];

/// What a platform's certificate says of it.
fn platform() -> Vec<u8> {
    let entry = |path: &[u8], value: Vec<u8>| sequence(&[tlv(6, &[SGX, path].concat()), value]);
    let level = sequence(&[entry(&[2, 17], tlv(2, &[1])), entry(&[2, 18], tlv(4, &[1; 16]))]);
    sequence(&[
        entry(&[1], tlv(4, &[0; 16])),
        entry(&[2], level),
        entry(&[3], tlv(4, &[0; 2])),
        entry(&[4], tlv(4, &FMSPC)),
        entry(&[5], tlv(10, &[0])),
    ])
}

fn certificate(serial: u8, name: &str, subject: &SigningKey, issuer: &SigningKey, extensions: Vec<Vec<u8>>) -> Vec<u8> {
    let curve = sequence(&[tlv(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1]), tlv(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7])]);
    let point = subject.verifying_key().to_sec1_point(false);
    let mut parts = vec![
        tlv(0xa0, &tlv(2, &[2])),
        tlv(2, &[serial]),
        algorithm(),
        called("root"),
        sequence(&[tlv(0x17, b"300101000000Z"), tlv(0x17, b"400101000000Z")]),
        called(name),
        sequence(&[curve, tlv(3, &[&[0], point.as_bytes()].concat())]),
    ];
    if !extensions.is_empty() {
        parts.push(tlv(0xa3, &sequence(&extensions)));
    }
    signed(&sequence(&parts), issuer)
}

/// The list of the root, on which nothing stands.
fn revoked() -> Vec<u8> {
    let dates = [tlv(0x17, b"300601000000Z"), tlv(0x17, b"310601000000Z")].concat();
    let number = tlv(0xa0, &sequence(&[extension(CRL_NUMBER, &tlv(2, &[1]))]));
    signed(&sequence(&[tlv(2, &[1]), algorithm(), called("root"), dates, number]), &key(1))
}

fn signed(what: &[u8], issuer: &SigningKey) -> Vec<u8> {
    let signature: Signature = issuer.sign(what);
    sequence(&[what.to_vec(), algorithm(), tlv(3, &[&[0], signature.to_der().as_bytes()].concat())])
}

/// ECDSA with SHA-256.
fn algorithm() -> Vec<u8> {
    sequence(&[tlv(6, &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2])])
}

fn called(name: &str) -> Vec<u8> {
    let attribute = sequence(&[tlv(6, &[0x55, 4, 3]), tlv(12, name.as_bytes())]);
    sequence(&[tlv(0x31, &attribute)])
}

fn extension(oid: &[u8], value: &[u8]) -> Vec<u8> {
    sequence(&[tlv(6, oid), tlv(4, value)])
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = value.len();
    let mut bytes = match length {
        0..=127 => vec![tag, length as u8],
        128..=255 => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    bytes.extend(value);
    bytes
}

fn pem(certificates: &[&Vec<u8>]) -> String {
    use base64::Engine;
    let one = |der: &&Vec<u8>| {
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        let lines: String = text.as_bytes().chunks(64).map(|line| format!("{}\n", std::str::from_utf8(line).unwrap())).collect();
        format!("-----BEGIN CERTIFICATE-----\n{lines}-----END CERTIFICATE-----\n")
    };
    certificates.iter().map(one).collect()
}
