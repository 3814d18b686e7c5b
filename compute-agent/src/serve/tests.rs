//! Vouchers before a chain that keeps the rules of the module.
use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use anyhow::{Result, anyhow};
use cairn_client::Refused;
use cairn_proto::{
    cairn::licensing::v1::{Session, SessionStatus, SigningKey as PublicKey, SigningScheme},
    cosmos::base::v1beta1::Coin,
};
use cairn_vouchers::Paper;
use k256::ecdsa::{Signature, SigningKey, signature::hazmat::PrehashSigner};

use super::{Ledger, Offer, Sessions, Till, Unpaid};

const CHAIN: &str = "cairn-test-1";

/// Sessions 3 and 4, and whether anybody answers.
#[derive(Clone)]
struct Town(Arc<Mutex<(Vec<Session>, u64, bool)>>);

fn coin(amount: u128) -> Option<Coin> {
    Some(Coin { denom: "ucairn".to_owned(), amount: amount.to_string() })
}

fn key() -> SigningKey {
    SigningKey::from_slice(&[7; 32]).unwrap()
}

impl Town {
    /// A call costs 10, 1,000 are prepaid, and it begins to close behind block 500.
    fn new() -> Self {
        let signing_key =
            PublicKey { scheme: SigningScheme::Secp256k1.into(), key: key().verifying_key().to_encoded_point(true).as_bytes().to_vec() };
        let session = |id, asset_id, provider: &str| Session {
            id,
            asset_id,
            provider: provider.to_owned(),
            signing_key: Some(signing_key.clone()),
            price: coin(10),
            deposit: coin(1_000),
            settled: coin(0),
            status: SessionStatus::Open.into(),
            deadline: 500,
            ..Session::default()
        };
        Self(Arc::new(Mutex::new((vec![session(3, 1, "me"), session(4, 2, "me"), session(5, 1, "you")], 100, true))))
    }
    fn change(&self, change: impl FnOnce(&mut Session)) {
        change(&mut self.0.lock().unwrap().0[0]);
    }
    fn settled(&self) -> (u64, String) {
        let session = self.session(3).unwrap();
        (session.calls, session.settled.unwrap().amount)
    }
}

impl Ledger for Town {
    fn session(&self, id: u64) -> Result<Session> {
        let town = self.0.lock().unwrap();
        let none = || Refused { codespace: "licensing".to_owned(), code: 38, log: "no such session".to_owned() };
        if !town.2 {
            return Err(anyhow!("nobody answers"));
        }
        Ok(town.0.iter().find(|session| session.id == id).ok_or_else(none)?.clone())
    }
    fn height(&self) -> Result<u64> {
        Ok(self.0.lock().unwrap().1)
    }
    fn settle(&self, paper: &Paper) -> Result<()> {
        let session = self.session(paper.session)?;
        paper.check(CHAIN, &session)?;
        self.change(|session| (session.calls, session.settled) = (paper.calls, coin(paper.amount)));
        Ok(())
    }
}

fn till(town: &Town, home: &Path) -> Sessions {
    let offer = Offer { chain_id: CHAIN.to_owned(), asset: 1, provider: "me".to_owned(), settle_at: 40 };
    Sessions::new(Box::new(town.clone()), offer, home)
}

fn voucher(session: u64, calls: u64, amount: u128) -> String {
    let voucher = cairn_licensing::Voucher { session, calls, amount, receipts_root: [0; 32] };
    let paper = Paper::sign(CHAIN, voucher, |hash| {
        let signature: Signature = key().sign_prehash(hash)?;
        Ok(signature.normalize_s().unwrap_or(signature).to_bytes().to_vec())
    });
    serde_json::to_string(&paper.unwrap()).unwrap()
}

