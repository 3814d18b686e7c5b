//! Licences by signed transactions: a metered session and a key grant, from offer to income.
use bytes::Bytes;
use cairn_app::api::Chain;
use cairn_content::{ContentKey, PublicKey, public_key, wrap};
use cairn_kernel::{chain32, tag};
use cairn_proto::{
    Any,
    cairn::{
        asset::v1::{AssetKind, Encryption, MsgRegisterAsset, VersionContent},
        licensing::v1::{
            Access, LegalText, License, LicenseStatus, MsgBuyLicense, MsgCloseSession, MsgDepositKeyBond, MsgGrantKey, MsgOfferTerms,
            MsgOfferTermsResponse, MsgOpenSession, MsgReportKeyFault, MsgSettleSession, Pricing, QueryCheckAccessRequest,
            QueryCheckAccessResponse, QueryLicenseRequest, QueryLicenseResponse, QuerySessionRequest, QuerySessionResponse, Scope,
            SessionStatus, SignedVoucher, SigningKey, SigningScheme, TermsContent,
        },
    },
    cosmos::base::abci::v1beta1::TxMsgData,
    pack, unpack,
};
use k256::ecdsa::{Signature, signature::hazmat::PrehashSigner};
use prost::Message;
use sha2::{Digest, Sha256};

use crate::support::*;

const OWNER: usize = 0;
const BUYER: usize = 1;
const PROVIDER: usize = 2;
const ROOT: [u8; 32] = [7; 32];
const PRIVATE: [u8; 32] = [42; 32];

struct Market {
    net: Net,
}

impl Market {
    /// Asset 1, encrypted under `content_key`.
    fn new(content_key: &ContentKey) -> Self {
        let mut market = Self { net: Net::new() };
        let version = VersionContent {
            manifest_root: ROOT.to_vec(),
            items: 3,
            media_type: "image/png".into(),
            encryption: Encryption::Envelope.into(),
            key_commitment: content_key.commitment(&ROOT).to_vec(),
            ..VersionContent::default()
        };
        let (kind, title) = (AssetKind::Dataset.into(), "sealed".to_owned());
        let owner = market.name(OWNER);
        market.send(OWNER, pack(&MsgRegisterAsset { owner, kind, title, version: Some(version), ..MsgRegisterAsset::default() }));
        market
    }
    fn name(&self, n: usize) -> String {
        self.net.wallets[n].address.to_string()
    }
    /// One transaction in a block of its own. Gives what its message answered.
    fn send(&mut self, n: usize, message: Any) -> Any {
        let tx: Bytes = Draft::of(vec![message]).gas(500_000).sign(&[&self.net.wallets[n]]);
        self.net.wallets[n].sequence += 1;
        let data = self.net.run(vec![tx]).remove(0).result.unwrap();
        TxMsgData::decode(&*data).unwrap().msg_responses.remove(0)
    }
    fn wait(&mut self, height: u64) {
        while self.net.app.height() < height {
            self.net.run(vec![]);
        }
    }
    fn offer(&mut self, content: TermsContent) -> String {
        let content = TermsContent {
            asset_id: 1,
            title: "terms".into(),
            scope: Some(Scope { train: true, ..Scope::default() }),
            seats: 1,
            legal_text: Some(LegalText { uri: "https://example.org".into(), sha256: vec![1; 32] }),
            ..content
        };
        let answer = self.send(OWNER, pack(&MsgOfferTerms { owner: self.name(OWNER), content: Some(content) }));
        unpack::<MsgOfferTermsResponse>(&answer).unwrap().terms_id
    }
    /// Offers version 1 for 1 CAIRN under a bond, sells licence 1 and grants its key.
    fn sell(&mut self, wrapped_key: Vec<u8>) {
        let owner = self.name(OWNER);
        self.send(OWNER, pack(&MsgDepositKeyBond { owner: owner.clone(), amount: Some(coin(200_000)) }));
        let prices = vec![coin(1_000_000)];
        let (versions, key_bond) = (vec![1], Some(coin(200_000)));
        let terms_id = self.offer(TermsContent { pricing: Pricing::OneOff.into(), prices, versions, key_bond, ..TermsContent::default() });
        let (buyer, public_key) = (self.name(BUYER), public_key(&PRIVATE).to_vec());
        self.send(BUYER, pack(&MsgBuyLicense { buyer, terms_id, payment: Some(coin(1_000_000)), public_key, ..MsgBuyLicense::default() }));
        assert_eq!(self.license().status(), LicenseStatus::Paid);
        assert_eq!(self.access(), Access::None);
        self.send(OWNER, pack(&MsgGrantKey { owner, license_id: 1, wrapped_key }));
        assert_eq!(self.access(), Access::License);
    }
    fn license(&self) -> License {
        let found: QueryLicenseResponse = self.net.ask("/cairn.licensing.v1.Query/License", &QueryLicenseRequest { license_id: 1 });
        found.license.unwrap()
    }
    fn access(&self) -> Access {
        let query = QueryCheckAccessRequest { asset_id: 1, address: self.name(BUYER), version: 1, scope: None };
        let found: QueryCheckAccessResponse = self.net.ask("/cairn.licensing.v1.Query/CheckAccess", &query);
        found.access()
    }
    fn balance(&self, n: usize) -> u128 {
        self.net.balance(&self.net.wallets[n].address)
    }
}

