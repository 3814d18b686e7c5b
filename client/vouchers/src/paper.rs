//! A voucher as it is handed over, and what it must be.
use std::{fs, io::Read, path::Path};

use anyhow::{Context, Result, bail, ensure};
use cairn_licensing::Voucher;
use cairn_proto::{
    cairn::licensing::v1::{MsgSettleSession, Session, SessionStatus, SignedVoucher, SigningKey},
    cosmos::base::v1beta1::Coin,
};
use serde::{Deserialize, Serialize};

/// Most bytes of a voucher as JSON.
pub const MAX_BYTES: usize = 4_096;
/// Blocks before a session begins to close at which its newest voucher is settled without being asked, however little it is.
const AHEAD: u64 = 20;

/// A signed voucher as it is handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paper {
    /// The chain of the session.
    pub chain_id: String,
    /// The session.
    pub session: u64,
    /// Calls since it was opened.
    pub calls: u64,
    /// Their price together, in base units of its denomination.
    #[serde(with = "decimal")]
    pub amount: u128,
    /// Root over their receipts; zeros where there is none.
    #[serde(with = "hex::serde")]
    pub receipts_root: [u8; 32],
    /// By the licence's signing key, over the voucher's digest.
    #[serde(with = "hex::serde")]
    pub signature: Vec<u8>,
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
    /// A voucher with what `sign` makes of its digest.
    ///
    /// # Errors
    /// Those of `sign`.
    pub fn sign(chain_id: &str, voucher: Voucher, sign: impl FnOnce(&[u8; 32]) -> Result<Vec<u8>>) -> Result<Self> {
        let Voucher { session, calls, amount, receipts_root } = voucher;
        let signature = sign(&voucher.digest(chain_id))?;
        Ok(Self { chain_id: chain_id.to_owned(), session, calls, amount, receipts_root, signature })
    }
    /// Reads a voucher, whatever the text.
    ///
    /// # Errors
    /// A text that is none, or longer than [`MAX_BYTES`].
    pub fn parse(text: &str) -> Result<Self> {
        ensure!(text.len() <= MAX_BYTES, "a voucher has at most {MAX_BYTES} bytes");
        Ok(serde_json::from_str(text)?)
    }
    /// Reads a voucher from a file, or from standard input where it is named `-`.
    ///
    /// # Errors
    /// A file that cannot be read, or is no voucher.
    pub fn read(path: &Path) -> Result<Self> {
        let (mut text, most) = (String::new(), (MAX_BYTES as u64).saturating_add(1));
        let read = if path.as_os_str() == "-" {
            std::io::stdin().lock().take(most).read_to_string(&mut text)
        } else {
            let file = fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
            file.take(most).read_to_string(&mut text)
        };
        read.with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("{} is no voucher", path.display()))
    }
    /// What the chain takes.
    pub fn message(&self) -> SignedVoucher {
        let (receipts_root, signature) = (self.receipts_root.to_vec(), self.signature.clone());
        SignedVoucher { calls: self.calls, amount: self.amount.to_string(), receipts_root, signature }
    }
    /// The message that settles it.
    #[must_use]
    pub fn settlement(&self, sender: &str) -> MsgSettleSession {
        MsgSettleSession { sender: sender.to_owned(), session_id: self.session, voucher: Some(self.message()) }
    }
    /// What it adds to what is settled.
    ///
    /// # Errors
    /// As [`bounds`].
    pub fn gain(&self, session: &Session) -> Result<u128> {
        Ok(self.amount.saturating_sub(bounds(session, session.calls)?.0))
    }
    /// Refuses a voucher that the chain would not settle in `session` now.
    ///
    /// # Errors
    /// The reason, as people read it.
    pub fn check(&self, chain_id: &str, session: &Session) -> Result<()> {
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
    /// Refuses a voucher that states less than the price of its calls.
    ///
    /// # Errors
    /// What is due, and what to do.
    pub fn pays(&self, session: &Session) -> Result<()> {
        let (due, (_, most)) = (due(session, self.calls)?, bounds(session, self.calls)?);
        if self.amount < due {
            let deposit = if most < due { "; the deposit covers less: add to it with 'cairnd license session top-up'" } else { "" };
            bail!("{} calls of session {} cost {due}, the voucher states {}{deposit}", self.calls, self.session, self.amount);
        }
        Ok(())
    }
}

/// What a session owes for so many calls, were the deposit large enough.
///
/// # Errors
/// A session without coins, or with coins that are no numbers.
pub fn due(session: &Session, calls: u64) -> Result<u128> {
    let (price, settled) = (amount(&session.price, "price")?, amount(&session.settled, "settled amount")?);
    Ok(settled.saturating_add(price.saturating_mul(u128::from(calls.saturating_sub(session.calls)))))
}

/// Whether the newest voucher of a session is lost unless it is settled now: it closes, or soon will. `height`, the newest, is asked where it matters.
///
/// # Errors
/// Those of `height`.
pub fn is_last_call(session: &Session, height: impl FnOnce() -> Result<u64>) -> Result<bool> {
    Ok(match session.status() {
        SessionStatus::Closing => true,
        SessionStatus::Open => session.deadline <= height()?.saturating_add(AHEAD),
        SessionStatus::Closed | SessionStatus::Unspecified => false,
    })
}

/// Least and most that so many calls of a session may cost in all, by the chain's rule.
///
/// # Errors
/// As [`due`].
pub fn bounds(session: &Session, calls: u64) -> Result<(u128, u128)> {
    let (settled, deposit) = (amount(&session.settled, "settled amount")?, amount(&session.deposit, "deposit")?);
    Ok((settled, due(session, calls)?.min(deposit)))
}

fn amount(coin: &Option<Coin>, what: &str) -> Result<u128> {
    let coin = coin.as_ref().with_context(|| format!("the session has no {what}"))?;
    coin.amount.parse().with_context(|| format!("the session's {what} is no number"))
}
