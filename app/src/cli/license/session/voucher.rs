//! Vouchers on the way from licensee to provider, and the newest of each session in the home of either.
use std::{fs, io::Read, path::PathBuf};

use anyhow::{Context, Result, bail};
use cairn_licensing::Voucher;
use cairn_proto::cairn::licensing::v1::{Session, SignedVoucher, SigningKey};
use serde::{Deserialize, Serialize};

use crate::cli::{
    home::{Home, read_secret_json, stream_secret},
    keyring::AccountKey,
};

/// Most bytes of a voucher's file.
const MAX_FILE: u64 = 4_096;

/// A signed voucher as it is handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Paper {
    pub(super) chain_id: String,
    pub(super) session: u64,
    pub(super) calls: u64,
    #[serde(with = "decimal")]
    pub(super) amount: u128,
    #[serde(with = "hex::serde")]
    pub(super) receipts_root: [u8; 32],
    #[serde(with = "hex::serde")]
    pub(super) signature: Vec<u8>,
}

/// Amounts as decimal digits: numbers in JSON lose what is above 2^53.
mod decimal {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(amount: &u128, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(amount)
    }
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u128, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

impl Paper {
    /// Signs a voucher.
    pub(super) fn sign(chain_id: &str, voucher: Voucher, key: &AccountKey) -> Result<Self> {
        let Voucher { session, calls, amount, receipts_root } = voucher;
        let signature = key.sign_hash(&voucher.digest(chain_id))?;
        Ok(Self { chain_id: chain_id.to_owned(), session, calls, amount, receipts_root, signature })
    }
    /// Reads a voucher from a file, or from standard input where it is named `-`.
    pub(super) fn read(path: &std::path::Path) -> Result<Self> {
        let mut text = String::new();
        let read = if path.as_os_str() == "-" {
            std::io::stdin().lock().take(MAX_FILE).read_to_string(&mut text)
        } else {
            let file = fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
            file.take(MAX_FILE).read_to_string(&mut text)
        };
        read.with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is no voucher", path.display()))
    }
    /// What the chain takes.
    pub(super) fn message(&self) -> SignedVoucher {
        let (receipts_root, signature) = (self.receipts_root.to_vec(), self.signature.clone());
        SignedVoucher { calls: self.calls, amount: self.amount.to_string(), receipts_root, signature }
    }
    /// Refuses a voucher that the chain would not settle in `session` now.
    pub(super) fn check(&self, chain_id: &str, session: &Session) -> Result<()> {
        if self.chain_id != chain_id || self.session != session.id {
            bail!("the voucher is for session {} of {}, not for session {} of {chain_id}", self.session, self.chain_id, session.id);
        }
        if self.calls <= session.calls {
            bail!("the voucher is for {} calls; {} are settled already", self.calls, session.calls);
        }
        let (least, most) = bounds(session, self.calls)?;
        if !(least..=most).contains(&self.amount) {
            bail!("the voucher states {}; of {} calls the session pays {least} to {most} in all", self.amount, self.calls);
        }
        let voucher = Voucher { session: self.session, calls: self.calls, amount: self.amount, receipts_root: self.receipts_root };
        let key: &SigningKey = session.signing_key.as_ref().context("the session names no signing key")?;
        if !voucher.is_signed(chain_id, key, &self.signature)? {
            bail!("the voucher is not signed by the key of session {}", session.id);
        }
        Ok(())
    }
}

/// Least and most that so many calls of a session may cost in all, by the chain's rule.
pub(super) fn bounds(session: &Session, calls: u64) -> Result<(u128, u128)> {
    let amount = |coin: &Option<cairn_proto::cosmos::base::v1beta1::Coin>, what: &str| -> Result<u128> {
        let coin = coin.as_ref().with_context(|| format!("the session has no {what}"))?;
        coin.amount.parse().with_context(|| format!("the session's {what} is no number"))
    };
    let (price, settled, deposit) =
        (amount(&session.price, "price")?, amount(&session.settled, "settled amount")?, amount(&session.deposit, "deposit")?);
    let more = price.saturating_mul(u128::from(calls.saturating_sub(session.calls)));
    Ok((settled, settled.saturating_add(more).min(deposit)))
}

/// Whose side a voucher is kept on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The licensee signed it.
    Signed,
    /// The provider was handed it.
    Kept,
}

