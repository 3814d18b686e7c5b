//! Test accounts: keys that follow from a number, so that genesis and load generator agree without a file.
use anyhow::Result;
use bech32::{Bech32, Hrp};
use ripemd::Ripemd160;
use secp256k1::{Message, PublicKey, Secp256k1, SecretKey, SignOnly};
use sha2::{Digest, Sha256};

/// A key pair on secp256k1 and the address that Cosmos chains give it.
#[derive(Clone)]
pub(crate) struct Account {
    secret: SecretKey,
    /// Compressed public key.
    pub(crate) public: [u8; 33],
    /// RIPEMD-160 of SHA-256 of the public key.
    pub(crate) address: [u8; 20],
}

impl Account {
    /// The account with this number; the same on every machine.
    pub(crate) fn new(curve: &Secp256k1<SignOnly>, number: usize) -> Result<Self> {
        let seed: [u8; 32] = Sha256::digest(format!("cairn-bench/{number}")).into();
        let secret = SecretKey::from_byte_array(&seed)?;
        let public = PublicKey::from_secret_key(curve, &secret).serialize();
        let address = Ripemd160::digest(Sha256::digest(public)).into();
        Ok(Self { secret, public, address })
    }
    /// The address as text.
    pub(crate) fn text(&self, prefix: Hrp) -> Result<String> {
        Ok(bech32::encode::<Bech32>(prefix, &self.address)?)
    }
    /// 64 bytes r and s over SHA-256(`document`), s low, as Cosmos chains want them.
    pub(crate) fn sign(&self, curve: &Secp256k1<SignOnly>, document: &[u8]) -> [u8; 64] {
        let digest: [u8; 32] = Sha256::digest(document).into();
        curve.sign_ecdsa(&Message::from_digest(digest), &self.secret).serialize_compact()
    }
}

/// The first `count` accounts.
pub(crate) fn accounts(count: usize) -> Result<Vec<Account>> {
    let curve = Secp256k1::signing_only();
    in_parallel(count, |number| Account::new(&curve, number))
}

/// `f` of 0, 1, .. below `count`, in that order, computed on all cores.
pub(crate) fn in_parallel<T: Send>(count: usize, f: impl Fn(usize) -> Result<T> + Sync) -> Result<Vec<T>> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = count.div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let parts: Vec<_> = (0..count)
            .step_by(share)
            .map(|from| {
                let f = &f;
                scope.spawn(move || (from..count.min(from + share)).map(f).collect::<Result<Vec<T>>>())
            })
            .collect();
        let mut all = Vec::with_capacity(count);
        for part in parts {
            all.append(&mut part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(all)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_follow_the_cosmos_rule() {
        // The public key and address of BIP-39's "abandon .. about" at m/44'/118'/0'/0/0 are published with every Cosmos wallet.
        let seed = hex::decode("c4a48e2fce1481cd3294b4490f6678090ea98d3d0e5cd984558ab0968741b104").unwrap();
        let secret = SecretKey::from_slice(&seed).unwrap();
        let public = PublicKey::from_secret_key(&Secp256k1::signing_only(), &secret).serialize();
        let address = Ripemd160::digest(Sha256::digest(public)).into();
        let account = Account { secret, public, address };
        assert_eq!(account.text(Hrp::parse("cosmos").unwrap()).unwrap(), "cosmos19rl4cm2hmr8afy4kldpxz3fka4jguq0auqdal4");
    }

    #[test]
    fn order_does_not_depend_on_threads() {
        assert_eq!(in_parallel(1_000, Ok).unwrap(), (0..1_000).collect::<Vec<_>>());
        assert!(in_parallel(0, Ok).unwrap().is_empty());
        let (three, one) = (accounts(3).unwrap(), accounts(1).unwrap());
        assert_eq!(three[0].address, one[0].address);
        assert_ne!(three[0].address, three[1].address);
    }
}
