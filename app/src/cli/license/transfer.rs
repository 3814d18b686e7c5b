//! A licence changes hands: the new licensee makes a key, the old one wraps the content key for it, or leaves that to the owner.
use anyhow::{Context, Result, bail};
use cairn_content::{PublicKey, wrap};
use cairn_kernel::Address;
use cairn_proto::{
    cairn::licensing::v1::{MsgTransferLicense, Pricing, QueryTermsRequest, QueryTermsResponse, SigningKey, SigningScheme},
    pack,
};
use clap::Args;
use serde_json::json;

use super::{license, open::Granted};
use crate::cli::{
    home::{Home, random},
    job::Sender,
    output::Output,
    rpc::Rpc,
    sign::Signer,
    vault,
};

/// Pass a licence to another account, with the key of its content.
#[derive(Debug, Args)]
pub(crate) struct TransferArgs {
    /// The licence.
    license: u64,
    /// Who is to hold it.
    #[arg(long, value_name = "ADDRESS")]
    to: Address,
    /// What 'cairnd license new-key' printed for the new licensee; just where the content is encrypted.
    #[arg(long, value_name = "HEX", value_parser = parse_hex::<32>)]
    public_key: Option<[u8; 32]>,
    /// The new licensee's account key in hexadecimal, which signs its vouchers; just where the licence is paid per call.
    #[arg(long, value_name = "HEX", value_parser = parse_hex::<33>)]
    signing_key: Option<[u8; 33]>,
    /// Leave the content key to the asset's owner, who grants it to the new licensee.
    #[arg(long)]
    by_owner: bool,
    #[command(flatten)]
    sender: Sender,
}

fn parse_hex<const N: usize>(text: &str) -> Result<[u8; N]> {
    let bytes = hex::decode(text).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.with_context(|| format!("a key has {} hexadecimal digits; found {text:?}", N.saturating_mul(2)))
}

/// Makes a key for a licence that is to be transferred here, and prints its public half.
pub(super) fn new_key(home: &Home) -> Result<()> {
    println!("{}", hex::encode(vault::new_license_key(home)?));
    Ok(())
}

impl TransferArgs {
    pub(super) fn run(self, home: &Home, rpc: &Rpc, output: Output) -> Result<()> {
        let found = license(rpc, self.license)?;
        let request = QueryTermsRequest { terms_id: found.terms_id.clone() };
        let terms: QueryTermsResponse = rpc.ask("/cairn.licensing.v1.Query/Terms", &request)?;
        let calls = terms.terms.and_then(|terms| terms.content).is_some_and(|content| content.pricing() == Pricing::PerCall);
        if calls != self.signing_key.is_some() {
            bail!("--signing-key is the new licensee's key for vouchers: needed for a licence that is paid per call, and for no other");
        }
        if found.key.is_some() != self.public_key.is_some() {
            bail!(
                "--public-key is what 'cairnd license new-key' prints at the new licensee's: needed for encrypted content, and for no other"
            );
        }
        let wrapped_key = match &self.public_key {
            Some(to) if !self.by_owner => {
                let newest = found.key.as_ref().map(|key| key.version);
                let granted = Granted::of(rpc, found, newest)?;
                let key = granted.unwrapped(home)?.context("the key in this home is bad; --by-owner leaves it to the asset's owner")?;
                wrap(&key, &granted.root, self.license, &PublicKey::parse(to)?, random())?.to_vec()
            }
            Some(_) | None => vec![],
        };
        let (key, options) = self.sender.open(home)?;
        let signing_key = self.signing_key.map(|key| SigningKey { scheme: SigningScheme::Secp256k1.into(), key: key.to_vec() });
        let message = MsgTransferLicense {
            licensee: key.address().to_string(),
            license_id: self.license,
            new_licensee: self.to.to_string(),
            public_key: self.public_key.map(|key| key.to_vec()).unwrap_or_default(),
            signing_key,
            wrapped_key,
        };
        let done = Signer::new(rpc, &key)?.send(vec![pack(&message)], &options)?;
        output.value(&json!({ "license": self.license, "licensee": self.to.to_string(), "hash": done.hash, "height": done.height }))
    }
}