fn refused(till: &Sessions, voucher: &str, why: &str) {
    match till.take(voucher) {
        Err(Unpaid::Refused(error)) => assert!(format!("{error:#}").contains(why), "{error:#}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_voucher_is_served_as_often_as_it_pays_also_after_a_restart() {
    let (folder, town) = (tempfile::tempdir().unwrap(), Town::new());
    let one = till(&town, folder.path());
    assert_eq!(one.take(&voucher(3, 1, 10)).unwrap(), 3);
    refused(&one, &voucher(3, 1, 10), "which were served");
    assert_eq!(one.take(&voucher(3, 3, 30)).unwrap(), 3);
    let again = till(&town, folder.path());
    assert_eq!(again.take(&voucher(3, 3, 30)).unwrap(), 3);
    refused(&again, &voucher(3, 3, 30), "which were served");
    refused(&again, &voucher(3, 2, 20), "kept already");
    again.give_back(3).unwrap();
    assert_eq!(again.take(&voucher(3, 3, 30)).unwrap(), 3, "the call that had no answer");
}

#[test]
fn what_the_chain_would_not_settle_is_refused() {
    let (folder, town) = (tempfile::tempdir().unwrap(), Town::new());
    let till = till(&town, folder.path());
    refused(&till, "", "cairnd license session open LICENSE --provider me");
    refused(&till, "{}", "the voucher is none");
    refused(&till, &voucher(9, 1, 10), "no such session");
    refused(&till, &voucher(4, 1, 10), "of asset 2, not of 1");
    refused(&till, &voucher(5, 1, 10), "pays you, not me");
    refused(&till, &voucher(3, 1, 9), "cost 10, the voucher states 9");
    refused(&till, &voucher(3, 1, 11), "pays 0 to 10");
    refused(&till, &voucher(3, 101, 1_000), "top-up");
    refused(&till, &voucher(3, 1, 10).replace(CHAIN, "cairn-test-2"), "not for session 3 of cairn-test-1");
    refused(&till, &voucher(3, 1, 10).replace("\"calls\":1", "\"calls\":2"), "not signed by the key");
    refused(&till, &voucher(3, 2, 20).replace(&"0".repeat(64), &"1".repeat(64)), "not signed by the key");
    for status in [SessionStatus::Closing, SessionStatus::Closed] {
        town.change(|session| session.set_status(status));
        refused(&till, &voucher(3, 1, 10), "open another");
    }
    assert!(!folder.path().join("vouchers").exists(), "nothing of it is kept");
}

#[test]
fn a_chain_that_is_away_and_files_that_are_damaged_are_not_the_clients_fault() {
    let (folder, town) = (tempfile::tempdir().unwrap(), Town::new());
    let till = till(&town, folder.path());
    assert_eq!(till.take(&voucher(3, 2, 20)).unwrap(), 3);
    town.0.lock().unwrap().2 = false;
    assert_eq!(till.take(&voucher(3, 2, 20)).unwrap(), 3, "known already");
    assert!(matches!(till.take(&voucher(3, 3, 30)), Err(Unpaid::Away(_))));
    till.tend();
    town.0.lock().unwrap().2 = true;
    assert_eq!(till.take(&voucher(3, 3, 30)).unwrap(), 3);
    for file in ["served-cairn-test-1.json", "vouchers/cairn-test-1/kept/3.json"] {
        let good = std::fs::read(folder.path().join(file)).unwrap();
        std::fs::write(folder.path().join(file), "{").unwrap();
        assert!(matches!(till.take(&voucher(3, 4, 40)), Err(Unpaid::Away(_))), "{file}");
        std::fs::write(folder.path().join(file), good).unwrap();
    }
    assert_eq!(till.take(&voucher(3, 4, 40)).unwrap(), 3);
}

#[test]
fn vouchers_are_redeemed_when_they_state_enough_and_before_it_is_too_late() {
    let (folder, town) = (tempfile::tempdir().unwrap(), Town::new());
    let till = till(&town, folder.path());
    till.tend();
    till.take(&voucher(3, 3, 30)).unwrap();
    till.tend();
    assert_eq!(town.settled(), (0, "0".to_owned()), "less than 40");
    till.take(&voucher(3, 4, 40)).unwrap();
    till.tend();
    assert_eq!(town.settled(), (4, "40".to_owned()));
    assert_eq!(till.take(&voucher(3, 4, 40)).unwrap(), 3, "what is redeemed may not be served yet");

    till.take(&voucher(3, 5, 50)).unwrap();
    town.0.lock().unwrap().1 = 479;
    till.tend();
    assert_eq!(town.settled(), (4, "40".to_owned()));
    town.0.lock().unwrap().1 = 480;
    till.tend();
    assert_eq!(town.settled(), (5, "50".to_owned()), "it begins to close soon");

    till.take(&voucher(3, 6, 60)).unwrap();
    town.change(|session| session.set_status(SessionStatus::Closing));
    till.tell();
    till.tend();
    assert_eq!(town.settled(), (6, "60".to_owned()));
    town.change(|session| session.set_status(SessionStatus::Closed));
    town.change(|session| (session.calls, session.settled) = (5, coin(50)));
    till.tend();
    till.tend();
    assert_eq!(town.settled(), (5, "50".to_owned()), "it is too late");
    let terms = Till::Chain(Arc::new(till)).terms();
    assert_eq!((&terms["asset"], &terms["provider"]), (&1.into(), &"me".into()));
}
