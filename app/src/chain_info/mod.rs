//! What wallets and registries are told of this chain: Keplr's `ChainInfo`, and `chain.json` with `assetlist.json` in the shape of the Cosmos
//! chain registry. A node serves them below `/cairn/chain-info/`, `cairnd chain-info` prints them.
#[cfg(test)]
mod tests;

use cairn_kernel::{BASE_DENOM, PREFIX};
use serde_json::{Number, Value, json};

use crate::{GasPrice, config::Public};

/// The chain's picture, round, 256 by 256.
pub const LOGO: &str = include_str!("cairn.svg");

/// Where a node serves the picture, below its REST address.
pub(crate) const LOGO_PATH: &str = "/cairn/chain-info/logo.svg";

/// The coin type of SLIP-0044 below which wallets derive keys: that of the Cosmos Hub, so that the same words lead to the same key.
const COIN_TYPE: u32 = 118;
/// Where the chain registry serves the pictures that lie in its folders.
const REGISTRY: &str = "https://raw.githubusercontent.com/cosmos/chain-registry/master";
/// The longest name of a chain that Keplr takes.
const MAX_NAME: usize = 36;
/// The line of CometBFT below the chain.
const COMETBFT: &str = "v0.38";
/// Gas of a transfer between accounts that exist, rounded up.
const TRANSFER_GAS: u64 = 100_000;

/// What is told of a chain, from which every form is made.
#[derive(Debug, Clone)]
pub struct ChainInfo {
    chain_id: String,
    public: Public,
    price: GasPrice,
    /// Whether staking is served.
    staking: bool,
    /// Whether transfers over IBC are served.
    transfers: bool,
}

impl ChainInfo {
    /// Of the chain `chain_id`, reached at the addresses of `public` (none of them empty), where fees are at least `price`; `served` tells
    /// whether a query path is answered.
    pub fn new(chain_id: &str, public: &Public, price: GasPrice, served: impl Fn(&str) -> bool) -> Self {
        Self {
            chain_id: chain_id.to_owned(),
            public: public.clone(),
            price,
            staking: served("/cosmos.staking.v1beta1.Query/Params"),
            transfers: served("/ibc.applications.transfer.v1.Query/Params"),
        }
    }

    /// The chain's name in the registry: the letters and digits of its id before the revision, in lower case.
    #[must_use]
    pub fn registry_name(&self) -> String {
        self.stem().chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
    }

    /// The folder that is the chain's in the registry, below its root.
    #[must_use]
    pub fn registry_folder(&self) -> String {
        let name = self.registry_name();
        if self.is_mainnet() { name } else { format!("testnets/{name}") }
    }

    /// Keplr's `ChainInfo`, as `experimentalSuggestChain` takes it.
    #[must_use]
    pub fn keplr(&self) -> Value {
        let currency = self.currency();
        let mut fee = currency.clone();
        insert(&mut fee, "gasPriceStep", json!({ "low": self.low(), "average": self.average(), "high": self.high() }));
        let mut info = json!({
            "chainId": self.chain_id,
            "chainName": self.name(),
            "rpc": self.public.rpc,
            "rest": self.public.rest,
            "chainSymbolImageUrl": self.logo(),
            "bip44": { "coinType": COIN_TYPE },
            "bech32Config": prefixes(),
            "currencies": [currency],
            "feeCurrencies": [fee],
            "features": self.features(),
            "isTestnet": !self.is_mainnet(),
        });
        if self.staking {
            insert(&mut info, "stakeCurrency", currency);
        }
        if !self.public.tx_page.is_empty() {
            insert(&mut info, "explorers", json!({ "txPage": self.public.tx_page }));
        }
        info
    }

    /// `chain.json` of the chain registry.
    #[must_use]
    pub fn chain(&self) -> Value {
        let version = concat!("v", env!("CARGO_PKG_VERSION"));
        let mut chain = json!({
            "$schema": self.schema("chain"),
            "chain_name": self.registry_name(),
            "chain_type": "cosmos",
            "chain_id": self.chain_id,
            "pretty_name": self.name(),
            "status": "live",
            "network_type": self.public.network,
            "bech32_prefix": PREFIX,
            "bech32_config": prefixes(),
            "daemon_name": "cairnd",
            "node_home": "$HOME/.cairn",
            "key_algos": ["secp256k1"],
            "slip44": COIN_TYPE,
            "fees": { "fee_tokens": [{
                "denom": BASE_DENOM,
                "fixed_min_gas_price": self.low(),
                "low_gas_price": self.low(),
                "average_gas_price": self.average(),
                "high_gas_price": self.high(),
                "gas_costs": { "cosmos_send": TRANSFER_GAS },
            }]},
            "codebase": {
                "recommended_version": version,
                "compatible_versions": [version],
                "language": { "type": "rust" },
                "sdk": { "type": "other" },
                "consensus": { "type": "cometbft", "version": COMETBFT },
            },
            "images": [self.image()],
            "logo_URIs": self.pictures(),
            "description": "Annotation of data by people, paid by what their answers are worth, and licences of what came of it.",
            "apis": self.apis(),
        });
        if self.staking {
            insert(&mut chain, "staking", json!({ "staking_tokens": [{ "denom": BASE_DENOM }] }));
        }
        if !self.public.tx_page.is_empty() {
            insert(&mut chain, "explorers", json!([{ "tx_page": self.public.tx_page.replace("{txHash}", "${txHash}") }]));
        }
        chain
    }

