//! Signing arbitrary data with an account's key, as wallets do for a log-in (Cosmos ADR-036).
//!
//! The signed document is an amino-JSON transaction that no chain accepts: chain id empty, all numbers zero, one message `sign/MsgSignData`.
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};

/// The bytes whose SHA-256 a wallet signs for `data` with the key of `address` (bech32 text, which must hold no character that JSON
/// escapes; an address never does).
#[must_use]
pub fn sign_bytes(address: &str, data: &[u8]) -> Vec<u8> {
    let data = BASE64.encode(data);
    format!(
        r#"{{"account_number":"0","chain_id":"","fee":{{"amount":[],"gas":"0"}},"memo":"","msgs":[{{"type":"sign/MsgSignData","value":{{"data":"{data}","signer":"{address}"}}}}],"sequence":"0"}}"#
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use bip32::{DerivationPath, XPrv};
    use k256::ecdsa::{Signature, signature::Signer};

    use super::*;

    /// Made with CosmJS 0.39 and the phrase of its README.
    #[test]
    fn a_wallet_signs_these_bytes() {
        let phrase = "surround miss nominee dream gap cross assault thank captain prosper drop duty group candy wealth weather scale put";
        let seed = bip39::Mnemonic::parse(phrase).unwrap().to_seed("");
        let path: DerivationPath = "m/44'/118'/0'/0/0".parse().unwrap();
        let key = XPrv::derive_from_path(seed, &path).unwrap().private_key().clone();
        let signature: Signature = key.sign(&sign_bytes("cosmos1lsagfzrm4gz28he4wunt63sts5xzmczw8pkek3", b"hello <&>"));
        assert_eq!(
            BASE64.encode(signature.to_bytes()),
            "vUpwHrvEtLXIxsWK+y8VFqGUPhXDtynNvISgOFVyDqFxEnS6fAM5fCAcx7ANFWtIGOeYGMt8Px33j54AWxRCtw=="
        );
    }
}