/// The newest voucher of each session, each in a file that only its owner reads. Vouchers are cumulative: the newest says everything.
pub(super) struct Journal {
    folder: PathBuf,
    side: Side,
}

impl Journal {
    pub(super) fn new(home: &Home, chain_id: &str, side: Side) -> Self {
        let folder = match side {
            Side::Signed => "signed",
            Side::Kept => "kept",
        };
        Self { folder: home.path().join("vouchers").join(chain_id).join(folder), side }
    }
    fn path(&self, session: u64) -> PathBuf {
        self.folder.join(format!("{session}.json"))
    }
    /// The newest voucher of a session.
    pub(super) fn newest(&self, session: u64) -> Result<Option<Paper>> {
        let path = self.path(session);
        if !path.exists() {
            return Ok(None);
        }
        read_secret_json(&path).map(Some)
    }
    /// Puts a voucher in place of the one before, on the disk before this returns. Refuses an older one, and another of the same calls:
    /// a newest one that is lost is money lost.
    pub(super) fn keep(&self, paper: &Paper) -> Result<()> {
        if let Some(before) = self.newest(paper.session)? {
            let newer = (paper.calls, paper.amount) > (before.calls, before.amount) && paper.amount >= before.amount;
            if !newer && before != *paper {
                let verb = if self.side == Side::Signed { "signed" } else { "kept" };
                let (calls, amount) = (before.calls, before.amount);
                bail!("a voucher for {calls} calls and {amount} is {verb} already; a newer one states more calls and no less");
            }
        }
        let text = serde_json::to_vec(paper)?;
        stream_secret(&self.path(paper.session), |file| Ok(file.write_all(&text)?))
    }
    /// The sessions with a voucher.
    pub(super) fn sessions(&self) -> Result<Vec<u64>> {
        if !self.folder.exists() {
            return Ok(Vec::new());
        }
        let mut sessions = Vec::new();
        for entry in fs::read_dir(&self.folder).with_context(|| format!("cannot read {}", self.folder.display()))? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            sessions.extend(name.strip_suffix(".json").and_then(|number| number.parse::<u64>().ok()));
        }
        sessions.sort_unstable();
        Ok(sessions)
    }
}

#[cfg(test)]
mod tests {
    use cairn_kernel::Coin;
    use cairn_proto::cairn::licensing::v1::SigningScheme;

    use super::*;

    fn key() -> AccountKey {
        AccountKey::from_bytes(&[7; 32]).unwrap()
    }

    fn paper(calls: u64, amount: u128) -> Paper {
        Paper::sign("cairn-test-1", Voucher { session: 3, calls, amount, receipts_root: [0; 32] }, &key()).unwrap()
    }

    /// Of 1,000 prepaid, 2 calls for 20 are settled; a call costs 10.
    fn session() -> Session {
        let coin = |amount| Some((&Coin::base(amount)).into());
        let signing_key = Some(SigningKey { scheme: SigningScheme::Secp256k1.into(), key: key().public().to_vec() });
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
    fn the_newest_voucher_of_a_session_is_kept_and_no_older_one_takes_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        let journal = Journal::new(&home, "cairn-test-1", Side::Kept);
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
        assert_eq!(Journal::new(&home, "cairn-test-1", Side::Signed).newest(3).unwrap(), None);
        fs::write(journal.path(3), "{").unwrap();
        assert!(format!("{:#}", journal.newest(3).unwrap_err()).contains("damaged"));
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
    }
}