    /// `assetlist.json` of the chain registry: the chain's own coin. Shares and other denominations are described on the chain.
    #[must_use]
    pub fn assets(&self) -> Value {
        let mut asset = metadata();
        for (name, value) in [("type_asset", json!("sdk.coin")), ("logo_URIs", self.pictures()), ("images", json!([self.image()]))] {
            insert(&mut asset, name, value);
        }
        if let Some(units) = asset.get_mut("denom_units").and_then(Value::as_array_mut) {
            // Here an empty list of other names is left out.
            let unnamed = |unit: &Value| unit.get("aliases").and_then(Value::as_array).is_some_and(Vec::is_empty);
            units.iter_mut().filter(|unit| unnamed(unit)).filter_map(Value::as_object_mut).for_each(|unit| drop(unit.remove("aliases")));
        }
        json!({ "$schema": self.schema("assetlist"), "chain_name": self.registry_name(), "assets": [asset] })
    }

    fn is_mainnet(&self) -> bool {
        self.public.network == "mainnet"
    }

    fn stem(&self) -> &str {
        self.chain_id.rsplit_once('-').map_or(self.chain_id.as_str(), |(stem, _)| stem)
    }

    /// `Cairn Local` of `cairn-local-1`, unless the configuration has a name.
    fn name(&self) -> String {
        let name = if self.public.name.is_empty() { title(self.stem()) } else { self.public.name.clone() };
        name.chars().take(MAX_NAME).collect()
    }

    fn features(&self) -> Vec<&'static str> {
        let spendable = ["query:/cosmos/bank/v1beta1/spendable_balances"];
        let transfers = ["ibc-transfer", "ibc-go"].into_iter().filter(|_| self.transfers);
        spendable.into_iter().chain(transfers).collect()
    }

    fn logo(&self) -> String {
        format!("{}{LOGO_PATH}", self.public.rest.trim_end_matches('/'))
    }

    fn currency(&self) -> Value {
        let coin = metadata();
        let text = |key: &str| coin.get(key).cloned().unwrap_or_default();
        json!({ "coinDenom": text("symbol"), "coinMinimalDenom": text("base"), "coinDecimals": exponent(&coin), "coinImageUrl": self.logo() })
    }

    fn low(&self) -> Value {
        number(self.price)
    }

    fn average(&self) -> Value {
        number(self.price.times(5, 4))
    }

    fn high(&self) -> Value {
        number(self.price.times(2, 1))
    }

    fn pictures(&self) -> Value {
        json!({ "svg": format!("{REGISTRY}/{}/images/cairn.svg", self.registry_folder()) })
    }

    fn image(&self) -> Value {
        let mut image = self.pictures();
        insert(&mut image, "theme", json!({ "circle": true }));
        image
    }

    /// The schema as files of the registry name it: relative to their folder.
    fn schema(&self, of: &str) -> String {
        let up = self.registry_folder().split('/').map(|_| "../").collect::<String>();
        format!("{up}{of}.schema.json")
    }

    fn apis(&self) -> Value {
        let Public { rpc, rest, grpc, .. } = &self.public;
        let provider = self.name();
        let one = |address: &str| json!([{ "address": address, "provider": provider }]);
        let socket = format!("{}/websocket", rpc.replacen("http", "ws", 1).trim_end_matches('/'));
        json!({ "rpc": one(rpc), "rest": one(rest), "grpc": one(grpc), "wss": one(&socket), "grpc-web": one(rest) })
    }
}

/// What the chain says of its own coin, as `cosmos.bank.v1beta1.Metadata`: genesis begins with it.
#[must_use]
pub fn metadata() -> Value {
    json!({
        "description": "The coin of Cairn: fees, bonds and pay.",
        "denom_units": [
            { "denom": BASE_DENOM, "exponent": 0, "aliases": ["microcairn"] },
            { "denom": "cairn", "exponent": 6, "aliases": [] }
        ],
        "base": BASE_DENOM, "display": "cairn", "name": "Cairn", "symbol": "CAIRN"
    })
}

/// The decimals of the unit that people are shown.
fn exponent(coin: &Value) -> Value {
    let display = coin.get("display");
    let mut units = coin.get("denom_units").and_then(Value::as_array).into_iter().flatten();
    units.find(|unit| unit.get("denom") == display).and_then(|unit| unit.get("exponent")).cloned().unwrap_or_default()
}

fn prefixes() -> Value {
    let prefixed = |what: &str| format!("{}{what}", PREFIX);
    let kinds = [
        ("AccAddr", ""),
        ("AccPub", "pub"),
        ("ValAddr", "valoper"),
        ("ValPub", "valoperpub"),
        ("ConsAddr", "valcons"),
        ("ConsPub", "valconspub"),
    ];
    Value::Object(kinds.into_iter().map(|(kind, what)| (format!("bech32Prefix{kind}"), json!(prefixed(what)))).collect())
}

fn insert(value: &mut Value, key: &str, item: Value) {
    if let Some(map) = value.as_object_mut() {
        map.insert(key.to_owned(), item);
    }
}

/// A price as the number that wallets calculate with.
fn number(price: GasPrice) -> Value {
    price.decimal().parse().ok().and_then(Number::from_f64).map_or(Value::Null, Value::Number)
}

/// `cairn-local` as `Cairn Local`.
fn title(stem: &str) -> String {
    let word = |w: &str| w.chars().take(1).flat_map(char::to_uppercase).chain(w.chars().skip(1)).collect::<String>();
    stem.split(['-', '_', '.']).filter(|w| !w.is_empty()).map(word).collect::<Vec<_>>().join(" ")
}