fn content_key() -> ContentKey {
    ContentKey::new([99; 32])
}

fn wrapped(key: &ContentKey) -> Vec<u8> {
    wrap(key, &ROOT, 1, &PublicKey::parse(&public_key(&PRIVATE)).unwrap(), [3; 32]).unwrap().to_vec()
}

#[test]
fn a_granted_key_opens_and_its_price_becomes_income() {
    let mut market = Market::new(&content_key());
    market.sell(wrapped(&content_key()));
    let granted = market.license();
    let key = granted.key.unwrap().wrapped_key;
    assert_eq!(cairn_content::open(&key, &ROOT, &content_key().commitment(&ROOT), 1, &PRIVATE).unwrap(), content_key());
    let before = market.balance(OWNER);
    market.wait(granted.deadline - 1);
    assert_eq!((market.license().status(), market.balance(OWNER)), (LicenseStatus::Granted, before), "held through the window");
    market.wait(granted.deadline);
    assert_eq!((market.license().status(), market.balance(OWNER)), (LicenseStatus::Final, before + 990_000));
}

#[test]
fn a_bad_key_is_judged_by_the_chain_and_the_price_comes_back() {
    let mut market = Market::new(&content_key());
    market.sell(wrapped(&ContentKey::new([1; 32])));
    let (licensee, private_key) = (market.name(BUYER), PRIVATE.to_vec());
    let (owner, before) = (market.balance(OWNER), market.balance(BUYER));
    market.send(BUYER, pack(&MsgReportKeyFault { licensee, license_id: 1, private_key, version: 0 }));
    assert_eq!((market.license().status(), market.access()), (LicenseStatus::Refunded, Access::None));
    // The price and half the bond, less the transaction's fee.
    assert_eq!((market.balance(OWNER), market.balance(BUYER)), (owner, before + 1_000_000 + 100_000 - 1_000));
}

impl Market {
    /// Session 1: licence `license_id` of wallet 1 pays wallet 2 by the call, out of half a CAIRN.
    fn open_session(&mut self, license_id: u64) {
        let provider = self.name(PROVIDER);
        let terms_id = self.offer(TermsContent {
            pricing: Pricing::PerCall.into(),
            prices: vec![coin(100)],
            provider_bps: 7_000,
            providers: vec![provider.clone()],
            ..TermsContent::default()
        });
        let key = self.net.wallets[BUYER].key.verifying_key().to_encoded_point(true).as_bytes().to_vec();
        let signing_key = Some(SigningKey { scheme: SigningScheme::Secp256k1.into(), key });
        let licensee = self.name(BUYER);
        self.send(BUYER, pack(&MsgBuyLicense { buyer: licensee.clone(), terms_id, signing_key, ..MsgBuyLicense::default() }));
        self.send(BUYER, pack(&MsgOpenSession { licensee, license_id, provider, deposit: Some(coin(500_000)), blocks: 0 }));
    }
}

/// Licences on the way of these tests: one with a key that may still be reported, one with an open session.
pub(crate) fn scenes() -> Vec<(&'static str, Net)> {
    let mut market = Market::new(&content_key());
    market.sell(wrapped(&content_key()));
    market.open_session(2);
    vec![("licences", market.net)]
}

#[test]
fn a_thousand_calls_cost_one_transaction() {
    let mut market = Market::new(&content_key());
    market.open_session(1);
    let (wallet, provider_address) = (market.net.wallets[BUYER].clone(), market.name(PROVIDER));

    // As a client in any language signs it.
    let (calls, amount) = (1_000_u64, 100_000_u128);
    let mut voucher = Vec::new();
    voucher.extend(tag("cairn.voucher.v1"));
    voucher.extend(chain32(CHAIN_ID));
    voucher.extend(1_u64.to_be_bytes());
    voucher.extend(calls.to_be_bytes());
    voucher.extend(amount.to_be_bytes());
    voucher.extend([0; 32]);
    let signature: Signature = wallet.key.sign_prehash(&Sha256::digest(&voucher)).unwrap();
    let signature = signature.to_bytes().to_vec();
    let voucher = Some(SignedVoucher { calls, amount: amount.to_string(), receipts_root: vec![0; 32], signature });
    let (owner, provider) = (market.balance(OWNER), market.balance(PROVIDER));
    market.send(OWNER, pack(&MsgSettleSession { sender: market.name(OWNER), session_id: 1, voucher }));
    // 1 % fee; 70 % of the rest to the provider; what is left is the owner's, who paid for the transaction.
    assert_eq!(market.balance(PROVIDER), provider + 69_300);
    assert_eq!(market.balance(OWNER), owner + 29_700 - 1_000);
    let before = market.balance(BUYER);
    market.send(PROVIDER, pack(&MsgCloseSession { signer: provider_address, session_id: 1, voucher: None }));
    assert_eq!(market.balance(BUYER), before + 400_000);
    let found: QuerySessionResponse = market.net.ask("/cairn.licensing.v1.Query/Session", &QuerySessionRequest { session_id: 1 });
    assert_eq!(found.session.unwrap().status(), SessionStatus::Closed);
}
