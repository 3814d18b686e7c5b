//! Vouchers that are good, those that are refused, and which of them is kept.
use std::{fs, os::unix::fs::PermissionsExt};

use cairn_kernel::Coin;
use cairn_licensing::Voucher;
use cairn_proto::cairn::licensing::v1::{Session, SigningKey as PublicKey, SigningScheme};
use k256::ecdsa::{Signature, SigningKey, signature::hazmat::PrehashSigner};

use crate::{Journal, Paper, Side};

fn key() -> SigningKey {
    SigningKey::from_slice(&[7; 32]).unwrap()
}

fn paper(calls: u64, amount: u128) -> Paper {
    Paper::sign("cairn-test-1", Voucher { session: 3, calls, amount, receipts_root: [0; 32] }, |hash| {
        let signature: Signature = key().sign_prehash(hash)?;
        Ok(signature.normalize_s().unwrap_or(signature).to_bytes().to_vec())
    })
    .unwrap()
}

/// Of 1,000 prepaid, 2 calls for 20 are settled; a call costs 10.
fn session() -> Session {
    let coin = |amount| Some((&Coin::base(amount)).into());
    let signing_key =
        Some(PublicKey { scheme: SigningScheme::Secp256k1.into(), key: key().verifying_key().to_encoded_point(true).as_bytes().to_vec() });
    Session { id: 3, price: coin(10), deposit: coin(1_000), settled: coin(20), calls: 2, signing_key, ..Session::default() }
}

#[test]
fn a_voucher_is_checked_as_the_chain_will() {
    let check = |paper: &Paper| paper.check("cairn-test-1", &session());
    for (calls, amount) in [(3, 20), (3, 30), (100, 1_000), (200, 1_000)] {
        check(&paper(calls, amount)).unwrap();
    }
    for (calls, amount, text) in [(2, 20, "settled already"), (3, 19, "20 to 30"), (3, 31, "20 to 30"), (200, 1_001, "20 to 1000")] {
        let error = check(&paper(calls, amount)).unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    }
    let good = paper(3, 30);
    for other in
        [Paper { calls: 4, ..good.clone() }, Paper { amount: 29, ..good.clone() }, Paper { signature: vec![1; 64], ..good.clone() }]
    {
        assert!(check(&other).unwrap_err().to_string().contains("not signed by the key"));
    }
    assert!(check(&Paper { session: 4, ..good.clone() }).is_err());
    assert!(good.check("cairn-test-2", &session()).is_err());
}

#[test]
fn a_voucher_pays_the_price_of_its_calls() {
    let pays = |calls, amount| paper(calls, amount).pays(&session()).map_err(|error| error.to_string());
    for (calls, amount) in [(2, 20), (3, 30), (3, 31), (100, 1_000)] {
        assert_eq!(pays(calls, amount), Ok(()));
    }
    assert!(pays(3, 29).unwrap_err().contains("cost 30, the voucher states 29"));
    assert!(!pays(3, 29).unwrap_err().contains("top-up"));
    assert!(pays(101, 1_000).unwrap_err().contains("top-up"), "the deposit covers 100 calls");
}

#[test]
fn the_newest_voucher_of_a_session_is_kept_and_no_older_one_takes_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path();
    let journal = Journal::new(home, "cairn-test-1", Side::Kept);
    assert_eq!((journal.newest(3).unwrap(), journal.sessions().unwrap()), (None, vec![]));
    for paper in [paper(1, 10), paper(5, 50), paper(6, 50)] {
        journal.keep(&paper).unwrap();
        journal.keep(&paper).unwrap();
        assert_eq!(journal.newest(3).unwrap(), Some(paper));
    }
    for old in [paper(5, 50), paper(6, 49), paper(7, 49)] {
        assert!(journal.keep(&old).unwrap_err().to_string().contains("6 calls and 50 is kept already"));
    }
    assert_eq!((journal.newest(3).unwrap().unwrap().calls, journal.sessions().unwrap()), (6, vec![3]));
    assert_eq!(Journal::new(home, "cairn-test-1", Side::Signed).newest(3).unwrap(), None);
    let file = home.join("vouchers/cairn-test-1/kept/3.json");
    fs::write(&file, "{").unwrap();
    assert!(format!("{:#}", journal.newest(3).unwrap_err()).contains("damaged"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(journal.newest(3).unwrap_err().to_string().contains("chmod 600"));
}

#[test]
fn a_voucher_is_read_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("voucher.json");
    let written = paper(1, u128::MAX);
    fs::write(&path, serde_json::to_vec(&written).unwrap()).unwrap();
    assert_eq!(Paper::read(&path).unwrap(), written);
    for bad in ["", "{}", r#"{"chain_id":"x","session":1,"calls":1,"amount":"-1","receipts_root":"00","signature":""}"#] {
        fs::write(&path, bad).unwrap();
        assert!(Paper::read(&path).unwrap_err().to_string().contains("is no voucher"));
    }
    let long = format!("{}{}", serde_json::to_string(&written).unwrap(), " ".repeat(4_096));
    assert!(Paper::parse(&long).unwrap_err().to_string().contains("at most 4096 bytes"));
}
